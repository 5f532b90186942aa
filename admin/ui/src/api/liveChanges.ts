// How messages of the live stream go into what was read: the stream tells only
// what has changed, and figures as bare numbers in the order that the document
// gives. undefined: it does not fit, and must be read again.
import type { Schemas } from './client';

type Node = Schemas['Node'];
type Figures = Schemas['NodeFigures'];

const head = 7; // figures of the node itself
const perDisk = 3;

// withFigures is the node with other figures.
export function withFigures(node: Node, row: Figures): Node | undefined {
  const f = row.figures;
  if (f.length !== head + perDisk * node.disks.length) return undefined;
  const at = (i: number): number => f[i] ?? 0;
  const p99 = at(3);
  return {
    ...node,
    heard: at(0) > 0 ? new Date(at(0)).toISOString() : undefined,
    read_bytes_per_second: at(1),
    write_bytes_per_second: at(2),
    latency_p99_ms: p99 < 0 ? undefined : p99,
    used_bytes: at(4),
    free_bytes: at(5),
    volumes: at(6),
    drain: row.drain,
    disks: node.disks.map((d, i) => {
      const k = head + perDisk * i;
      return { ...d, used_bytes: at(k), free_bytes: at(k + 1), volumes: at(k + 2) };
    }),
  };
}

// withAllFigures does so with a list; nodes that the list does not have are left out.
export function withAllFigures(items: readonly Node[], rows: readonly Figures[] | undefined): Node[] | undefined {
  if (!rows?.length) return [...items];
  const by = new Map(rows.map((r) => [r.id, r]));
  const next: Node[] = [];
  for (const node of items) {
    const row = by.get(node.id);
    const now = row ? withFigures(node, row) : node;
    if (!now) return undefined;
    next.push(now);
  }
  return next;
}

// withRepairs is the queue as the stream has it now: its front.
export function withRepairs(old: Schemas['Repairs'], change: Schemas['RepairChanges']): Schemas['Repairs'] | undefined {
  const known = new Map([...old.queue, ...change.changed].map((r) => [r.volume, r]));
  const queue: Schemas['Repair'][] = [];
  for (const [i, volume] of change.order.entries()) {
    const repair = known.get(volume);
    if (!repair) return undefined;
    queue.push({ ...repair, bytes_done: change.done[i] ?? repair.bytes_done });
  }
  return { as_of: change.as_of, total: change.total, drains: change.drains, queue };
}
