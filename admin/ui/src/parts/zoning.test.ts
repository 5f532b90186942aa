import { expect, test } from 'vitest';
import { spoken, takes, zonesOf } from './zoning.svelte';

const node = { id: 'n7', name: 'dn-07', zone: 'rack-b', zone_set: true, machine_zone: 'rack-a' };

test('a zone is told with whose word it is', () => {
  expect(spoken(node)).toBe('rack-b, set by an operator; the machine says rack-a');
  expect(spoken({ ...node, machine_zone: undefined })).toBe('rack-b, set by an operator; the machine says nothing');
  expect(spoken({ ...node, zone_set: undefined })).toBe('rack-b');
  expect(spoken({ ...node, zone: '', zone_set: undefined })).toBe('none');
});

test('a zone takes a node that is elsewhere; no zone only one that has none of its own', () => {
  expect(takes(node, 'rack-a')).toBe(true);
  expect(takes(node, 'rack-b')).toBe(false);
  expect(takes(node, '')).toBe(false);
  expect(takes({ ...node, machine_zone: undefined }, '')).toBe(true);
  expect(takes({ ...node, zone_set: undefined, machine_zone: undefined }, '')).toBe(false);
});

test('zones are offered once, in order', () => {
  expect(zonesOf([{ zone: 'rack-10' }, { zone: '' }, { zone: 'rack-9' }, { zone: 'rack-10' }])).toEqual(['rack-9', 'rack-10']);
});
