import { expect, test } from 'vitest';
import type { Schemas } from '../../api/client';
import { judge, type Group } from './judge';
import { said } from './text';

type Liveness = Schemas['Replica']['liveness'];
const group = (volume: string, ...on: [zone: string, liveness?: Liveness][]): Group => ({
  volume,
  target: on.length,
  replicas: on.map(([zone, liveness = 'up'], i) => ({ node: `${volume}-${i}`, name: '', disk: '', liveness, zone })),
});

test('nothing to judge', () => expect(judge([])).toBeNull());

test('copies in several zones are spread, those in one are not', () => {
  expect(judge([group('v1', ['a'], ['b'], ['b'])])).toMatchObject({ tone: 'ok', live: 3, places: 2, alone: 0 });
  expect(judge([group('v1', ['a'], ['a'])])).toMatchObject({ tone: 'warn', alone: 1, places: 1 });
});

test('a file whose blocks are each in one zone is not spread over two', () => {
  const got = judge([group('v1', ['a'], ['a']), group('v2', ['b'], ['b']), group('v3', ['a'], ['b'])]);
  expect(got).toMatchObject({ tone: 'warn', groups: 3, alone: 2, nodes: 6 });
  expect(said(got!, true, true)).toBe('Its blocks are in 3 volumes on 6 nodes. Of 2 volumes all live copies are in one place: what takes it away takes them all.');
});

test('too few live copies are not fine, none is worse', () => {
  expect(judge([group('v1', ['a'], ['b', 'down'])])).toMatchObject({ tone: 'warn', below: 1, live: 1, copies: 2 });
  const lost = judge([group('v1', ['a'], ['b']), group('v2', ['a', 'down'], ['b', 'down'])]);
  expect(lost).toMatchObject({ tone: 'bad', lost: 1, live: 0, places: 2 });
  expect(said(lost!, true, false)).toContain('1 of 2 volumes has no live copy. ');
  expect(said(lost!, true, false)).toMatch(/Only the first blocks of it were looked at\.$/);
  expect(judge([{ ...group('v1', ['a']), target: 1 }])?.tone).toBe('ok');
});

test('a rack is a place in a zone', () => {
  const got = judge([group('v1', ['row-1/rack-1'], ['row-1/rack-2'], ['row-2/rack-3', 'down'])]);
  expect(got).toMatchObject({ racks: true, places: 2, zones: 1 });
  expect(said(got!, false, true)).toBe('2 live of 3 copies. The live ones are in 2 racks of 1 zone.');
});

test('without zones nothing is said about them', () => {
  const got = judge([group('v1', [''], [''])]);
  expect(got).toMatchObject({ named: false, tone: 'ok' });
  expect(said(got!, false, true)).toBe('2 live of 2 copies. No zones are set, so nothing can be said about their spread.');
});
