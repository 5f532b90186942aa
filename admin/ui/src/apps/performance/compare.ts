// An earlier time beside the present one. Pure.
import type { Schemas } from '../../api/client';
import { seconds, type Range } from './ranges';

export const compares = ['none', 'prior', 'day'] as const;
export type Compare = (typeof compares)[number];

// kept is how long the server keeps figures, in seconds: of the cluster, of a node.
const kept = { cluster: seconds('7d'), node: seconds('24h') };

// offsetOf is how much earlier, in seconds; null: nothing is compared.
export function offsetOf(compare: Compare, range: Range): number | null {
  return { none: null, prior: seconds(range), day: seconds('24h') }[compare];
}

// keeps says whether the server may still have figures of that time.
export function keeps(compare: Compare, range: Range, ofNodes: boolean): boolean {
  const offset = offsetOf(compare, range);
  return offset === null || offset + seconds(range) <= (ofNodes ? kept.node : kept.cluster);
}

// aligned lays an earlier column under the times of now: of each time, what was
// measured in the earlier point that it falls into.
export function aligned(times: readonly number[], earlier: Schemas['Metrics'], values: readonly (number | null)[], offset: number): (number | null)[] {
  const first = earlier.times[0];
  if (first === undefined || earlier.step_seconds <= 0) return times.map(() => null);
  return times.map((at) => values[Math.floor((at - offset - first) / earlier.step_seconds)] ?? null);
}

// change is how much a figure is above or below an earlier one, as a share of it;
// null where there is nothing to divide by.
export function change(now: number | null | undefined, before: number | null | undefined): number | null {
  return now === null || now === undefined || !before ? null : now / before - 1;
}
