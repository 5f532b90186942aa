// @vitest-environment happy-dom
import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import { live } from '../api/live.svelte';
import type { Schemas } from '../api/client';
import type { Query } from '../api/query.svelte';
import { server, signIn, type Call, type Server } from '../testing';
import { healthQuery, nodesQuery, tasksQuery } from './queries';

let s: Server;
let stops: (() => void)[];

beforeEach(async () => {
  s = server();
  signIn();
  stops = [];
});
afterEach(() => stops.forEach((stop) => stop()));

function show<T>(make: () => Query<T>): Query<T> {
  let q!: Query<T>;
  stops.push($effect.root(() => void (q = make())));
  flushSync();
  return q;
}

async function listening(): Promise<void> {
  live.start();
  await vi.waitFor(() => expect(s.streams).toHaveLength(1));
}

const page = (from: number, to: number, next?: string): Schemas['NodeList'] =>
  ({ total: 5, as_of: new Date().toISOString(), stale: false, items: Array.from({ length: to - from }, (_, i) => cluster.node(from + i)), next_cursor: next }) as Schemas['NodeList'];

test('all nodes are read, page by page', async () => {
  s.on('GET /nodes', (c: Call) => (c.query.get('cursor') ? page(4, 6) : page(1, 4, 'c1')));
  const q = show(nodesQuery);
  await vi.waitFor(() => expect(q.data?.items.map((n) => n.id)).toEqual(['n1', 'n2', 'n3', 'n4', 'n5']));
  expect(s.sent('GET /nodes').map((c) => [c.query.get('limit'), c.query.get('cursor')])).toEqual([['1000', null], ['1000', 'c1']]);
});

test('a page that fails is a fault of the list, and nothing is shown as if it were all', async () => {
  s.on('GET /nodes', (c: Call) => {
    if (c.query.get('cursor')) throw new TypeError('gone');
    return page(1, 4, 'c1');
  });
  const q = show(nodesQuery);
  await vi.waitFor(() => expect(q.error).not.toBeNull());
  expect(q.data).toBeUndefined();
});

test('a server whose pages never end is not read for ever', async () => {
  s.on('GET /nodes', (c: Call) => page(1, 1001, `c${Number(c.query.get('cursor')?.slice(1) ?? 0) + 1}`));
  const q = show(nodesQuery);
  await vi.waitFor(() => expect(q.data).toBeDefined(), { timeout: 8000 });
  expect(s.calls.length).toBeLessThanOrEqual(20);
});

test('nodes that are not wanted are not read', async () => {
  s.on('GET /nodes', page(1, 3));
  let wanted = $state(false);
  const q = show(() => nodesQuery(() => wanted));
  expect([s.calls.length, q.data]).toEqual([0, undefined]);
  wanted = true;
  flushSync();
  await vi.waitFor(() => expect(q.data?.items).toHaveLength(2));
});

test('the stream changes a node in its place, adds one and takes one away, without reading again', async () => {
  s.on('GET /nodes', page(1, 4));
  const q = show(nodesQuery);
  await vi.waitFor(() => expect(q.data).toBeDefined());
  await listening();
  const before = s.calls.length;
  s.say('nodes', { changed: [{ ...cluster.node(2), liveness: 'down' }, cluster.node(9)], removed: ['n1'] });
  await vi.waitFor(() => expect(q.data?.items.map((n) => `${n.id} ${n.liveness}`)).toEqual(['n2 down', 'n3 up', 'n9 up']));
  expect([q.data?.total, s.calls.length]).toEqual([3, before]);
});

test('the verdict is what the stream said last', async () => {
  s.on('GET /health', cluster.health(cluster.verdicts.protected()));
  const q = show(healthQuery);
  await vi.waitFor(() => expect(q.data?.report.verdict).toBe('protected'));
  await listening();
  s.say('health', cluster.health(cluster.verdicts.at_risk()));
  s.say('health', cluster.health(cluster.verdicts.unavailable()));
  await vi.waitFor(() => expect(q.data?.report.verdict).toBe('unavailable'));
});

test('tasks come with the stream', async () => {
  s.on('GET /tasks', { items: [], as_of: new Date().toISOString() });
  const q = show(tasksQuery);
  await vi.waitFor(() => expect(q.data?.items).toEqual([]));
  await listening();
  s.say('tasks', cluster.tasks());
  await vi.waitFor(() => expect(q.data?.items).toHaveLength(2));
});

test('after a gap in the stream the verdict is read again', async () => {
  s.on('GET /health', cluster.health(cluster.verdicts.protected()));
  const q = show(healthQuery);
  await vi.waitFor(() => expect(q.data).toBeDefined());
  await listening();
  s.on('GET /health', cluster.health(cluster.verdicts.at_risk()));
  s.streams[0]!.say('id: 9\nevent: reset\ndata: {}\n\n');
  await vi.waitFor(() => expect(q.data?.report.verdict).toBe('at_risk'));
});
