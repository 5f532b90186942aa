// Settings as people read and write them. The server speaks whole numbers in
// the setting's unit, "true" and "false"; people speak of MiB and minutes.
import type { Schemas } from '../../api/client';
import { bytes, count, span } from '../../i18n/format';
import { secondsOf, sizeOf } from '../../i18n/parse';

export type Setting = Schemas['Setting'];

// exact writes a size so that reading it gives the same number again.
function exact(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let i = 0;
  while (n > 0 && n % 1024 === 0 && i < units.length - 1) {
    n /= 1024;
    i++;
  }
  return `${n} ${units[i]}`;
}

function exactTime(n: number): string {
  if (n > 0 && n % 86_400 === 0) return `${n / 86_400} d`;
  if (n > 0 && n % 3600 === 0) return `${n / 3600} h`;
  if (n > 0 && n % 60 === 0) return `${n / 60} min`;
  return `${n} s`;
}

const rate = (s: Setting): string => (s.unit?.endsWith('per_second') ? '/s' : '');

// field is a value as it stands in the field, to be edited.
export function field(s: Setting, value: string): string {
  const n = Number(value);
  if (value === '' || !Number.isFinite(n)) return value;
  if (s.kind === 'bytes') return exact(n) + rate(s);
  if (s.kind === 'seconds') return exactTime(n);
  if (s.unit === 'milliseconds') return n % 1000 === 0 ? exactTime(n / 1000) : `${n} ms`;
  return value;
}

export type Words = { on: string; off: string; none: string };

// show is a value as it is read in sentences and lists.
export function show(s: Setting, value: string, words: Words): string {
  if (s.kind === 'boolean') return value === 'true' ? words.on : words.off;
  if (value === '') return words.none;
  const n = Number(value);
  if (!Number.isFinite(n)) return value;
  if (s.kind === 'bytes') return bytes(n) + rate(s);
  if (s.kind === 'seconds') return span(n);
  if (s.unit === 'milliseconds') return n % 1000 === 0 ? span(n / 1000) : `${count(n)} ms`;
  if (s.kind === 'integer') return count(n);
  return value;
}

export type Fault = 'number' | 'size' | 'time' | 'range';

// read is the value that a field's text stands for, or why it stands for none.
// Zero is left to the server: for some settings it has a meaning of its own.
export function read(s: Setting, text: string): { value: string } | { fault: Fault } {
  if (s.kind === 'text' || s.kind === 'boolean') return { value: text };
  const n = number(s, text);
  if (typeof n !== 'number') return { fault: n };
  if (n !== 0 && ((s.min !== undefined && n < Number(s.min)) || (s.max !== undefined && n > Number(s.max)))) return { fault: 'range' };
  return { value: String(n) };
}

function number(s: Setting, text: string): number | Fault {
  if (s.kind === 'bytes') return sizeOf(text) ?? 'size';
  if (s.kind === 'seconds') return secondsOf(text) ?? 'time';
  if (s.unit === 'milliseconds') {
    const ms = /^\s*(\d+)\s*(ms)?\s*$/.exec(text)?.[1];
    const seconds = secondsOf(text);
    return ms !== undefined ? Number(ms) : seconds === null ? 'time' : seconds * 1000;
  }
  return /^\s*-?\d+\s*$/.test(text) ? Number(text) : 'number';
}
