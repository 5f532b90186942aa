// What the desktop knows about machines: their state in one word, and how the
// live stream's changes go into the list.
import type { Schemas } from '../api/client';
import type { Tone } from '../ui/tone';

export type Node = Schemas['Node'];
export type Disk = Schemas['Disk'];

// A node's state as shown: what an operator asked for, else how it is heard.
// ready: drained and empty.
export const nodeStates = ['down', 'suspect', 'unknown', 'maintenance', 'draining', 'ready', 'up', 'removed'] as const;
export type NodeState = (typeof nodeStates)[number];

export const nodeTones: Record<NodeState, Tone> = {
  down: 'bad',
  suspect: 'warn',
  unknown: 'none',
  maintenance: 'busy',
  draining: 'busy',
  ready: 'ok',
  up: 'ok',
  removed: 'none',
};

// stateOf is the one word. A machine in maintenance is expected to be away; one
// that drains and is down is down, for its data must come from elsewhere.
export function stateOf(n: Node): NodeState {
  if (n.state === 'removed') return 'removed';
  if (n.state === 'maintenance') return 'maintenance';
  if (n.liveness !== 'up') return n.liveness;
  if (n.state === 'draining') return n.drain?.ready ? 'ready' : 'draining';
  return 'up';
}

// urgency orders states for sorting: what needs a person comes first.
export function urgency(n: Node): number {
  return nodeStates.indexOf(stateOf(n));
}

export function failedDisks(n: Node): number {
  return n.disks.filter((d) => d.failed !== '').length;
}

// fullness is the part of a disk that takes nothing more, whoever has filled it:
// the checks judge by what is free. 0 when there is no disk.
export function fullness(of: { capacity_bytes: number; free_bytes: number }): number {
  return of.capacity_bytes > 0 ? Math.min(1, Math.max(0, 1 - of.free_bytes / of.capacity_bytes)) : 0;
}

// fullTone follows the checks DISK_NEARFULL (85 %) and DISK_FULL (95 %).
export function fullTone(part: number): 'accent' | 'warn' | 'bad' {
  return part >= 0.95 ? 'bad' : part >= 0.85 ? 'warn' : 'accent';
}

// heard says whether a node's rates are of now: nobody knows what a silent one does.
export function heard(n: Pick<Node, 'liveness'>): boolean {
  return n.liveness === 'up' || n.liveness === 'suspect';
}

// merge puts the stream's changes into a list, keeping its order; new nodes come last.
export function merge<T extends { id: string }>(items: readonly T[], changed: readonly T[], removed: readonly string[]): T[] {
  const fresh = new Map(changed.map((n) => [n.id, n]));
  const gone = new Set(removed);
  const next: T[] = [];
  for (const old of items) {
    if (gone.has(old.id)) continue;
    const now = fresh.get(old.id);
    fresh.delete(old.id);
    next.push(now ?? old);
  }
  for (const n of fresh.values()) if (!gone.has(n.id)) next.push(n);
  return next;
}

// countStates counts nodes by state, in the order of urgency, leaving out what there is none of.
export function countStates(nodes: readonly Node[]): { state: NodeState; count: number }[] {
  const counts = new Map<NodeState, number>();
  for (const n of nodes) counts.set(stateOf(n), (counts.get(stateOf(n)) ?? 0) + 1);
  return nodeStates.flatMap((state) => {
    const count = counts.get(state);
    return count ? [{ state, count }] : [];
  });
}

export type Zone = { name: string; nodes: Node[] };

// byZone groups nodes; zones and nodes are in order of name, numbers in them counted as numbers.
export function byZone(nodes: readonly Node[]): Zone[] {
  const zones = new Map<string, Node[]>();
  for (const n of nodes) {
    const list = zones.get(n.zone);
    if (list) list.push(n);
    else zones.set(n.zone, [n]);
  }
  const names = new Intl.Collator(undefined, { numeric: true }).compare;
  return [...zones]
    .map(([name, list]) => ({ name, nodes: list.sort((a, b) => names(a.name, b.name)) }))
    .sort((a, b) => names(a.name, b.name));
}

// namesOf answers node names by id; an id that is not known stays as it is.
export function namesOf(nodes: readonly Node[]): (id: string) => string {
  const names = new Map(nodes.map((n) => [n.id, n.name]));
  return (id) => names.get(id) ?? id;
}
