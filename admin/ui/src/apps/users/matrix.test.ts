import { expect, test } from 'vitest';
import { operations } from '../../api/roles';
import { groups, lines, may, open, type Operation } from './matrix';

test('every operation of the API is in the matrix once', () => {
  const named = [...open, ...groups.flatMap((g) => g.operations)].sort();
  expect(named).toEqual(Object.keys(operations).sort());
});

test('what stands in one line asks for one role', () => {
  for (const g of groups) expect(new Set(g.operations.map((id) => operations[id].role)).size, g.act).toBe(1);
});

test('what nobody signs in for is just that', () => {
  const free = (Object.keys(operations) as Operation[]).filter((id) => operations[id].role === 'none');
  expect(free.sort()).toEqual([...open].sort());
});

test('a role may what those before it may', () => {
  const write = lines().find((l) => l.act === 'write')!;
  expect([may('viewer', write), may('reader', write), may('writer', write), may('admin', write)]).toEqual([false, false, true, true]);
  expect(lines().find((l) => l.act === 'destroy')?.sudo).toBe(true);
});
