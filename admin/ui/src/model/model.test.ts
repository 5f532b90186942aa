import { expect, test } from 'vitest';
import { matrixOf, safetyOf, summary } from './copies';
import { byZone, countStates, failedDisks, fullTone, fullness, merge, stateOf, urgency, type Node } from './nodes';
import { busiest, byClass, presetOf, repairState, type Progress, type Repair } from './repair';
import { doNow, isMuted, type Check } from './verdict';

function node(part: Partial<Node>): Node {
  return {
    id: '1',
    name: 'n1',
    addr: '10.0.0.1:7800',
    roles: ['datanode'],
    zone: 'a',
    state: 'active',
    liveness: 'up',
    storage: true,
    version: '1',
    joined: '2026-01-01T00:00:00Z',
    disks: [],
    capacity_bytes: 0,
    used_bytes: 0,
    free_bytes: 0,
    volumes: 0,
    read_bytes_per_second: 0,
    write_bytes_per_second: 0,
    ...part,
  };
}

test('a node has one word', () => {
  expect(stateOf(node({}))).toBe('up');
  expect(stateOf(node({ liveness: 'suspect' }))).toBe('suspect');
  expect(stateOf(node({ state: 'draining', liveness: 'down' }))).toBe('down');
  expect(stateOf(node({ state: 'draining' }))).toBe('draining');
  const drain = { node: '1', name: 'n1', volumes: 0, bytes: 0, ready: true };
  expect(stateOf(node({ state: 'draining', drain }))).toBe('ready');
  expect(stateOf(node({ state: 'maintenance', liveness: 'down' }))).toBe('maintenance');
  expect(stateOf(node({ state: 'removed', liveness: 'down' }))).toBe('removed');
});

test('what needs a person comes first', () => {
  expect(urgency(node({ liveness: 'down' }))).toBeLessThan(urgency(node({ liveness: 'suspect' })));
  expect(urgency(node({ state: 'draining' }))).toBeLessThan(urgency(node({})));
});

test('states are counted in order of urgency', () => {
  const got = countStates([node({}), node({ liveness: 'down' }), node({})]);
  expect(got).toEqual([
    { state: 'down', count: 1 },
    { state: 'up', count: 2 },
  ]);
});

test('a failed disk says why', () => {
  const disk = { id: 'd', path: '/d', capacity_bytes: 1, used_bytes: 0, free_bytes: 1, volumes: 0, failed: '' };
  expect(failedDisks(node({ disks: [disk, { ...disk, id: 'e', failed: 'i/o error' }] }))).toBe(1);
});

test('fullness follows what is free and stays between 0 and 1', () => {
  expect(fullness({ capacity_bytes: 0, free_bytes: 5 })).toBe(0);
  expect(fullness({ capacity_bytes: 4, free_bytes: 0 })).toBe(1);
  expect(fullness({ capacity_bytes: 4, free_bytes: 5 })).toBe(0);
  expect(fullness({ capacity_bytes: 4, free_bytes: 3 })).toBe(0.25);
  expect([fullTone(0.5), fullTone(0.85), fullTone(0.95)]).toEqual(['accent', 'warn', 'bad']);
});

test('changes go into the list in place', () => {
  const [a, b, c] = [node({ id: 'a' }), node({ id: 'b' }), node({ id: 'c' })];
  const b2 = node({ id: 'b', volumes: 7 });
  const d = node({ id: 'd' });
  const got = merge([a, b, c], [b2, d], ['c']);
  expect(got.map((n) => n.id)).toEqual(['a', 'b', 'd']);
  expect(got[0]).toBe(a);
  expect(got[1]).toBe(b2);
  expect(merge([a], [d], ['d'])).toEqual([a]);
});

test('zones and nodes are in order of number', () => {
  const got = byZone([node({ id: '1', name: 'dn-10', zone: 'b' }), node({ id: '2', name: 'dn-9', zone: 'b' }), node({ id: '3', zone: 'a' })]);
  expect(got.map((z) => z.name)).toEqual(['a', 'b']);
  expect(got[1]?.nodes.map((n) => n.name)).toEqual(['dn-9', 'dn-10']);
});

