// What the blocks of a file mean for reading it.
import type { Block } from '../types';

export type Judgement = { lost: number; below: number; nodes: string[] };

// judge counts the blocks without a reachable copy, those below their target,
// and names the nodes that would bring the lost ones back.
export function judge(blocks: readonly Block[]): Judgement {
  const nodes = new Set<string>();
  let lost = 0;
  let below = 0;
  for (const b of blocks) {
    if (b.live === 0) {
      lost++;
      for (const r of b.replicas) nodes.add(r.name);
    } else if (b.live < b.target) {
      below++;
    }
  }
  return { lost, below, nodes: [...nodes].sort() };
}

const units: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };

// sizeOf reads a size as a person writes it: "500 GiB", "1.5t", "0"; null when it is none.
export function sizeOf(text: string): number | null {
  const m = /^\s*(\d+(?:[.,]\d+)?)\s*([bkmgtp]?)(?:i?b)?\s*$/i.exec(text);
  if (!m?.[1]) return null;
  const n = Number(m[1].replace(',', '.')) * (units[(m[2] ?? '').toLowerCase() || 'b'] ?? 1);
  return n <= Number.MAX_SAFE_INTEGER ? Math.round(n) : null;
}
