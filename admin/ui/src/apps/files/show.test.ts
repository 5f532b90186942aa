import { expect, test } from 'vitest';
import { pieces, plain } from './show';

test('an ordinary name is one piece', () => {
  for (const name of ['a.txt', 'Übersicht – Größe.pdf', '日本語.md', 'عربي.txt', '👩‍💻 notes.txt', '❤️.png', '<img src=x onerror=alert(1)>']) {
    expect(pieces(name)).toEqual([{ text: name, code: false }]);
  }
});

test('what turns the writing direction is named', () => {
  expect(plain('invoice\u202Egpj.exe')).toBe('invoice[U+202E]gpj.exe');
  expect(pieces('a\u2066b')).toEqual([
    { text: 'a', code: false },
    { text: 'U+2066', code: true },
    { text: 'b', code: false },
  ]);
});

test.each([
  ['a\u2028b', 'a[U+2028]b'],
  ['a\u0085b', 'a[U+0085]b'],
  ['a\u00a0b', 'a[U+00A0]b'],
  ['a\u200bb', 'a[U+200B]b'],
  ['a\u200db', 'a[U+200D]b'],
  ['a\ufe0fb', 'a[U+FE0F]b'],
  ['a\u{e0041}', 'a[U+E0041]'],
  [' a ', '␣a␣'],
  ['a  b', 'a ␣b'],
])('%j is shown as %s', (name, want) => expect(plain(name)).toBe(want));

test('no two different names of this kind look alike', () => {
  const names = ['ab', 'a\u200bb', 'a\u2060b', 'a\ufeffb', 'ab\u202e', ' ab', 'ab '];
  expect(new Set(names.map(plain)).size).toBe(names.length);
});
