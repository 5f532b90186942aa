import { expect, test } from 'vitest';
import { Problem } from '../../api/problem';
import { Folder, type ReadPage } from './folder.svelte';
import type { Entry } from './types';

const entry = (name: string, dir = false): Entry => ({ name, path: `/d/${name}`, dir, size: 1, modified: '2026-01-01T00:00:00Z', created: '2026-01-01T00:00:00Z', etag: '1' });
const names = (f: Folder) => f.rows.map((r) => r.entry.name);

// pages answers entries in pages of the asked size.
function pages(all: Entry[], seen: number[] = []): ReadPage {
  return async (_path, cursor, limit) => {
    const from = Number(cursor ?? 0);
    seen.push(limit);
    const next = from + limit;
    return { dir: entry('d', true), items: all.slice(from, next), next_cursor: next < all.length ? String(next) : undefined };
  };
}

test('a large folder comes in pages, a small one first', async () => {
  const seen: number[] = [];
  const all = Array.from({ length: 2500 }, (_, i) => entry(`f${i}`));
  const f = new Folder(pages(all, seen));
  await f.open('/d');
  expect(seen).toEqual([200, 1000, 1000, 1000]);
  expect(f.complete).toBe(true);
  expect(names(f).slice(0, 3)).toEqual(['f0', 'f1', 'f2']);
  expect(names(f).at(-1)).toBe('f2499');
});

test('the first page is shown while the others are read', async () => {
  const all = Array.from({ length: 300 }, (_, i) => entry(`f${i}`));
  const read = pages(all);
  let hold: (() => void) | undefined;
  const f = new Folder(async (path, cursor, limit, signal) => {
    if (cursor) await new Promise<void>((go) => (hold = go));
    return read(path, cursor, limit, signal);
  });
  const done = f.open('/d');
  await expect.poll(() => f.rows.length).toBe(200);
  expect([f.loading, f.complete]).toEqual([true, false]);
  hold?.();
  await done;
  expect([f.loading, f.complete, f.rows.length]).toEqual([false, true, 300]);
});

test('sorting, and changing one row in place', async () => {
  const f = new Folder(pages([entry('b'), entry('a'), entry('z', true)]));
  await f.open('/d');
  expect(names(f)).toEqual(['z', 'a', 'b']);
  f.sort({ by: 'name', down: true });
  expect(names(f)).toEqual(['z', 'b', 'a']);
  f.replace('/d/b', entry('aa'));
  expect(names(f)).toEqual(['z', 'aa', 'a']);
  f.replace('/d/aa', null);
  expect(names(f)).toEqual(['z', 'a']);
  expect(f.has('a')).toBe(true);
});

test('what was read stays when a later reading fails', async () => {
  let broken = false;
  const read = pages([entry('a')]);
  const f = new Folder(async (...args) => {
    if (broken) throw new Problem(503, 'No nameserver');
    return read(...args);
  });
  await f.open('/d');
  broken = true;
  await f.refresh();
  expect(names(f)).toEqual(['a']);
  expect(f.error?.title).toBe('No nameserver');
  broken = false;
  await f.refresh();
  expect(f.error).toBeNull();
});

test('leaving a folder drops what is still on its way', async () => {
  const gates = new Map<string, () => void>();
  const f = new Folder(async (path) => {
    await new Promise<void>((go) => gates.set(path, go));
    return { dir: entry('d', true), items: [entry(path.slice(1))] };
  });
  const one = f.open('/one');
  const two = f.open('/two');
  gates.get('/two')?.();
  await two;
  gates.get('/one')?.();
  await one;
  expect(names(f)).toEqual(['two']);
});
