// Where the cells of the strip are, and which one a key means. Pure.
import { valueOf, type Figure } from '../../model/nodeMetrics';
import type { Node } from '../../model/nodes';

const [least, most] = [6, 18]; // px of a cell
const high = 84; // px that the strip may be high, if cells need not be smaller than the least

// columnsOf is how many cells stand beside each other.
export function columnsOf(width: number, size: number): number {
  return Math.max(1, Math.floor(width / size));
}

// cellSize is the largest at which so many cells are not too high.
export function cellSize(count: number, width: number): number {
  for (let size = most; size > least; size--) {
    if (Math.ceil(count / columnsOf(width, size)) * size <= high) return size;
  }
  return least;
}

// stepped answers the cell to go to, or null for a key that means none.
export function stepped(key: string, at: number, count: number, columns: number): number | null {
  const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  if (count === 0) return null;
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  const by = steps[key];
  if (by === undefined) return null;
  const to = Math.max(at, 0) + by;
  return to < 0 || to >= count ? Math.max(at, 0) : to;
}

// highest is the node whose figure is the highest; none without a figure.
export function highest(nodes: readonly Node[], metric: Figure): Node | undefined {
  let best: Node | undefined;
  let top = -Infinity;
  for (const n of nodes) {
    const v = valueOf(n, metric);
    if (v !== null && v > top) [best, top] = [n, v];
  }
  return best;
}
