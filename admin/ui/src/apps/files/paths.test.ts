import { describe, expect, test } from 'vitest';
import { another, base, clean, contains, fault, free, join, names, parent, resolve, same, split, trail, unportable } from './paths';

describe('parts of a path', () => {
  test.each([
    ['/', '/', '', []],
    ['/a', '/', 'a', ['a']],
    ['/a/b c', '/a', 'b c', ['a', 'b c']],
    ['/ü/日本/x.txt', '/ü/日本', 'x.txt', ['ü', '日本', 'x.txt']],
  ])('%s', (path, dir, name, all) => {
    expect(parent(path)).toBe(dir);
    expect(base(path)).toBe(name);
    expect(names(path)).toEqual(all);
  });

  test('join and parent are each other’s opposite', () => {
    for (const dir of ['/', '/a', '/a/b']) expect(parent(join(dir, 'x'))).toBe(dir);
  });

  test('trail leads from the root down', () => {
    expect(trail('/a/b')).toEqual([
      { name: 'a', path: '/a' },
      { name: 'b', path: '/a/b' },
    ]);
    expect(trail('/')).toEqual([]);
  });

  test('contains minds whole names and the two ways to write an umlaut', () => {
    expect(contains('/a', '/ab')).toBe(false);
    expect(contains('/a', '/a/b')).toBe(true);
    expect(contains('/', '/x')).toBe(true);
    expect(contains('/u\u0308', '/\u00fc/x')).toBe(true);
  });
});

describe('what a person types', () => {
  test.each([
    ['/a/b', '/', '/a/b'],
    ['  /a//b/ ', '/', '/a/b'],
    ['b', '/a', '/a/b'],
    ['..', '/a/b', '/a'],
    ['../../..', '/a', '/'],
    ['./x', '/a', '/a/x'],
    ['~', '/a', '/'],
    ['~/x', '/a', '/x'],
    ['/', '/a', '/'],
    ['', '/a', null],
    ['/a\\b', '/', null],
    ['/a\u0000', '/', null],
    [`/${'x'.repeat(256)}`, '/', null],
    [`/${'x/'.repeat(129)}`, '/', null],
  ])('%j in %s', (text, dir, want) => expect(clean(text, dir)).toBe(want));
});

describe('the path of an address', () => {
  test.each([
    ['/a ', '/a '],
    ['/ a/b', '/ a/b'],
    ['/ ', '/ '],
    ['/~', '/~'],
    ['/a//b/', '/a/b'],
    ['/a/../b', '/b'],
    ['', '/'],
    ['/a\\b', null],
  ])('%j is taken as it stands', (path, want) => expect(resolve(path)).toBe(want));
});

describe('names', () => {
  test.each([
    ['a', null],
    ['<img src=x onerror=alert(1)>', null],
    ['\u202Egpj.exe', null],
    ['', 'empty'],
    ['..', 'dots'],
    ['a/b', 'slash'],
    ['a\\b', 'slash'],
    ['a\nb', 'control'],
    ['a\ud800', 'control'],
    ['ü'.repeat(127), null],
    ['ü'.repeat(128), 'long'],
    ['x'.repeat(256), 'long'],
  ])('fault of %j', (name, want) => expect(fault(name)).toBe(want));

  test('the two ways to write an umlaut are the same name', () => expect(same('u\u0308', '\u00fc')).toBe(true));

  test.each([
    ['a.txt', ['a', '.txt']],
    ['a.tar.gz', ['a', '.tar.gz']],
    ['.profile', ['.profile', '']],
    ['README', ['README', '']],
    ['v1.2 final', ['v1.2 final', '']],
  ])('split %s', (name, want) => expect(split(name)).toEqual(want));

  test.each([
    ['a.txt', 1, 'a.txt'],
    ['a.txt', 2, 'a (2).txt'],
    ['a (2).txt', 3, 'a (3).txt'],
    ['folder', 2, 'folder (2)'],
  ])('another %s, %d', (name, n, want) => expect(another(name, n)).toBe(want));

  test('another stays within 255 bytes and cuts no character', () => {
    const name = another('ü'.repeat(124) + '.txt', 12);
    expect(fault(name)).toBeNull();
    expect(name.endsWith(' (12).txt')).toBe(true);
    expect(fault(another('😀'.repeat(63), 2))).toBeNull();
  });

  test('free finds the first that nobody has', () => {
    const taken = new Set(['a.txt', 'a (2).txt']);
    expect(free('a.txt', (n) => taken.has(n))).toBe('a (3).txt');
    expect(free('b.txt', (n) => taken.has(n))).toBe('b.txt');
  });

  test.each([
    ['a:b', 'characters'],
    ['a.', 'ending'],
    ['nul.txt', 'device'],
    ['null.txt', null],
  ])('Windows and %s', (name, want) => expect(unportable(name)).toBe(want));
});
