import { expect, test } from 'vitest';
import type { Node } from '../../model/nodes';
import { shadeOf, topOf, valueOf } from '../../model/nodeMetrics';
import { nameOf, needsLook, placeOf, places, step, targetOf } from './places';
import { groupsOf } from './copies.svelte';
import { spoken } from './text';

const node: Node = {
  id: 'n7',
  name: 'dn-07',
  addr: '',
  roles: [],
  zone: 'row-1/rack-2',
  state: 'active',
  liveness: 'up',
  storage: true,
  version: '1',
  joined: '2026-01-01T00:00:00Z',
  disks: [],
  capacity_bytes: 100,
  used_bytes: 42,
  free_bytes: 58,
  volumes: 0,
  read_bytes_per_second: 10,
  write_bytes_per_second: 20,
};

test('a zone with a slash is a zone and a rack', () => {
  expect(placeOf('row-1/rack-2/shelf')).toEqual({ zone: 'row-1', rack: 'rack-2/shelf' });
  expect(placeOf('kiel')).toEqual({ zone: 'kiel', rack: '' });
  for (const zone of ['', 'kiel', 'row-1/rack-2/shelf']) expect(nameOf(placeOf(zone).zone, placeOf(zone).rack)).toBe(zone);
  const got = places([node, { ...node, id: 'n8', zone: 'row-1/rack-10', liveness: 'down' }, { ...node, id: 'n9', zone: '' }]);
  expect(got.map((p) => [p.name, p.nodes, p.bad, p.racks.map((r) => r.name)])).toEqual([
    ['', 1, 0, ['']],
    ['row-1', 2, 1, ['rack-2', 'rack-10']],
  ]);
});

test('a failed disk needs a look, a drain does not', () => {
  const disk = { id: 'd', path: '/d', capacity_bytes: 1, used_bytes: 0, free_bytes: 1, volumes: 0, failed: 'gone' };
  expect(needsLook({ ...node, disks: [disk] })).toBe(true);
  expect(needsLook({ ...node, state: 'draining' })).toBe(false);
});

test('figures and shades', () => {
  expect(valueOf(node, 'used')).toBeCloseTo(0.42);
  expect(valueOf({ ...node, capacity_bytes: 0 }, 'used')).toBeNull();
  expect(valueOf(node, 'p99')).toBeNull();
  expect(valueOf({ ...node, liveness: 'down' }, 'read')).toBeNull();
  expect(topOf([node, { ...node, read_bytes_per_second: 50 }], 'read')).toBe(50);
  expect([shadeOf(null, 1), shadeOf(0, 0), shadeOf(0.42, 1), shadeOf(1, 1)]).toEqual([null, 0, 2, 4]);
});

test('one disk is one, two are several', () => {
  const disk = { id: 'd', path: '/d', capacity_bytes: 1, used_bytes: 0, free_bytes: 1, volumes: 0, failed: 'gone' };
  expect(spoken({ ...node, disks: [disk] }, 'state', false)).toBe('dn-07, Up, 1 failed disk');
  expect(spoken({ ...node, disks: [disk, { ...disk, id: 'e' }] }, 'p99', false)).toBe('dn-07, no figure, Up, 2 failed disks');
});

test('a volume that many blocks are in is looked at once', () => {
  const block = { volume: 'v1', target: 2, replicas: [] };
  expect(groupsOf([block, block, { ...block, volume: 'v2' }]).map((g) => g.volume)).toEqual(['v1', 'v2']);
});

test('what the copies are asked of', () => {
  expect(targetOf(' V12 ')).toEqual({ volume: 'v12' });
  expect(targetOf('12')).toEqual({ volume: 'v12' });
  expect(targetOf('/a b/c')).toEqual({ path: '/a b/c' });
  expect(targetOf('dn-07')).toBeNull();
});

test('arrow keys go to the neighbour', () => {
  const grid = [0, 1, 2, 3].map((i) => ({ x: (i % 2) * 30, y: Math.floor(i / 2) * 30 }));
  expect(step('ArrowRight', 0, grid)).toBe(1);
  expect(step('ArrowDown', 0, grid)).toBe(2);
  expect(step('ArrowUp', 3, grid)).toBe(1);
  expect(step('ArrowLeft', 0, grid)).toBe(0);
  expect(step('End', 0, grid)).toBe(3);
  expect(step('Home', 3, grid)).toBe(0);
});

test('a tile says all of it in words', () => {
  expect(spoken(node, 'used', true)).toBe('dn-07, 42% used, Up, has a copy');
  expect(spoken({ ...node, liveness: 'down' }, 'state', false)).toBe('dn-07, Down');
  expect(spoken({ ...node, capacity_bytes: 0 }, 'used', false)).toBe('dn-07, no figure, Up');
});
