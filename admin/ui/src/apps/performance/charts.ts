// Which charts there are, and how the server's columns become them. Pure.
import type { Schemas } from '../../api/client';

export type SeriesName = Schemas['SeriesName'];
export type Metrics = Schemas['Metrics'];
export type Unit = 'rate' | 'bytes' | 'ms' | 'each';
export type Range = '5m' | '15m' | '1h' | '6h' | '24h' | '7d';
export type Line = { key: string; name: string; values: readonly (number | null)[] };
export type Plot = { id: string; title: string; unit: Unit; lines: Line[] };
export type Zoom = { from: number; to: number };

export const ranges: readonly Range[] = ['5m', '15m', '1h', '6h', '24h', '7d'];
export const nodesMost = 6;

const units: Record<SeriesName, Unit> = {
  read_bytes: 'rate',
  write_bytes: 'rate',
  reads: 'each',
  writes: 'each',
  errors: 'each',
  latency_p50: 'ms',
  latency_p95: 'ms',
  latency_p99: 'ms',
  used_bytes: 'bytes',
  repair_bytes: 'rate',
  commands: 'each',
  requests: 'each',
  request_bytes_in: 'rate',
  request_bytes_out: 'rate',
};

// of the cluster: series that are read together share a chart
const groups = {
  throughput: ['read_bytes', 'write_bytes'],
  latency: ['latency_p50', 'latency_p95', 'latency_p99'],
  operations: ['reads', 'writes', 'errors'],
  repair: ['repair_bytes'],
  gateway: ['request_bytes_in', 'request_bytes_out'],
  nameserver: ['requests', 'commands'],
  space: ['used_bytes'],
} as const satisfies Record<string, readonly SeriesName[]>;
export type Group = keyof typeof groups;

// of nodes: one chart for a series, one line for a node
const ofNodes = ['read_bytes', 'write_bytes', 'latency_p99', 'reads', 'writes', 'errors', 'repair_bytes', 'used_bytes'] as const;
export type NodeSeries = (typeof ofNodes)[number];

// wanted is what is asked for.
export function wanted(nodes: readonly string[]): SeriesName[] {
  return nodes.length ? [...ofNodes] : Object.values(groups).flat();
}

export type Names = {
  titles: Record<Group, string>;
  series: Record<SeriesName, string>;
  perNode: Record<NodeSeries, string>;
  node: (id: string) => string;
};

// plots makes the charts; a chart without any figure is left out.
export function plots(m: Metrics, nodes: readonly string[], names: Names): Plot[] {
  const values = (series: SeriesName, node: string) => m.columns.find((c) => c.series === series && c.node === node)?.values ?? [];
  const all: Plot[] = nodes.length
    ? ofNodes.map((s) => ({
        id: s,
        title: names.perNode[s],
        unit: units[s],
        lines: nodes.map((n) => ({ key: n, name: names.node(n), values: values(s, n) })),
      }))
    : (Object.entries(groups) as [Group, readonly SeriesName[]][]).map(([id, list]) => ({
        id,
        title: names.titles[id],
        unit: units[list[0] as SeriesName],
        lines: list.map((s) => ({ key: s, name: names.series[s], values: values(s, '') })),
      }));
  return all
    .map((p) => ({ ...p, lines: p.lines.filter((l) => l.values.some((v) => v !== null)) }))
    .filter((p) => p.lines.length > 0);
}

// every is how often a range is read again, in ms: not more often than it has a new point.
export function every(range: Range): number {
  return { '5m': 5000, '15m': 5000, '1h': 10_000, '6h': 30_000, '24h': 60_000, '7d': 120_000 }[range];
}

// newest is the last figure that is there, at or before an index.
export function newest(values: readonly (number | null)[], at = values.length - 1): number | null {
  for (let i = Math.min(at, values.length - 1); i >= 0; i--) {
    const v = values[i];
    if (v !== null && v !== undefined) return v;
  }
  return null;
}

export function most(values: readonly (number | null)[]): number | null {
  let top: number | null = null;
  for (const v of values) if (v !== null && (top === null || v > top)) top = v;
  return top;
}

// sample picks about so many indices, evenly, the last one included: the table
// shows figures that were measured, never averages of its own.
export function sample(length: number, want: number): number[] {
  if (length <= want) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: want }, (_, i) => Math.round(((i + 1) * length) / want) - 1);
}

// within answers the indices of times inside a zoom.
export function within(times: readonly number[], zoom: Zoom | null): number[] {
  return times.flatMap((at, i) => (!zoom || (at >= zoom.from && at <= zoom.to) ? [i] : []));
}

// steps are round distances on the y axis; sizes go by powers of two.
export function steps(unit: Unit): number[] | undefined {
  if (unit === 'ms' || unit === 'each') return undefined;
  const list: number[] = [];
  for (let unitOf = 1; unitOf <= 2 ** 60; unitOf *= 1024) for (const n of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) list.push(n * unitOf);
  return list;
}