test('the matrix has every column from no copy to the most', () => {
  const m = matrixOf([
    { live: 1, target: 2, volumes: 3, bytes: 30 },
    { live: 2, target: 2, volumes: 5, bytes: 50 },
    { live: 4, target: 3, volumes: 1, bytes: 10 },
    { live: 3, target: 1, volumes: 0, bytes: 0 },
  ]);
  expect(m.live).toEqual([0, 1, 2, 3, 4]);
  expect(m.rows.map((r) => [r.target, r.volumes, r.bytes])).toEqual([
    [2, 8, 80],
    [3, 1, 10],
  ]);
  expect(m.rows[0]?.cells.map((c) => c?.volumes ?? null)).toEqual([null, 3, 5, null, null]);
  expect(matrixOf([])).toEqual({ live: [], rows: [] });
});

test('safety is judged as the report judges', () => {
  expect(safetyOf(0, 1)).toBe('lost');
  expect(safetyOf(1, 1)).toBe('whole');
  expect(safetyOf(1, 2)).toBe('single');
  expect(safetyOf(2, 3)).toBe('below');
  expect(safetyOf(4, 3)).toBe('surplus');
  const sum = summary([
    { live: 1, target: 2, volumes: 3, bytes: 30 },
    { live: 1, target: 3, volumes: 1, bytes: 5 },
  ]);
  expect(sum.single).toEqual({ volumes: 4, bytes: 35 });
});

const progress: Progress = {
  running: 0,
  failing: 0,
  bytes_left: 0,
  bytes_per_second: 0,
  eta_min_seconds: 0,
  eta_max_seconds: 0,
  paused: false,
  limit_bytes_per_second: 0,
};

test('repair is in one state', () => {
  expect(repairState(progress)).toBe('idle');
  expect(repairState({ ...progress, paused: true, paused_by: 'operator' })).toBe('paused');
  expect(repairState({ ...progress, paused: true, paused_by: 'brake' })).toBe('braked');
  expect(repairState({ ...progress, bytes_left: 9, stalled: 'no room' })).toBe('stalled');
  expect(repairState({ ...progress, bytes_left: 9 })).toBe('calculating');
  expect(repairState({ ...progress, bytes_left: 9, eta_min_seconds: 1, eta_max_seconds: 2 })).toBe('moving');
  expect([presetOf(0), presetOf(20 << 20), presetOf(7)]).toEqual(['fast', 'gentle', null]);
});

const repair: Repair = { volume: '1', class: 'repair', state: 'running', live: 2, target: 3, bytes: 10, bytes_done: 4, blocks: 1, on: [], tries: 0 };

test('what is left is added up by class, single copies first', () => {
  const got = byClass([
    { ...repair, class: 'balance' },
    repair,
    { ...repair, live: 1 },
    { ...repair, bytes_done: 20 },
  ]);
  expect(got.map((s) => [s.single, s.class, s.volumes, s.bytes])).toEqual([
    [true, 'repair', 1, 6],
    [false, 'repair', 2, 6],
    [false, 'balance', 1, 6],
  ]);
});

test('the busiest ends of running copies', () => {
  const got = busiest([{ ...repair, from: 'b' }, { ...repair, from: 'a' }, { ...repair, from: 'a' }, { ...repair, from: 'c', state: 'waiting' }], 'from');
  expect(got).toEqual([
    { node: 'a', copies: 2 },
    { node: 'b', copies: 1 },
  ]);
});

function check(part: Partial<Check>): Check {
  return {
    code: 'X',
    severity: 'critical',
    title: 't',
    meaning: 'm',
    doing: 'd',
    remedy: 'r',
    since: '2026-01-01T00:00:00Z',
    affected: [],
    count: 0,
    bytes: 0,
    actions: [],
    ...part,
  };
}

test('do now: the first acts of checks that speak, once each, and nothing that destroys', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  const drain = { op: 'drainNode', target: '1', label: 'Drain n1' };
  const muted = check({ muted_until: '2026-01-03T00:00:00Z', actions: [{ op: 'a', label: 'a' }] });
  expect(isMuted(muted, now)).toBe(true);
  expect(isMuted(check({ muted_until: '2026-01-01T00:00:00Z' }), now)).toBe(false);
  const got = doNow(
    [
      muted,
      check({ severity: 'info', actions: [{ op: 'b', label: 'b' }] }),
      check({ actions: [{ op: 'removeNode', target: '1', label: 'Remove n1' }, drain] }),
      check({ actions: [{ op: 'listNodes', label: 'l' }, drain, { op: 'c', label: 'c' }, { op: 'd', label: 'd' }, { op: 'e', label: 'e' }] }),
    ],
    now,
  );
  expect(got.map((x) => x.action.op)).toEqual(['drainNode', 'c', 'd']);
});
