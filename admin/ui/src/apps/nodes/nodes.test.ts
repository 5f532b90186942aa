import { expect, test, vi } from 'vitest';
import type { Node } from '../../model/nodes';
import { bulkMost, cannot, names, result } from './bulk';
import { session } from '../../api/session.svelte';
import { follow, newcomers } from './follow';
import { columns, disksText, latency, matching } from './columns';
import { menu } from './menu';

// The desk needs a page.
vi.mock('../../model/go', () => ({ go: () => undefined }));

const someone = { signed_in: true, user: 'anna', role: 'admin' as const, encrypted: true, setup: false, version: '1', cluster: 'c', idle_seconds: 1800 };
const disk = { id: 'd', path: '/d', capacity_bytes: 100, used_bytes: 50, free_bytes: 50, volumes: 1, failed: '' };
const node: Node = {
  id: '7',
  name: 'dn-07',
  addr: '10.0.0.7:7800',
  roles: ['datanode'],
  zone: 'berlin',
  state: 'active',
  liveness: 'up',
  storage: true,
  version: '1.3.0',
  joined: '2026-01-01T00:00:00Z',
  disks: [disk],
  capacity_bytes: 100,
  used_bytes: 50,
  free_bytes: 50,
  volumes: 1,
  read_bytes_per_second: 0,
  write_bytes_per_second: 0,
};

test('the search looks into name, address, zone and version', () => {
  const other: Node = { ...node, id: '8', name: 'dn-08', addr: '10.0.0.8:7800', zone: 'kiel', liveness: 'down' };
  expect(matching([node, other], null, ' KIEL ').map((n) => n.id)).toEqual(['8']);
  expect(matching([node, other], 'down', '').map((n) => n.id)).toEqual(['8']);
  expect(matching([node, other], 'down', 'berlin')).toEqual([]);
  expect(matching([node, other], null, '10.0.0.7').map((n) => n.id)).toEqual(['7']);
});

test('every column has a text, also for a node that knows little', () => {
  const bare: Node = { ...node, disks: [], zone: '', capacity_bytes: 0, used_bytes: 0 };
  for (const c of columns()) expect(typeof c.text(bare), c.id).toBe('string');
  expect(disksText(bare)).toBe('–');
  expect(disksText(node)).toBe('1 ok');
  expect(disksText({ ...node, disks: [disk, { ...disk, id: 'e', failed: 'gone' }] })).toBe('1 of 2 failed');
});

test('what a silent node does is not known', () => {
  const down: Node = { ...node, liveness: 'down', read_bytes_per_second: 40, latency_p99_ms: 8 };
  const text = (id: string, n: Node) => columns().find((c) => c.id === id)?.text(n);
  expect([text('read', down), text('write', down), text('p99', down)]).toEqual(['–', '–', '–']);
  expect([text('read', { ...down, liveness: 'suspect' }), latency({ ...down, liveness: 'up' })]).toEqual(['40 B/s', '8 ms']);
  expect(latency(node)).toBe('–');
});

test('several at once: who may, how many, and what came of it', () => {
  session.me = { ...someone, role: 'viewer' };
  expect(cannot([node])).toBe('This needs the role operator.');
  session.me = { ...someone, role: 'operator' };
  expect(cannot([node, node])).toBe(false);
  expect(cannot(Array.from({ length: bulkMost + 1 }))).toBe('At most 20 nodes at once.');
  expect(names([node, { name: 'dn-08' }])).toBe('dn-07, dn-08');
  expect(result(3, [])).toEqual({ text: '3 of 3 done.', tone: 'ok', detail: '' });
  expect(result(1, ['a: no.', 'b: no.', 'c: no.', 'd: no.'])).toEqual({ text: '1 of 5 done.', tone: 'bad', detail: 'a: no. b: no. c: no.' });
});

test('the menu of one node follows its state, that of several acts on all', () => {
  session.me = { ...someone, role: 'operator' };
  const labels = (list: Node[]) => menu(list, () => undefined).map((i) => (i === 'separator' ? '-' : i.label));
  expect(labels([node])).toEqual(['Open', 'Safe to stop?', '-', 'Maintenance…', 'Drain…', 'Move to zone…', '-', 'Remove…']);
  expect(labels([{ ...node, state: 'draining' }])).toEqual(['Open', 'Safe to stop?', '-', 'Make active again', 'Maintenance…', 'Move to zone…', '-', 'Remove…']);
  expect(labels([{ ...node, state: 'maintenance', storage: false }])).toEqual(['Open', 'Safe to stop?', '-', 'Make active again', 'Move to zone…', '-', 'Remove…']);
  expect(labels([node, node])).toEqual(['Drain…', 'Maintenance…']);
  expect(labels([])).toEqual([]);
  const remove = menu([node], () => undefined).at(-1);
  expect(remove !== 'separator' && remove?.disabled).toBe('This needs the role administrator.');
});

test('one node on the stream: changed, untouched, struck off', () => {
  const now = { ...node, volumes: 9 };
  expect(follow(node, { changed: [now], removed: [] })).toBe(now);
  expect(follow(node, { changed: [{ ...now, id: '8' }], removed: ['9'] })).toBe(node);
  expect(follow(node, { changed: [], removed: ['7'] })).toBeUndefined();
});

test('nobody is new while it is not known who was there', () => {
  expect(newcomers([node], null)).toEqual([]);
  expect(newcomers(undefined, new Set())).toEqual([]);
  expect(newcomers([node], new Set(['8']))).toEqual([node]);
});
