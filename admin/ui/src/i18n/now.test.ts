import { beforeEach, expect, test } from 'vitest';
import { learn, serverTime } from './now.svelte';

const noon = Date.parse('2026-11-22T12:00:00Z');
const header = (at: number): string => new Date(at).toUTCString();

beforeEach(() => learn(header(noon), noon, noon));

test('a right clock is left alone: whole seconds and the way are no difference', () => {
  learn(header(noon), noon + 300, noon + 900);
  expect(serverTime(noon)).toBe(noon);
});

test('a browser that is ten minutes late, or early, counts as the server does', () => {
  const late = noon - 600_000;
  learn(header(noon), late, late + 200);
  expect(Math.abs(serverTime(late) - noon)).toBeLessThan(2000);
  const early = noon + 600_000;
  learn(header(noon), early, early + 200);
  expect(Math.abs(serverTime(early) - noon)).toBeLessThan(2000);
  learn(header(noon + 1000), early + 1400, early + 1600); // no jitter
  expect(serverTime(early) - noon).toBe(serverTime(early + 1400) - noon - 1400);
});

test('what says nothing changes nothing: no date, a slow answer, a clock set back meanwhile', () => {
  learn(null, noon, noon);
  learn('yesterday', noon, noon);
  learn(header(noon + 600_000), noon, noon + 60_000);
  learn(header(noon + 600_000), noon, noon - 1);
  expect(serverTime(noon)).toBe(noon);
});
