import { expect, test } from 'vitest';
import { all, nothing, only, range, toggle } from './selection';

const order = ['a', 'b', 'c', 'd', 'e'];
const keys = (s: { keys: ReadonlySet<string> }): string => [...s.keys].join('');

test('a click selects one, Ctrl adds and takes away', () => {
  let s = only('b');
  s = toggle(s, 'd');
  expect(keys(s)).toBe('bd');
  expect(keys(toggle(s, 'b'))).toBe('d');
});

test('Shift selects from the anchor, in both directions, and the anchor stays', () => {
  let s = range(only('c'), 'e', order);
  expect(keys(s)).toBe('cde');
  s = range(s, 'a', order);
  expect(keys(s)).toBe('abc');
  expect(s.anchor).toBe('c');
});

test('an anchor that is gone, a key that is gone', () => {
  expect(keys(range({ keys: new Set(['x']), anchor: 'x' }, 'd', order))).toBe('d');
  expect(keys(range(only('b'), 'x', order))).toBe('b');
  expect(keys(range(nothing, 'b', order))).toBe('b');
});

test('all', () => {
  expect(keys(all(nothing, order))).toBe('abcde');
  expect(all(nothing, []).anchor).toBeNull();
});
