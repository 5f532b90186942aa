import { expect, test, vi } from 'vitest';
import { Conflicts } from './conflict.svelte';

const until = (ok: () => boolean) => vi.waitFor(() => expect(ok()).toBe(true));

test('two that ask at once are both answered, one after the other', async () => {
  const c = new Conflicts(async () => null);
  const [a, b] = [c.batch().ask('/a'), c.batch().ask('/b')];
  await until(() => c.current?.path === '/a');
  c.current?.answer('replace', true); // is for the first batch only
  expect(await a).toBe('replace');
  await until(() => c.current?.path === '/b');
  c.current?.answer('skip', false);
  expect(await b).toBe('skip');
  expect(c.current).toBeNull();
});

test('an answer for all is not asked for again', async () => {
  const seen: string[] = [];
  const c = new Conflicts(async (path) => (seen.push(path), null));
  const batch = c.batch();
  const all = ['/1', '/2', '/3'].map((p) => batch.ask(p));
  await until(() => c.current !== null);
  c.current?.answer('both', true);
  expect(await Promise.all(all)).toEqual(['both', 'both', 'both']);
  expect(seen).toEqual(['/1']);
});

test('what cannot be looked up is asked about all the same', async () => {
  const c = new Conflicts(() => Promise.reject(new Error('away')));
  const asked = c.batch().ask('/a');
  await until(() => c.current !== null);
  expect(c.current?.existing).toBeNull();
  c.current?.answer('skip', false);
  expect(await asked).toBe('skip');
});
