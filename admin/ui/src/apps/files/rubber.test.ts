import { expect, test } from 'vitest';
import { boxOf, combine, covered } from './rubber';

const list = { count: 10, columns: 1, width: 400, height: 32 };

test('drawn in any direction it is the same box', () => {
  expect(boxOf(10, 20, 4, 2)).toEqual({ x: 4, y: 2, w: 6, h: 18 });
});

test('rows of a list', () => {
  expect(covered(boxOf(5, 33, 9, 95), list)).toEqual([1, 2]);
  expect(covered(boxOf(5, -50, 9, 5000), list)).toHaveLength(10);
  expect(covered(boxOf(5, 400, 9, 500), list)).toEqual([]);
});

test('tiles, and the last row that is not full', () => {
  const tiles = { count: 7, columns: 3, width: 100, height: 100 };
  expect(covered(boxOf(150, 50, 250, 150), tiles)).toEqual([1, 2, 4, 5]);
  expect(covered(boxOf(150, 250, 250, 260), tiles)).toEqual([]);
  expect(covered(boxOf(0, 250, 250, 260), tiles)).toEqual([6]);
});

test('Ctrl changes sides, Shift adds', () => {
  const before = new Set(['a', 'b']);
  expect([...combine(before, ['b', 'c'], false, false)]).toEqual(['b', 'c']);
  expect([...combine(before, ['b', 'c'], true, false)]).toEqual(['a', 'c']);
  expect([...combine(before, ['b', 'c'], false, true)]).toEqual(['a', 'b', 'c']);
});
