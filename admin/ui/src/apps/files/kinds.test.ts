import { expect, test } from 'vitest';
import { extension, kindOf, looksLikeText, previewOf } from './kinds';

const file = (name: string, size = 10) => ({ name, dir: false, size });

test.each([
  ['a.PNG', 'image'],
  ['a.tar.gz', 'archive'],
  ['x.tar.unknown', 'file'],
  ['Makefile', 'code'],
  ['.env', 'file'],
  ['backup.kdbx', 'key'],
  ['movie.mkv', 'video'],
  ['no extension', 'file'],
  ['__proto__', 'file'],
  ['constructor', 'file'],
])('%s is %s', (name, want) => expect(kindOf(file(name))).toBe(want));

test('a folder is a folder, whatever it is called', () => expect(kindOf({ name: 'a.png', dir: true })).toBe('folder'));

test('extension is lower case', () => expect(extension('A.JPeG')).toBe('jpeg'));

test.each([
  ['a.png', 'image'],
  ['a.svg', 'text'],
  ['a.html', 'text'],
  ['a.mp4', 'video'],
  ['a.mkv', 'none'],
  ['a.pdf', 'none'],
  ['LICENSE', 'text'],
])('%s is looked at as %s', (name, want) => expect(previewOf(file(name))).toBe(want));

test('large files without a known type are not fetched to look at', () => expect(previewOf(file('blob', 2 << 20))).toBe('none'));

test('text is told by its bytes', () => {
  const of = (s: string) => new TextEncoder().encode(s);
  expect(looksLikeText(of('Grüße\nline'))).toBe(true);
  expect(looksLikeText(of('a\u0000b'))).toBe(false);
  expect(looksLikeText(new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0x10, 0x4a, 0x80, 0x81]))).toBe(false);
  // cut in the middle of a character
  expect(looksLikeText(of('äöü'.repeat(100)).slice(0, 101))).toBe(true);
});
