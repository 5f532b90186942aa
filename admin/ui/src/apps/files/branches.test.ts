import { expect, test, vi } from 'vitest';
import { Branches } from './branches.svelte';
import type { Entry } from './types';

const entry = (path: string, dir: boolean): Entry => ({ name: path.slice(path.lastIndexOf('/') + 1), path, dir, size: 0, modified: '', created: '', etag: '' });

test('only folders, in order, read once', async () => {
  const read = vi.fn(async () => [entry('/b', true), entry('/a.txt', false), entry('/a', true)]);
  const b = new Branches(read);
  b.want('/');
  b.want('/');
  await vi.waitFor(() => expect(b.of('/')).toEqual(['/a', '/b']));
  b.want('/');
  expect(read).toHaveBeenCalledTimes(1);
});

test('a folder without folders is a leaf', async () => {
  const b = new Branches(async () => [entry('/x/a.txt', false)]);
  expect(b.leaf('/x')).toBe(false);
  b.want('/x');
  await vi.waitFor(() => expect(b.leaf('/x')).toBe(true));
});

test('what changed is read again when it is seen, else forgotten; a failure is not remembered', async () => {
  let fail = false;
  const read = vi.fn(async (path: string) => {
    if (fail) throw new Error('no');
    return [entry(`${path}/sub`, true)];
  });
  const b = new Branches(read);
  b.want('/a');
  b.want('/b');
  await vi.waitFor(() => expect(b.of('/b')).toBeDefined());
  b.forget(['/a', '/b'], (p) => p === '/a');
  expect(b.of('/b')).toBeUndefined();
  await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(3));
  fail = true;
  b.forget(['/a'], () => true);
  await vi.waitFor(() => expect(b.of('/a')).toBeUndefined());
});

test('what changes while a branch is read is seen afterwards, by one more reading', async () => {
  const gives: ((of: readonly Entry[]) => void)[] = [];
  const b = new Branches(() => new Promise((done) => gives.push(done)));
  b.want('/a');
  for (let i = 0; i < 3; i++) b.forget(['/a'], () => true);
  gives[0]?.([]);
  await vi.waitFor(() => expect(gives).toHaveLength(2));
  gives[1]?.([entry('/a/new', true)]);
  await vi.waitFor(() => expect(b.of('/a')).toEqual(['/a/new']));
  expect(gives).toHaveLength(2);
});
