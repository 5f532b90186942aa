import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ago, bytes, clock, count, date, decimal, percent, rate, short, span, spanRange, stamp } from './format';
import { inUtc, locale, plural, speak } from './index.svelte';

// Times are told where the person is, here far from UTC and with a change of the clock.
beforeAll(() => void vi.stubEnv('TZ', 'America/New_York'));
afterAll(() => void vi.unstubAllEnvs());

beforeEach(() => vi.stubGlobal('document', { documentElement: { lang: '' } }));
afterEach(async () => {
  inUtc(false);
  await speak('en');
  vi.unstubAllGlobals();
});

const at = (iso: string): Date => new Date(iso);
const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ');

describe('in local time', () => {
  test('a time of day is that of the person', () => {
    expect(clock('2026-07-01T06:41:07Z')).toBe('02:41:07');
  });

  test('midnight is 00 and not 24', () => {
    expect(clock('2026-07-01T04:00:00Z')).toBe('00:00:00');
    expect(short('2026-07-01T04:00:00Z', '2026-07-01T05:00:00Z')).toBe('00:00');
    expect(stamp('2026-07-01T04:00:00Z', '2026-07-01T05:00:00Z')).toBe('00:00');
  });

  test('the hour that there is twice is told as the clock shows it', () => {
    expect([clock('2026-11-01T05:30:00Z'), clock('2026-11-01T06:30:00Z')]).toEqual(['01:30:00', '01:30:00']);
  });

  test('a day of 25 hours is one day', () => {
    expect(short('2026-11-01T04:30:00Z', '2026-11-02T04:30:00Z')).toBe('00:30');
  });

  test('yesterday evening is another day, though fewer than 24 hours ago', () => {
    expect(stamp('2026-07-01T03:00:00Z', '2026-07-01T12:00:00Z')).toBe('30 Jun, 23:00');
    expect(short('2026-07-01T03:00:00Z', '2026-07-01T12:00:00Z')).toBe('30 Jun 2026');
  });
});

describe('in UTC, as the logs of servers', () => {
  beforeEach(() => inUtc(true));

  test('each of them tells UTC', () => {
    const [then, now] = ['2026-07-01T03:00:00Z', '2026-07-01T12:00:00Z'];
    expect([clock(then), short(then, now), stamp(then, now)]).toEqual(['03:00:00', '03:00', '03:00']);
    expect(date(then)).toBe('1 Jul 2026, 03:00:00 UTC');
  });

  test('today is what is today in UTC', () => {
    const now = at('2026-07-01T12:00:00Z');
    expect(stamp(at('2026-06-30T23:30:00Z'), now)).toBe('30 Jun, 23:30');
    expect(stamp(at('2026-07-01T23:30:00Z'), now)).toBe('23:30');
  });

  test('so is this year', () => {
    expect(stamp(at('2026-01-01T00:30:00Z'), at('2026-07-01T12:00:00Z'))).toBe('1 Jan, 00:30');
    expect(stamp(at('2025-12-31T23:30:00Z'), at('2026-07-01T12:00:00Z'))).toBe('31 Dec 2025, 23:30');
  });
});

test('only UTC is said to be UTC', () => {
  expect(date('2026-07-01T03:00:00Z')).toBe('30 Jun 2026, 23:00:00');
});

describe('in German', () => {
  beforeEach(() => speak('de'));

  test('numbers have a comma, and points between thousands', () => {
    expect([count(1_234_567), decimal(3.14159, 2), bytes(41_017_000_000), rate(1536)]).toEqual(['1.234.567', '3,14', '38,2 GiB', '1,5 KiB/s']);
  });

  test('a share has a space before its sign', () => {
    expect([percent(0.421), percent(0.9999), percent(0)].map(plain)).toEqual(['42 %', '99 %', '0 %']);
  });

  test('times and days are German', () => {
    expect(plain(date('2026-07-01T03:00:00Z'))).toBe('30.06.2026, 23:00:00');
    expect(ago('2026-07-01T03:00:00Z', '2026-07-01T03:05:00Z')).toBe('vor 5 Min.');
    expect(ago('2026-07-01T03:00:00Z', '2026-07-01T03:00:00Z')).toBe('jetzt');
  });

  test('one is one and none is many', () => {
    const forms = { one: 'Datei', other: 'Dateien' };
    expect([0, 1, 2, 1.5].map((n) => plural(n, forms))).toEqual(['Dateien', 'Datei', 'Dateien', 'Dateien']);
  });

  test('what was written in English before is not kept', async () => {
    expect(bytes(1536)).toBe('1,5 KiB');
    await speak('en');
    expect([bytes(1536), locale()]).toEqual(['1.5 KiB', 'en-GB']);
  });
});

test.each([
  [1, '1 B'],
  [1023.4, '1,023 B'],
  [1047552, '1,023 KiB'],
  [1048575, '1 MiB'],
  [10.04 * 1024, '10 KiB'],
  [9.99 * 1024, '9.99 KiB'],
  [99.94 * 1024, '99.9 KiB'],
  [99.96 * 1024, '100 KiB'],
  [2 ** 70, '1,024 EiB'],
])('%d bytes are never told with four figures and a fraction: %s', (n, text) => expect(bytes(n)).toBe(text));

test('sizes grow as their numbers grow', () => {
  const value = (text: string): number => {
    const [n = '', unit = ''] = text.split(' ');
    return Number(n.replaceAll(',', '')) * 1024 ** ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit);
  };
  let before = 0;
  for (let n = 1; n < 2 ** 42; n = Math.ceil(n * 1.03)) {
    const now = value(bytes(n));
    expect(now).toBeGreaterThanOrEqual(before);
    expect(Math.abs(now - n) / n).toBeLessThan(0.006);
    before = now;
  }
});

test.each([
  [59.4, '59 s'],
  [89, '1 min'],
  [3570, '1 h'],
  [3599, '1 h'],
  [86_399, '1 d'],
  [86_400 + 3600, '1 d 1 h'],
  [86_400 * 10 + 3600, '10 d'],
])('%d s are %s', (s, text) => expect(span(s)).toBe(text));

test('durations never say 60 s, 60 min or 24 h', () => {
  for (let s = 0; s < 400_000; s += 7) expect(span(s)).not.toMatch(/\b(60 s|60 min|24 h)\b/);
});

test.each([
  [0, 0, '~1 min'],
  [3, 89, '~1 min'],
  [3, 90, '1–2 min'],
  [600, 600, '10 min'],
  [660, 1140, '11–19 min'],
  [3600, 7199, '60–120 min'],
  [3600, 7500, '1–3 h'],
  [7200, 10_800, '2–3 h'],
])('an estimate of %d to %d s is %s, as in the sentence of the verdict', (low, high, text) => expect(spanRange(low, high)).toBe(text));

test('what is to come is told as such', () => {
  expect(ago(120_000, 0)).toBe('in 2 min');
  expect(ago(3 * 86_400_000, 0)).toBe('in 3 days');
});

test('long ago is told in the largest unit', () => {
  const year = 365 * 86_400_000;
  expect([ago(0, 45 * 86_400_000), ago(0, 3 * year)]).toEqual(['last mo', '3 yr ago']);
});

test('a time that is none is told by nobody', () => {
  expect(ago('soon', 0)).toBe('');
});
