// Cells of the heat map: where they are, how dark they are. Pure.
import type { Schemas } from '../../api/client';
import type { Range } from './ranges';

export type Heat = Schemas['Heat'];
export const heatSeries = ['read_bytes', 'write_bytes', 'latency_p99', 'reads', 'writes', 'errors', 'used_bytes'] as const;
export type HeatSeries = (typeof heatSeries)[number];
export const heatRanges = ['1h', '6h', '24h'] as const satisfies readonly Range[];
export type HeatRange = (typeof heatRanges)[number];

export type Cell = { row: number; col: number };

// highest is the largest figure and where it is; null when there is none.
export function highest(heat: Pick<Heat, 'rows'>): (Cell & { value: number }) | null {
  let best: (Cell & { value: number }) | null = null;
  heat.rows.forEach((r, row) =>
    r.values.forEach((value, col) => {
      if (value !== null && (!best || value > best.value)) best = { row, col, value };
    }),
  );
  return best;
}

// shade is a step of so many, 0 for nothing; null where nothing is known.
export function shade(value: number | null | undefined, top: number, steps: number): number | null {
  if (value === null || value === undefined) return null;
  if (top <= 0 || value <= 0) return 0;
  return Math.min(steps - 1, Math.max(1, Math.ceil((value / top) * (steps - 1))));
}

// cellAt finds the cell below a point of the drawing; null beside it.
export function cellAt(x: number, y: number, width: number, rowHeight: number, cols: number, rows: number): Cell | null {
  if (width <= 0 || cols <= 0) return null;
  const cell = { row: Math.floor(y / rowHeight), col: Math.floor((x / width) * cols) };
  return cell.row < 0 || cell.col < 0 || cell.row >= rows || cell.col >= cols ? null : cell;
}

// edges are where a column begins and ends, on whole pixels so that none show a gap.
export function edges(col: number, width: number, cols: number): { from: number; to: number } {
  return { from: Math.round((col * width) / cols), to: Math.round(((col + 1) * width) / cols) };
}

// moved is the cell that a key leads to; undefined for other keys. The first key
// of all leads to the newest figure of the first row.
export function moved(key: string, at: Cell | null, cols: number, rows: number): Cell | undefined {
  const by: Record<string, [number, number]> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    PageUp: [-10, 0],
    PageDown: [10, 0],
    Home: [0, -cols],
    End: [0, cols],
  };
  const step = by[key];
  if (!step || cols <= 0 || rows <= 0) return undefined;
  if (!at) return { row: 0, col: cols - 1 };
  const inside = (n: number, of: number): number => Math.max(0, Math.min(of - 1, n));
  return { row: inside(at.row + step[0], rows), col: inside(at.col + step[1], cols) };
}
