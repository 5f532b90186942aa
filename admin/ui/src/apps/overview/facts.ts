// The five facts under the verdict, from the report's figures.
import type { Report } from '../../model/verdict';

type Nodes = Report['nodes'];

// known counts the storage servers that the cluster has. Draining and maintenance
// are wishes, and are counted in the other four already.
export function known(n: Nodes): number {
  return n.up + n.suspect + n.down + n.unknown;
}

// daysLeft rounds the forecast down: a promise of one more day must hold.
export function daysLeft(days: number | null): number | null {
  return days === null ? null : Math.floor(days);
}

// last answers the newest value that is there, and the most.
export function last(values: readonly (number | null)[]): { now: number | null; most: number | null } {
  const there = values.filter((v): v is number => v !== null);
  return { now: there.at(-1) ?? null, most: there.length ? Math.max(...there) : null };
}
