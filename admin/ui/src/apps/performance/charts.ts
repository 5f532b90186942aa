// Which charts there are, and how the server's columns become them. Pure.
import type { Schemas } from '../../api/client';
import { aligned } from './compare';

export type SeriesName = Schemas['SeriesName'];
export type Metrics = Schemas['Metrics'];
export type Unit = 'rate' | 'bytes' | 'ms' | 'each';
type Values = readonly (number | null)[];
// hue is the place of its colour: the same in every chart, whatever is left out
// of one. before is what was measured at an earlier time.
export type Line = { key: string; name: string; hue: number; values: Values; before?: Values };
export type Plot = { id: string; title: string; unit: Unit; lines: Line[] };

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
  desktop: ['request_bytes_in', 'request_bytes_out'],
  nameserver: ['requests', 'commands'],
  space: ['used_bytes'],
} as const satisfies Record<string, readonly SeriesName[]>;
export type Group = keyof typeof groups;

// of nodes: one chart for a series, one line for a node
const ofNodes = ['read_bytes', 'write_bytes', 'latency_p99', 'reads', 'writes', 'errors', 'used_bytes'] as const;
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

// Earlier is what to compare with: the columns of a time so many seconds before.
export type Earlier = { metrics: Metrics; offset: number };

// plots makes the charts; a chart without any figure is left out.
export function plots(m: Metrics, nodes: readonly string[], names: Names, earlier?: Earlier): Plot[] {
  const find = (of: Metrics, series: SeriesName, node: string): Values => of.columns.find((c) => c.series === series && c.node === node)?.values ?? [];
  const line = (key: string, name: string, hue: number, series: SeriesName, node: string): Line => ({
    key,
    name,
    hue,
    values: find(m, series, node),
    ...(earlier && { before: aligned(m.times, earlier.metrics, find(earlier.metrics, series, node), earlier.offset) }),
  });
  const all: Plot[] = nodes.length
    ? ofNodes.map((s) => ({ id: s, title: names.perNode[s], unit: units[s], lines: nodes.map((n, i) => line(n, names.node(n), i, s, n)) }))
    : (Object.entries(groups) as [Group, readonly SeriesName[]][]).map(([id, list]) => ({
        id,
        title: names.titles[id],
        unit: units[list[0] as SeriesName],
        lines: list.map((s, i) => line(s, names.series[s], i, s, '')),
      }));
  const any = (values: Values | undefined): boolean => !!values?.some((v) => v !== null);
  return all.map((p) => ({ ...p, lines: p.lines.filter((l) => any(l.values) || any(l.before)) })).filter((p) => p.lines.length > 0);
}

export const unitOf = (series: SeriesName): Unit => units[series];

// newest is the last figure that is there, at or before an index, and not before another.
export function newest(values: Values, at = values.length - 1, from = 0): number | null {
  for (let i = Math.min(at, values.length - 1); i >= from; i--) {
    const v = values[i];
    if (v !== null && v !== undefined) return v;
  }
  return null;
}

// lately is how many points back a figure may be and still be told as the newest:
// those of one minute, and never fewer than two.
export function lately(times: readonly number[]): number {
  const [a, b] = times.slice(-2);
  return a === undefined || b === undefined || b <= a ? 2 : Math.max(2, Math.ceil(60 / (b - a)));
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

// lonely are the points with nothing beside them: no line goes through them, so
// they must be drawn as points.
export function lonely(values: Values, from: number, to: number): number[] {
  const known = (i: number): boolean => values[i] !== null && values[i] !== undefined;
  const out: number[] = [];
  for (let i = from; i <= to; i++) if (known(i) && !known(i - 1) && !known(i + 1)) out.push(i);
  return out;
}

// steps are round distances on the y axis; sizes go by powers of two.
export function steps(unit: Unit): number[] | undefined {
  if (unit === 'ms' || unit === 'each') return undefined;
  const list: number[] = [];
  for (let unitOf = 1; unitOf <= 2 ** 60; unitOf *= 1024) for (const n of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) list.push(n * unitOf);
  return list;
}
