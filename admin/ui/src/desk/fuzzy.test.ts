import { expect, test } from 'vitest';
import { best, score } from './fuzzy';

test('letters must come in order', () => {
  expect(score('xyz', 'Nodes')).toBe(0);
  expect(score('sn', 'Nodes')).toBe(0);
  expect(score('nd', 'Nodes')).toBeGreaterThan(0);
});

test('the start beats a word, a word beats the middle, the middle beats scattered letters', () => {
  const order = ['rep', 'A report', 'prepare', 'r e p'].map((s) => score('rep', s));
  expect([...order].sort((a, b) => b - a)).toEqual(order);
});

test('accents and case do not matter', () => {
  expect(score('uber', 'Übersicht')).toBeGreaterThan(0);
  expect(score('ÜBER', 'übersicht')).toBeGreaterThan(0);
});

test('best keeps the order of equals, and no more than asked', () => {
  expect(best('lo', ['loft-1', 'loft-2', 'xx', 'hello'], (s) => s)).toEqual(['loft-1', 'loft-2', 'hello']);
  expect(best('', ['a', 'b', 'c'], (s) => s, 2)).toEqual(['a', 'b']);
});
