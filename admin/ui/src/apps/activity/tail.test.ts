import { expect, test } from 'vitest';
import type { Schemas } from '../../api/client';
import { most, Tail, type List } from './tail.svelte';

type Event = Schemas['Event'];
const event = (id: number): Event => ({ id: String(id), time: '2026-01-01T00:00:00Z', severity: 'info', code: 'X', text: `e${id}` });

function given(items: Event[] = []): { list: List & { data: { items: Event[] } | undefined; loading: boolean; reads: number }; tail: Tail; ids: () => string[] } {
  const list = {
    data: { items } as { items: Event[] } | undefined,
    loading: false,
    reads: 0,
    prepend(e: Event) {
      this.data = { items: [e, ...(this.data?.items ?? [])] };
    },
    async refresh() {
      this.reads++;
    },
  };
  return { list, tail: new Tail(list, (e) => e.severity !== 'critical'), ids: () => list.data?.items.map((e) => e.id) ?? [] };
}

test('followed: what is wanted goes on top, once', () => {
  const { tail, ids } = given([event(1)]);
  tail.take(event(2));
  tail.take(event(2));
  tail.take(event(1));
  tail.take({ ...event(3), severity: 'critical' });
  expect(ids()).toEqual(['2', '1']);
});

test('held still: it waits, in order, and is not shown twice after the list was read again', () => {
  const { tail, list, ids } = given([event(1)]);
  tail.toggle();
  tail.take(event(2));
  tail.take(event(3));
  tail.take(event(3));
  expect([ids(), tail.held.length]).toEqual([['1'], 2]);
  list.prepend(event(2));
  tail.toggle();
  expect([ids(), tail.held.length]).toEqual([['3', '2', '1'], 0]);
});

test('another filter forgets what waits', () => {
  const { tail, ids } = given();
  tail.toggle();
  tail.take(event(2));
  tail.restart();
  tail.release();
  expect(ids()).toEqual([]);
});

test('what comes while the list is read waits for the answer', () => {
  const { tail, list, ids } = given();
  list.data = undefined;
  list.loading = true;
  tail.take(event(2));
  tail.take(event(3));
  list.data = { items: [event(2), event(1)] };
  list.loading = false;
  tail.settle();
  tail.settle();
  expect(ids()).toEqual(['3', '2', '1']);
});

test('a gap in the stream, or more than is held, reads the list again: not before it is let go', () => {
  const { tail, list } = given();
  tail.reset();
  expect(list.reads).toBe(1);
  tail.toggle();
  tail.reset();
  expect(list.reads).toBe(1);
  tail.toggle();
  expect(list.reads).toBe(2);
  tail.toggle();
  for (let i = 0; i <= most; i++) tail.take(event(i));
  expect([tail.held.length, tail.missed]).toEqual([most, true]);
  tail.release();
  expect([list.reads, tail.missed]).toEqual([3, false]);
});
