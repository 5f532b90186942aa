// The figures by which nodes are compared at a glance, and their shades. Pure.
import { fullness, type Node } from './nodes';

export const metrics = ['state', 'used', 'read', 'write', 'p99'] as const;
export type Metric = (typeof metrics)[number];
export type Figure = Exclude<Metric, 'state'>;

// valueOf is a node's figure, null where it has none.
export function valueOf(n: Node, metric: Figure): number | null {
  if (metric === 'used') return n.capacity_bytes > 0 ? fullness(n) : null;
  if (metric === 'p99') return n.latency_p99_ms ?? null;
  if (n.liveness === 'down') return null;
  return metric === 'read' ? n.read_bytes_per_second : n.write_bytes_per_second;
}

// topOf is the end of the scale: all of it for space, else the most there is.
export function topOf(nodes: readonly Node[], metric: Metric): number {
  if (metric === 'state' || metric === 'used') return 1;
  return nodes.reduce((top, n) => Math.max(top, valueOf(n, metric) ?? 0), 0);
}

// shadeOf is a step of the scale, 0 to 4, or null without a figure.
export function shadeOf(value: number | null, top: number): number | null {
  if (value === null) return null;
  return top > 0 ? Math.min(4, Math.floor((value / top) * 5)) : 0;
}
