import { expect, test } from 'vitest';
import { every, most, newest, plots, ranges, sample, steps, wanted, within, type Metrics, type Names } from './charts';
import { figure } from './figure';
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
});

test('figures of a line', () => {
  expect(newest([1, 2, null])).toBe(2);
  expect(newest([1, null, 3], 1)).toBe(1);
  expect(newest([null])).toBeNull();
  expect(most([null, 3, 1])).toBe(3);
  expect(most([])).toBeNull();
});

test('the table shows points that were measured, the newest among them', () => {
  expect(sample(3, 60)).toEqual([0, 1, 2]);
  const got = sample(360, 60);
  expect(got).toHaveLength(60);
  expect(got.at(-1)).toBe(359);
  expect(new Set(got).size).toBe(60);
  expect(within([10, 20, 30], { from: 15, to: 30 })).toEqual([1, 2]);
  expect(within([10, 20], null)).toEqual([0, 1]);
});

test('units', () => {
  expect(figure(null, 'rate')).toBe('–');
  expect(figure(2 ** 20, 'rate')).toBe('1 MiB/s');
  expect(figure(2.345, 'ms')).toBe('2.35 ms');
  expect(figure(1234, 'each')).toBe('1,234/s');
  expect(steps('ms')).toBeUndefined();
  expect(steps('bytes')?.includes(1024 * 64)).toBe(true);
});
