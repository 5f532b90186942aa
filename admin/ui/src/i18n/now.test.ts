// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from 'vitest';
import '../testing';
import { seconds, tick } from './now.svelte';

const start = 1_000_000_000;
beforeEach(() => void vi.useFakeTimers({ now: start }));

test('the second ticks while somebody looks at it, once for all', () => {
  const set = vi.spyOn(globalThis, 'setInterval');
  const [a, b] = [tick(), tick()];
  vi.advanceTimersByTime(3000);
  expect([seconds(), set.mock.calls.length]).toEqual([start + 3000, 1]);
  a();
  vi.advanceTimersByTime(1000);
  expect(seconds()).toBe(start + 4000);
  b();
});

test('when nobody looks any more, nothing ticks', () => {
  const stop = tick();
  vi.advanceTimersByTime(1000);
  stop();
  const last = seconds();
  vi.advanceTimersByTime(10_000);
  expect([seconds(), vi.getTimerCount()]).toEqual([last, 0]);
});

test('a page that nobody sees does not draw its times again each second', () => {
  const stop = tick();
  vi.advanceTimersByTime(1000);
  const last = seconds();
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  vi.advanceTimersByTime(60_000);
  expect(seconds()).toBe(last);
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(false);
  vi.advanceTimersByTime(1000);
  expect(seconds()).toBe(start + 62_000);
  stop();
});

test('who comes after a silence sees the time of now within a second', () => {
  tick()();
  vi.advanceTimersByTime(3_600_000);
  const stop = tick();
  vi.advanceTimersByTime(1000);
  expect(seconds()).toBe(start + 3_601_000);
  stop();
});
