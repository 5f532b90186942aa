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
