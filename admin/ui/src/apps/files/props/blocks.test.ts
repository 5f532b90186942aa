import { expect, test } from 'vitest';
import type { Block, Replica } from '../types';
import { judge } from './blocks';

const replica = (name: string): Replica => ({ node: name, name, disk: 'd', liveness: 'up' });
const block = (index: number, live: number, names: string[]): Block => ({ index, id: `${index}`, offset: 0, length: 1, volume: 'v', live, target: 2, replicas: names.map(replica) });

test('blocks without a reachable copy, and who has them', () => {
  expect(judge([block(0, 2, ['a', 'b']), block(1, 1, ['a', 'c']), block(2, 0, ['d', 'c'])])).toEqual({ lost: 1, below: 1, nodes: ['c', 'd'] });
});
