import { expect, test } from 'vitest';
import { follow, lines, reveal, sorted, template, visible } from './rows';
import type { Column } from './types';

type Row = { name: string; size: number };
const columns: Column<Row>[] = [
  { id: 'name', title: 'Name', text: (r) => r.name, sort: (r) => r.name },
  { id: 'size', title: 'Size', text: (r) => String(r.size), sort: (r) => r.size, width: 90 },
  { id: 'kind', title: 'Kind', text: () => '', sort: true, grow: 2, width: 60 },
];

test('only what is in sight is drawn, whatever the length', () => {
  for (const scroll of [0, 5000, 319_000, 320_000]) {
    const { from, to } = visible(scroll, 600, 32, 10_000);
    expect(to - from).toBeLessThanOrEqual(80);
    expect(from * 32).toBeLessThanOrEqual(scroll);
  }
  expect(visible(0, 600, 32, 0)).toEqual({ from: 0, to: 0 });
  expect(visible(9999, 600, 32, 3)).toEqual({ from: 3, to: 3 });
});

test('reveal scrolls as little as it must', () => {
  expect(reveal(5, 0, 320, 32)).toBe(0);
  expect(reveal(10, 0, 320, 32)).toBe(32);
  expect(reveal(2, 320, 320, 32)).toBe(64);
});

test('sorting is natural, stable, and leaves to the server what is its', () => {
  const rows = [
    { name: 'f10', size: 1 },
    { name: 'f9', size: 2 },
    { name: 'F1', size: 1 },
  ];
  const names = (by: string, desc = false): string => sorted(rows, columns, { by, desc }).map((r) => r.name).join(' ');
  expect(names('name')).toBe('F1 f9 f10');
  expect(names('name', true)).toBe('f10 f9 F1');
  expect(names('size')).toBe('f10 F1 f9');
  expect(names('size', true)).toBe('f9 f10 F1');
  expect(sorted(rows, columns, { by: 'kind', desc: true })).toBe(rows);
  expect(sorted(rows, columns, null)).toBe(rows);
});

test('sorting 10,000 rows takes no time that one sees', () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => ({ name: `file-${(i * 7919) % 10_000}.txt`, size: i }));
  const start = performance.now();
  sorted(rows, columns, { by: 'size', desc: true });
  expect(performance.now() - start).toBeLessThan(500);
});

test('tracks', () => {
  expect(template(columns, {})).toBe('minmax(120px, 1fr) 90px minmax(60px, 2fr)');
  expect(template(columns, { name: 300 })).toBe('300px 90px minmax(60px, 2fr)');
});

test('the row that has the keyboard is followed to where it goes', () => {
  const at = (keys: string) => (i: number): string | undefined => keys[i];
  expect(follow(1, 'b', 3, at('abc'))).toBe(1);
  expect(follow(1, 'b', 3, at('bac'))).toBe(0);
  expect(follow(1, 'b', 4, at('acdb'))).toBe(3);
  expect(follow(2, 'c', 2, at('ab'))).toBe(1); // gone, and the list is shorter
  expect(follow(0, 'a', 2, at('bc'))).toBe(0);
  expect(follow(3, undefined, 0, at(''))).toBe(0);
});

test('wherever a row goes, it is found, and what is drawn covers what is in sight', () => {
  let x = 42;
  const chance = (n: number): number => ((x = (x * 1103515245 + 12345) >>> 0), (x >>> 8) % n);
  for (let round = 0; round < 500; round++) {
    const keys = Array.from({ length: 1 + chance(50) }, (_, i) => `k${i}`);
    const i = chance(keys.length);
    const moved = [...keys].sort(() => chance(3) - 1);
    const to = follow(i, keys[i], moved.length, (n) => moved[n]);
    expect(moved[to]).toBe(keys[i]);

    const [row, height, count] = [1 + chance(60), chance(900), chance(5000)];
    const scroll = chance(Math.max(1, count * row));
    const { from, to: end } = visible(scroll, height, row, count);
    expect(from).toBeLessThanOrEqual(Math.min(count, Math.floor(scroll / row)));
    expect(end).toBeGreaterThanOrEqual(Math.min(count, Math.ceil((scroll + height) / row)));
    expect(end).toBeLessThanOrEqual(count);
    expect(end - from).toBeLessThanOrEqual(Math.ceil(height / row) + 14);
    const at = reveal(chance(count || 1), scroll, height, row);
    expect(at).toBeGreaterThanOrEqual(0);
  }
});

test('on a narrow screen each column has one place, or none', () => {
  const cols: Column<Row>[] = [
    { id: 'a', title: '', text: () => '' },
    { id: 'b', title: '', text: () => '', phone: 'title' },
    { id: 'c', title: '', text: () => '', phone: 'end' },
    { id: 'd', title: '', text: () => '', phone: 'none' },
  ];
  const { title, meta, ends } = lines(cols);
  expect([title?.id, meta.map((c) => c.id), ends.map((c) => c.id)]).toEqual(['b', ['a'], ['c']]);
  expect(lines(cols.slice(0, 1)).title?.id).toBe('a');
});
