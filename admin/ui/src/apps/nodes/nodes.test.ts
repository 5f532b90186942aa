import { expect, test } from 'vitest';
import type { Node } from '../../model/nodes';
import { combined } from './bulk';
import { columns, disksText, matching } from './columns';

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

test('several dry runs make one preview, with names at the blockers', () => {
  const impact = { dry_run: true, sentence: 's', facts: [], blockers: ['no room'] };
  const risky = { ...impact, blockers: [], facts: [{ label: 'l', value: 'v', danger: true }] };
  const got = combined([{ name: 'a' }, { name: 'b' }], [impact, risky]);
  expect(got.blockers).toEqual(['a: no room']);
  expect(got.facts.map((f) => [f.label, f.danger])).toEqual([
    ['a', false],
    ['b', true],
  ]);
});
