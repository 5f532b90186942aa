import { expect, test } from 'vitest';
import { lately, lonely, most, newest, plots, sample, steps, unitOf, wanted, type Metrics, type Names } from './charts';
import { changeText, figure, tick, unitText } from './figure';
import { every, ranges, seconds } from './ranges';
import { en } from './en';

const names: Names = { titles: en.titles, series: en.series, perNode: en.perNode, node: (id) => `dn-${id}` };

test('series that are read together share a chart; what has no figure is left out', () => {
  const m: Metrics = {
    step_seconds: 10,
    times: [10, 20],
    columns: [
      { series: 'read_bytes', node: '', values: [1, 2] },
      { series: 'write_bytes', node: '', values: [null, 4] },
      { series: 'errors', node: '', values: [null, null] },
    ],
  };
  const got = plots(m, [], names);
  expect(got.map((p) => [p.id, p.unit, p.lines.map((l) => l.name)])).toEqual([['throughput', 'rate', ['Reads', 'Writes']]]);
});

test('of nodes there is a chart for a series and a line for a node', () => {
  const m: Metrics = {
    step_seconds: 1,
    times: [1],
    columns: [
      { series: 'latency_p99', node: '7', values: [3] },
      { series: 'latency_p99', node: '8', values: [4] },
    ],
  };
  const got = plots(m, ['7', '8'], names);
  expect(got).toHaveLength(1);
  expect(got[0]?.lines.map((l) => [l.key, l.name])).toEqual([
    ['7', 'dn-7'],
    ['8', 'dn-8'],
  ]);
});

test('no more is asked for than the API allows', () => {
  expect(wanted([]).length).toBeLessThanOrEqual(16);
  expect(wanted(['7']).length).toBeLessThanOrEqual(16);
  for (const r of ranges) expect(every(r)).toBeGreaterThanOrEqual(5000);
  expect(ranges.map(seconds)).toEqual([...ranges.map(seconds)].sort((a, b) => a - b));
});

test('figures of a line', () => {
  expect(newest([1, 2, null])).toBe(2);
  expect(newest([1, null, 3], 1)).toBe(1);
  expect(newest([null])).toBeNull();
  expect(newest([1, null, null], 2, 1)).toBeNull();
  expect(most([null, 3, 1])).toBe(3);
  expect(most([])).toBeNull();
});

test('the table shows points that were measured, the newest among them', () => {
  expect(sample(3, 60)).toEqual([0, 1, 2]);
  const got = sample(360, 60);
  expect(got).toHaveLength(60);
  expect(got.at(-1)).toBe(359);
  expect(new Set(got).size).toBe(60);
});

test('units', () => {
  expect(figure(null, 'rate')).toBe('–');
  expect(figure(2 ** 20, 'rate')).toBe('1 MiB/s');
  expect(figure(2.345, 'ms')).toBe('2.35 ms');
  expect(figure(1234, 'each')).toBe('1,234/s');
  expect(steps('ms')).toBeUndefined();
  expect(steps('bytes')?.includes(1024 * 64)).toBe(true);
});

test('a node keeps its colour in a chart where another has no figures', () => {
  const m: Metrics = {
    step_seconds: 60,
    times: [60, 120],
    columns: [
      { series: 'reads', node: '7', values: [null, null] },
      { series: 'reads', node: '8', values: [1, 2] },
    ],
  };
  expect(plots(m, ['7', '8'], names)[0]?.lines.map((l) => [l.key, l.hue])).toEqual([['8', 1]]);
});

test('an earlier time stands beside each line, and alone where now there is nothing', () => {
  const column = (series: 'read_bytes' | 'write_bytes', values: (number | null)[]) => ({ series, node: '', values });
  const m: Metrics = { step_seconds: 10, times: [100, 110], columns: [column('read_bytes', [1, 2]), column('write_bytes', [null, null])] };
  const before: Metrics = { step_seconds: 10, times: [40, 50], columns: [column('read_bytes', [7, 8]), column('write_bytes', [9, null])] };
  const [plot] = plots(m, [], names, { metrics: before, offset: 60 });
  expect(plot?.lines.map((l) => [l.key, l.values, l.before])).toEqual([
    ['read_bytes', [1, 2], [7, 8]],
    ['write_bytes', [null, null], [9, null]],
  ]);
  expect(plots(m, [], names)[0]?.lines.map((l) => l.before)).toEqual([undefined]);
});

test('a figure of long ago is not the newest', () => {
  expect([lately([]), lately([5]), lately([0, 1]), lately([0, 10]), lately([0, 300])]).toEqual([2, 2, 60, 6, 2]);
  const values = [5, ...Array.from({ length: 40 }, () => null)];
  const times = values.map((_, i) => i * 10);
  expect(newest(values, 40, 40 - lately(times))).toBeNull();
  expect(newest([5, null, null], 2, 2 - lately([0, 10]))).toBe(5);
});

test('a figure between two gaps is drawn as a point', () => {
  expect(lonely([1, null, 2, null, 3, 4, null], 0, 6)).toEqual([0, 2]);
  expect(lonely([null, null], 0, 1)).toEqual([]);
});

test('a change is told in per cent, and small and huge ones in words', () => {
  expect(changeText(0.123)).toBe('+12 %');
  expect(changeText(-0.5)).toBe('−50 %');
  expect(changeText(0.001)).toBe('the same');
  expect(changeText(40)).toBe('more than tenfold');
  expect(changeText(null)).toBe('');
});

test('units of files, ticks of long axes', () => {
  expect([unitText(unitOf('read_bytes')), unitText(unitOf('latency_p99')), unitText(unitOf('used_bytes')), unitText(unitOf('errors'))]).toEqual(['bytes/s', 'ms', 'bytes', '1/s']);
  expect(tick(Date.UTC(2026, 10, 23, 12) / 1000, 604_800)).toMatch(/^Mon.* \d\d:\d\d$/);
  expect(tick(Date.UTC(2026, 10, 23, 12) / 1000, 3600)).toMatch(/^\d\d:\d\d$/);
  expect(tick(Date.UTC(2026, 10, 23, 12) / 1000, 300)).toMatch(/^\d\d:\d\d:\d\d$/);
});
