import { expect, test } from 'vitest';
import { cellAt, edges, highest, moved, shade } from './heat';
import { places } from './png';

const rows = (...values: (number | null)[][]) => ({ rows: values.map((v, i) => ({ node: `n${i}`, name: `dn-${i}`, values: v })) });

test('the highest figure and where it is', () => {
  expect(highest(rows([1, null], [null, 7], [7, 2]))).toEqual({ row: 1, col: 1, value: 7 });
  expect(highest(rows([null], []))).toBeNull();
  expect(highest(rows())).toBeNull();
});

test('nothing is not little, and what is not known is neither', () => {
  expect([shade(null, 10, 8), shade(undefined, 10, 8)]).toEqual([null, null]);
  expect([shade(0, 10, 8), shade(0, 0, 8)]).toEqual([0, 0]);
  expect([shade(0.001, 10, 8), shade(5, 10, 8), shade(10, 10, 8), shade(11, 10, 8)]).toEqual([1, 4, 7, 7]);
});

test('cells cover the drawing without gaps, and a point finds its own', () => {
  const [width, cols] = [601, 60];
  for (let c = 1; c < cols; c++) expect(edges(c, width, cols).from).toBe(edges(c - 1, width, cols).to);
  expect([edges(0, width, cols).from, edges(cols - 1, width, cols).to]).toEqual([0, width]);
  expect(cellAt(600, 47, width, 24, cols, 2)).toEqual({ row: 1, col: 59 });
  expect(cellAt(0, 0, width, 24, cols, 2)).toEqual({ row: 0, col: 0 });
  for (const [x, y] of [[-1, 0], [601, 0], [0, -1], [0, 48]] as const) expect(cellAt(x, y, width, 24, cols, 2)).toBeNull();
  expect(cellAt(0, 0, 0, 24, cols, 2)).toBeNull();
});

test('keys move the cell and stop at the edges', () => {
  expect(moved('ArrowDown', null, 60, 5)).toEqual({ row: 0, col: 59 });
  expect(moved('ArrowDown', { row: 0, col: 3 }, 60, 5)).toEqual({ row: 1, col: 3 });
  expect(moved('ArrowUp', { row: 0, col: 3 }, 60, 5)).toEqual({ row: 0, col: 3 });
  expect(moved('ArrowLeft', { row: 0, col: 0 }, 60, 5)).toEqual({ row: 0, col: 0 });
  expect(moved('End', { row: 2, col: 0 }, 60, 5)).toEqual({ row: 2, col: 59 });
  expect(moved('Home', { row: 2, col: 9 }, 60, 5)).toEqual({ row: 2, col: 0 });
  expect(moved('PageDown', { row: 2, col: 9 }, 60, 5)).toEqual({ row: 4, col: 9 });
  expect(moved('x', { row: 2, col: 9 }, 60, 5)).toBeUndefined();
  expect(moved('ArrowDown', null, 0, 0)).toBeUndefined();
});

test('the legend of a picture wraps into rows', () => {
  expect(places([100, 100, 100], 250)).toEqual([
    { x: 0, row: 0 },
    { x: 116, row: 0 },
    { x: 0, row: 1 },
  ]);
  expect(places([400, 10], 250)).toEqual([
    { x: 0, row: 0 },
    { x: 0, row: 1 },
  ]);
  expect(places([], 250)).toEqual([]);
});
