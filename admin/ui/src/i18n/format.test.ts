import { expect, test, vi } from 'vitest';
import { ago, bytes, capital, count, percent, rate, span, stamp } from './format';
import { inUtc, plural, preferred } from './index.svelte';

test.each([
  [0, '0 B'],
  [1023, '1,023 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [41_017_000_000, '38.2 GiB'],
  [2 ** 40 * 123.4, '123 TiB'],
  [2 ** 20 - 1, '1 MiB'],
  [-2048, '-2 KiB'],
])('%d is %s', (n, text) => expect(bytes(n)).toBe(text));

test('a sentence begins with a capital', () => {
  expect(['no room', 'Über', 'äther', '3 left', '', 'ǆ'].map(capital)).toEqual(['No room', 'Über', 'Äther', '3 left', '', 'Ǆ']);
});

test('rates and counts', () => {
  expect(rate(410 * 2 ** 20)).toBe('410 MiB/s');
  expect(count(1234567)).toBe('1,234,567');
});

test('a share never rounds to all or to nothing', () => {
  expect(percent(0)).toBe('0%');
  expect(percent(1)).toBe('100%');
  expect(percent(0.9999)).toBe('99%');
  expect(percent(0.00001)).toBe('1%');
  expect(percent(0.421)).toBe('42%');
});

test.each([
  [4, '4 s'],
  [59.6, '1 min'],
  [600, '10 min'],
  [7500, '2 h 5 min'],
  [7200, '2 h'],
  [86400 * 3 + 3600 * 4, '3 d 4 h'],
  [86400 * 40, '40 d'],
  [-3, '0 s'],
])('%d seconds are %s', (s, text) => expect(span(s)).toBe(text));

test('ago', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  expect(ago(now - 5000, now)).toBe('5 sec ago');
  expect(ago(now - 540_000, now)).toBe('9 min ago');
  expect(ago(now + 3_600_000, now)).toBe('in 1 hr');
});

test('plurals and the language that is asked for', () => {
  expect(plural(1, { one: 'node', other: 'nodes' }, 'en')).toBe('node');
  expect(plural(0, { one: 'Knoten', other: 'Knoten!' }, 'de')).toBe('Knoten!');
  expect(preferred(['fr-FR', 'de-AT', 'en'])).toBe('de');
  expect(preferred(['fr'])).toBe('en');
});

test('a log says the day of what was not today', () => {
  const now = new Date(2026, 10, 22, 3, 5);
  expect(stamp(new Date(2026, 10, 22, 2, 41), now)).toBe('02:41');
  expect(stamp(new Date(2026, 10, 21, 23, 58), now)).toBe('21 Nov, 23:58');
  expect(stamp(new Date(2025, 10, 21, 23, 58), now)).toBe('21 Nov 2025, 23:58');
});

test('in UTC the day of a log is that of UTC', () => {
  vi.stubEnv('TZ', 'Asia/Tokyo');
  inUtc(true);
  try {
    expect(stamp('2026-11-22T02:41:00Z', '2026-11-22T16:00:00Z')).toBe('02:41');
    expect(stamp('2026-11-21T23:58:00Z', '2026-11-22T00:05:00Z')).toBe('21 Nov, 23:58');
  } finally {
    inUtc(false);
    vi.unstubAllEnvs();
  }
});
