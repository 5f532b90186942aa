import { expect, test } from 'vitest';
import type { Schemas } from './client';
import { withAllFigures, withFigures, withRepairs } from './liveChanges';

type Node = Schemas['Node'];

const disk = (id: string) => ({ id, path: '/srv', capacity_bytes: 100, used_bytes: 1, free_bytes: 99, volumes: 1, failed: '' });
const node = (id: string, disks = 1): Node => ({
  id, name: id, addr: '', roles: ['datanode'], zone: '', state: 'active', liveness: 'up', storage: true, version: '1', joined: '2026-01-01T00:00:00Z',
  disks: Array.from({ length: disks }, (_, i) => disk(`${id}-${i}`)),
  capacity_bytes: 100, used_bytes: 1, free_bytes: 99, volumes: 1, read_bytes_per_second: 0, write_bytes_per_second: 0, latency_p99_ms: 9,
});
const heard = Date.parse('2026-02-03T04:05:06.789Z');

test('figures go where the document says, and nothing else changes', () => {
  const old = node('n1', 2);
  const now = withFigures(old, { id: 'n1', figures: [heard, 10, 20, 1.5, 30, 40, 50, 1, 2, 3, 4, 5, 6], drain: { node: 'n1', name: 'n1', volumes: 7, bytes: 8, ready: false } });
  expect(now).toEqual({
    ...old, heard: '2026-02-03T04:05:06.789Z', read_bytes_per_second: 10, write_bytes_per_second: 20, latency_p99_ms: 1.5, used_bytes: 30, free_bytes: 40, volumes: 50,
    drain: { node: 'n1', name: 'n1', volumes: 7, bytes: 8, ready: false },
    disks: [{ ...disk('n1-0'), used_bytes: 1, free_bytes: 2, volumes: 3 }, { ...disk('n1-1'), used_bytes: 4, free_bytes: 5, volumes: 6 }],
  });
  expect(old.disks[0]?.used_bytes).toBe(1);
});

test('what is not known is left out, and a drain that is over is gone', () => {
  const old = { ...node('n1', 0), heard: '2026-01-01T00:00:00Z', drain: { node: 'n1', name: 'n1', volumes: 7, bytes: 8, ready: false } };
  const now = withFigures(old, { id: 'n1', figures: [0, 0, 0, -1, 0, 0, 0] });
  expect(now?.heard).toBeUndefined();
  expect(now?.latency_p99_ms).toBeUndefined();
  expect(now?.drain).toBeUndefined();
});

test('figures of other disks than are known: read again', () => {
  const row = { id: 'n1', figures: [heard, 10, 20, 1.5, 30, 40, 50] };
  expect(withFigures(node('n1', 1), row)).toBeUndefined();
  expect(withAllFigures([node('n0'), node('n1')], [row])).toBeUndefined();
});

test('a list takes the figures of those it has, in its order', () => {
  const items = [node('n2', 0), node('n1', 0), node('n3', 0)];
  const next = withAllFigures(items, [{ id: 'n1', figures: [0, 5, 0, -1, 0, 0, 0] }, { id: 'n99', figures: [1] }]);
  expect(next?.map((n) => [n.id, n.read_bytes_per_second])).toEqual([['n2', 0], ['n1', 5], ['n3', 0]]);
  expect(next?.[0]).toBe(items[0]);
  expect(withAllFigures(items, undefined)).toEqual(items);
});

const repair = (volume: string, done = 0): Schemas['Repair'] => ({
  volume, class: 'repair', state: 'running', live: 1, target: 3, bytes: 100, bytes_done: done, blocks: 1, on: ['n1'], tries: 0,
});

test('the queue has the order and the progress of the message', () => {
  const old = { as_of: 'a', total: 9, drains: [], queue: [repair('v1', 5), repair('v2', 6), repair('v3')] };
  const next = withRepairs(old, { as_of: 'b', total: 8, order: ['v3', 'v4', 'v1'], done: [1, 2, 50], changed: [{ ...repair('v4'), state: 'waiting' }], drains: [] });
  expect(next).toEqual({ as_of: 'b', total: 8, drains: [], queue: [repair('v3', 1), { ...repair('v4', 2), state: 'waiting' }, repair('v1', 50)] });
});

test('a changed volume replaces the one that is known', () => {
  const old = { as_of: 'a', total: 1, drains: [], queue: [repair('v1', 5)] };
  const next = withRepairs(old, { as_of: 'b', total: 1, order: ['v1'], done: [0], changed: [{ ...repair('v1', 0), state: 'failed', last_error: 'x' }], drains: [] });
  expect(next?.queue).toEqual([{ ...repair('v1', 0), state: 'failed', last_error: 'x' }]);
});

test('a volume that is not known: read again', () => {
  const old = { as_of: 'a', total: 1, drains: [], queue: [] };
  expect(withRepairs(old, { as_of: 'b', total: 1, order: ['v1'], done: [0], changed: [], drains: [] })).toBeUndefined();
});
