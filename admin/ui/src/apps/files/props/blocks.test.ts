import { expect, test } from 'vitest';
import type { Block, Replica } from '../types';
import { judge, sizeOf } from './blocks';

const replica = (name: string): Replica => ({ node: name, name, disk: 'd', liveness: 'up' });
const block = (index: number, live: number, names: string[]): Block => ({ index, id: `${index}`, offset: 0, length: 1, volume: 'v', live, target: 2, replicas: names.map(replica) });

test('blocks without a reachable copy, and who has them', () => {
  expect(judge([block(0, 2, ['a', 'b']), block(1, 1, ['a', 'c']), block(2, 0, ['d', 'c'])])).toEqual({ lost: 1, below: 1, nodes: ['c', 'd'] });
});

test.each([
  ['500 GiB', 500 * 1024 ** 3],
  ['1.5t', 1.5 * 1024 ** 4],
  ['1,5 MB', 1.5 * 1024 ** 2],
  ['0', 0],
  ['12', 12],
  ['', null],
  ['many', null],
  ['-1', null],
  ['9999999 PiB', null],
])('%s is %s', (text, want) => expect(sizeOf(text)).toBe(want));
