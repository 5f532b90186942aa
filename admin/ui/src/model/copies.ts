// The copies matrix: how many volumes have how many live copies of how many wanted.
import type { Tone } from '../ui/tone';

export type Copies = { live: number; target: number; volumes: number; bytes: number };

export type Matrix = {
  // columns: every number of live copies from 0 to the most there is or is wanted
  live: number[];
  rows: { target: number; cells: (Copies | null)[]; volumes: number; bytes: number }[];
};

// matrixOf makes rows of targets and columns of live copies; a cell without volumes is null.
export function matrixOf(copies: readonly Copies[]): Matrix {
  const most = copies.reduce((m, c) => Math.max(m, c.live, c.target), 0);
  const live = copies.length ? Array.from({ length: most + 1 }, (_, i) => i) : [];
  const targets = [...new Set(copies.map((c) => c.target))].sort((a, b) => a - b);
  const rows = targets.map((target) => {
    const of = copies.filter((c) => c.target === target && c.volumes > 0);
    return {
      target,
      cells: live.map((n) => of.find((c) => c.live === n) ?? null),
      volumes: of.reduce((sum, c) => sum + c.volumes, 0),
      bytes: of.reduce((sum, c) => sum + c.bytes, 0),
    };
  });
  return { live, rows: rows.filter((r) => r.volumes > 0) };
}

// Safety of one cell: what its volumes are exposed to.
export type Safety = 'lost' | 'single' | 'below' | 'whole' | 'surplus';

export const safetyTones: Record<Safety, Tone> = { lost: 'bad', single: 'bad', below: 'warn', whole: 'ok', surplus: 'none' };

// safetyOf judges live copies of a target as the report does: no live copy cannot be
// read, one of several wanted is at risk, fewer than wanted is below target.
export function safetyOf(live: number, target: number): Safety {
  if (live === 0) return 'lost';
  if (live > target) return 'surplus';
  if (live === target) return 'whole';
  return live === 1 ? 'single' : 'below';
}

// summary adds the cells up by safety.
export function summary(copies: readonly Copies[]): Record<Safety, { volumes: number; bytes: number }> {
  const sum: Record<Safety, { volumes: number; bytes: number }> = {
    lost: { volumes: 0, bytes: 0 },
    single: { volumes: 0, bytes: 0 },
    below: { volumes: 0, bytes: 0 },
    whole: { volumes: 0, bytes: 0 },
    surplus: { volumes: 0, bytes: 0 },
  };
  for (const c of copies) {
    const s = sum[safetyOf(c.live, c.target)];
    s.volumes += c.volumes;
    s.bytes += c.bytes;
  }
  return sum;
}
