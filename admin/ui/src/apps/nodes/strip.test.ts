import { expect, test } from 'vitest';
import { node } from '../../../e2e/fixture/cluster';
import { cellSize, columnsOf, highest, stepped } from './strip';

test('few nodes have large cells, a thousand still fit', () => {
  expect(cellSize(4, 900)).toBe(18);
  expect(cellSize(0, 900)).toBe(18);
  for (const width of [0, 300, 358, 900, 1400]) {
    const size = cellSize(1000, width);
    expect(size).toBeGreaterThanOrEqual(6);
    if (width >= 600) expect(Math.ceil(1000 / columnsOf(width, size)) * size).toBeLessThanOrEqual(84);
  }
});

test('keys go from cell to cell and stop at the ends', () => {
  const go = (key: string, at: number) => stepped(key, at, 10, 4);
  expect([go('ArrowRight', 0), go('ArrowRight', 9), go('ArrowLeft', 0), go('ArrowDown', 1), go('ArrowDown', 7), go('ArrowUp', 2), go('ArrowUp', 6)]).toEqual([1, 9, 0, 5, 7, 2, 2]);
  expect([go('Home', 7), go('End', 0), go('ArrowRight', -1), go('x', 0)]).toEqual([0, 9, 1, null]);
  expect(stepped('Home', 0, 0, 4)).toBeNull();
});

test('the highest is one that has a figure', () => {
  const nodes = [1, 2, 3, 4].map((i) => ({ ...node(i), free_bytes: [5, 2, 9, 0][i - 1]!, capacity_bytes: i === 4 ? 0 : 10 }));
  expect(highest(nodes, 'used')?.id).toBe('n2');
  expect(highest(nodes.map((n) => ({ ...n, latency_p99_ms: undefined })), 'p99')).toBeUndefined();
});
