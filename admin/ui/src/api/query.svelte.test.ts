// @vitest-environment happy-dom
import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import '../testing';
import { live } from './live.svelte';
import { invalidate, query, type Options, type Query } from './query.svelte';

// Components that show what the server said, without being drawn.
let stops: (() => void)[];
const reads: string[] = [];
let fail = false;
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  stops = [];
  reads.length = 0;
  fail = false;
});
afterEach(() => stops.forEach((stop) => stop()));

function show(key: () => string, options: Options<string> = {}): { q: Query<string>; stop: () => void } {
  let q!: Query<string>;
  const stop = $effect.root(() => {
    q = query(key, async () => {
      reads.push(key());
      if (fail) throw new Error('away');
      return `${key()} ${reads.length}`;
    }, options);
  });
  stops.push(stop);
  flushSync();
  return { q, stop };
}

test('two windows that show the same thing read it once more, and both have it', async () => {
  const a = show(() => 'a1');
  await settle();
  const b = show(() => 'a1');
  await settle();
  expect([a.q.data, b.q.data]).toEqual(['a1 1', 'a1 1']);
  expect(reads).toEqual(['a1']);
});

test('a key that changes is followed, and the old data is not shown for it', async () => {
  let key = $state('n1');
  const { q } = show(() => key);
  await settle();
  expect(q.data).toBe('n1 1');
  key = 'n2';
  flushSync();
  expect(q.data).toBeUndefined();
  await settle();
  expect(q.data).toBe('n2 2');
});

test('an empty key reads nothing and shows nothing', async () => {
  let key = $state('');
  const { q } = show(() => key);
  await settle();
  expect([reads, q.data, q.loading, q.error]).toEqual([[], undefined, false, null]);
  key = 'x1';
  flushSync();
  await settle();
  expect(q.data).toBe('x1 1');
});

test('who comes back within a minute sees at once what was known, and it is read again', async () => {
  const a = show(() => 'b1');
  await settle();
  a.stop();
  await vi.advanceTimersByTimeAsync(30_000);
  const b = show(() => 'b1');
  expect([b.q.data, b.q.loading]).toEqual(['b1 1', true]);
  await settle();
  expect(b.q.data).toBe('b1 2');
});

test('after a minute without anybody it is forgotten', async () => {
  show(() => 'c1').stop();
  await settle();
  await vi.advanceTimersByTimeAsync(61_000);
  expect(show(() => 'c1').q.data).toBeUndefined();
});

test('what was forgotten by an act and is shown again is not forgotten a minute later', async () => {
  show(() => 'd1').stop();
  await settle();
  await vi.advanceTimersByTimeAsync(50_000);
  invalidate('d'); // nobody shows it: it goes
  const a = show(() => 'd1');
  await vi.advanceTimersByTimeAsync(20_000); // the clock of the one that went
  const b = show(() => 'd1');
  await settle();
  reads.length = 0;
  invalidate('d');
  await vi.advanceTimersByTimeAsync(300);
  expect(reads).toEqual(['d1']); // one entry, still known, read once for both
  expect(a.q.data).toBe(b.q.data);
});

test('an act has all that is on screen of its kind read again, once', async () => {
  show(() => 'nodes');
  show(() => 'nodes');
  show(() => 'tasks');
  await settle();
  reads.length = 0;
  invalidate('nodes');
  invalidate('nodes');
  await vi.advanceTimersByTimeAsync(300);
  expect(reads).toEqual(['nodes']);
});

test('a fault is shown beside what was known, and goes with the next answer', async () => {
  const { q } = show(() => 'e1');
  await settle();
  fail = true;
  await q.refresh();
  expect([q.data, q.error?.unreachable]).toEqual(['e1 1', true]);
  fail = false;
  await q.refresh();
  expect([q.data, q.error]).toEqual(['e1 3', null]);
});

test('a component that is gone does not read any more', async () => {
  const { q, stop } = show(() => 'f1', { every: 1000, topics: ['f'] });
  await settle();
  stop();
  reads.length = 0;
  await vi.advanceTimersByTimeAsync(10_000);
  await q.refresh();
  expect(reads).toEqual([]);
});

test('data that is shown before the server confirms it is shown to all', async () => {
  const [a, b] = [show(() => 'g1'), show(() => 'g1')];
  await settle();
  a.q.set('renamed');
  expect([b.q.data, b.q.error]).toEqual(['renamed', null]);
});

test('a topic is heard once, however many show it, and let go with the last', async () => {
  const heard = vi.spyOn(live, 'on');
  const a = show(() => 'h1', { topics: ['health'] });
  const b = show(() => 'h1', { topics: ['health'] });
  expect(heard).toHaveBeenCalledTimes(1);
  a.stop();
  b.stop();
  show(() => 'h1', { topics: ['health'] });
  expect(heard).toHaveBeenCalledTimes(2);
});

test('a page that nobody sees is not read every few seconds', async () => {
  show(() => 'i1', { every: 1000 });
  await settle();
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(reads).toHaveLength(1);
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(false);
  await vi.advanceTimersByTimeAsync(1000);
  expect(reads).toHaveLength(2);
});
