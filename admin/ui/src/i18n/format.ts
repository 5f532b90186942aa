// Numbers, sizes and times as people read them, in the language in use.
// Units are IEC everywhere: 1 KiB = 1024 bytes.
import { locale, zone } from './index.svelte';
import { serverTime } from './now.svelte';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
const cache = new Map<string, Intl.NumberFormat>();

function number(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale() + JSON.stringify(options);
  let f = cache.get(key);
  if (!f) cache.set(key, (f = new Intl.NumberFormat(locale(), options)));
  return f;
}

// capital begins a sentence: what the server says as part of one may stand alone.
export function capital(text: string): string {
  const [first = ''] = text;
  return first.toLocaleUpperCase(locale()) + text.slice(first.length);
}

// count writes a whole number with the language's separators.
export function count(n: number): string {
  return number({ maximumFractionDigits: 0 }).format(n);
}

// decimal writes a number with at most so many digits behind the point.
export function decimal(n: number, digits = 1): string {
  return number({ maximumFractionDigits: digits }).format(n);
}

// bytes writes a size with three significant digits: 38.2 GiB.
export function bytes(n: number): string {
  let i = 0;
  let v = Math.abs(n);
  while (v >= 1023.5 && i < units.length - 1) {
    v /= 1024;
    i++;
  }
  const digits = i === 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;
  const sign = n < 0 ? '-' : '';
  return `${sign}${number({ minimumFractionDigits: 0, maximumFractionDigits: digits }).format(v)} ${units[i]}`;
}

// rate writes bytes per second.
export function rate(n: number): string {
  return `${bytes(n)}/s`;
}

// percent writes a share of 1: 0.421 is 42 %. It never rounds up to 100 or down to 0.
export function percent(share: number, digits = 0): string {
  const step = 10 ** -(digits + 2);
  const v = share > 0 && share < step ? step : share < 1 && share > 1 - step ? 1 - step : share;
  return number({ style: 'percent', maximumFractionDigits: digits }).format(v);
}

// span writes a duration in seconds with its largest one or two units: 2 h 5 min.
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const m = Math.round(s / 60);
  if (m < 60) return `${m} min`;
  const h = Math.floor(m / 60);
  if (h < 24) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
  const d = Math.floor(h / 24);
  return h % 24 && d < 10 ? `${d} d ${h % 24} h` : `${d} d`;
}

// spanRange writes an estimate in seconds, as rounded as the sentence of the
// verdict: 11-19 min, with an en dash; what is soon over is no matter of seconds.
export function spanRange(low: number, high: number): string {
  if (high < 90) return '~1 min';
  const [unit, seconds] = high < 7200 ? (['min', 60] as const) : (['h', 3600] as const);
  const [a, b] = [Math.max(1, Math.floor(low / seconds)), Math.ceil(high / seconds)];
  return a >= b ? `${b} ${unit}` : `${a}–${b} ${unit}`;
}

type Moment = string | number | Date;

function dateOf(at: Moment): Date {
  return at instanceof Date ? at : new Date(at);
}

// clock writes a time of day: 02:41:07.
export function clock(at: Moment): string {
  return dateOf(at).toLocaleTimeString(locale(), { hour12: false, timeZone: zone() });
}

// date writes a day and a time, and that it is UTC where it is.
export function date(at: Moment): string {
  const text = dateOf(at).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'medium', timeZone: zone() });
  return zone() ? `${text} UTC` : text;
}

// short writes the time today and the day before that.
export function short(at: Moment, now: Moment = serverTime()): string {
  const d = dateOf(at);
  const day = (x: Date): string => x.toLocaleDateString(locale(), { dateStyle: 'medium', timeZone: zone() });
  return day(dateOf(now)) === day(d) ? d.toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit', hour12: false, timeZone: zone() }) : day(d);
}

// stamp writes the time today, and the day with the time before that: 21 Nov, 23:58.
export function stamp(at: Moment, now: Moment = serverTime()): string {
  const [d, n] = [dateOf(at), dateOf(now)];
  const part = (x: Date, options: Intl.DateTimeFormatOptions): string => x.toLocaleDateString('en', { ...options, timeZone: zone() });
  if (part(d, {}) === part(n, {})) return short(d, n);
  const year = part(d, { year: 'numeric' }) === part(n, { year: 'numeric' }) ? undefined : 'numeric';
  return d.toLocaleString(locale(), { day: 'numeric', month: 'short', year, hour: '2-digit', minute: '2-digit', hour12: false, timeZone: zone() });
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity],
];

// ago writes how long something is past (or ahead), in words: 3 minutes ago.
export function ago(at: Moment, now: Moment = serverTime()): string {
  let v = (dateOf(at).getTime() - dateOf(now).getTime()) / 1000;
  const f = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' });
  for (const [unit, size] of steps) {
    if (Math.abs(v) < size) return f.format(Math.trunc(v), unit);
    v /= size;
  }
  return '';
}
