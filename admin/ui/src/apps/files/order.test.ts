import { expect, test } from 'vitest';
import { comparer, merge, nameKey, row, type Sortable } from './order';

const entry = (name: string, more: Partial<Sortable> = {}): Sortable => ({ name, dir: false, size: 0, modified: '2026-01-01T00:00:00Z', ...more });
const sorted = (all: Sortable[], by: Parameters<typeof comparer>[0]) => all.map(row).sort(comparer(by)).map((r) => r.entry.name);

test('numbers by value, case and marks aside, folders first', () => {
  const all = ['b10', 'b9', 'B1', 'über', 'uber', 'v'].map((n) => entry(n));
  expect(sorted([...all, entry('zoo', { dir: true })], { by: 'name', down: false })).toEqual(['zoo', 'B1', 'b9', 'b10', 'uber', 'über', 'v']);
});

test('downwards turns the names, not the folders', () => {
  const all = [entry('a'), entry('b'), entry('d', { dir: true }), entry('c', { dir: true })];
  expect(sorted(all, { by: 'name', down: true })).toEqual(['d', 'c', 'b', 'a']);
});

test('equal values are told apart by name, upwards in both directions', () => {
  const all = [entry('b', { size: 1 }), entry('a', { size: 1 }), entry('c', { size: 2 })];
  expect(sorted(all, { by: 'size', down: false })).toEqual(['a', 'b', 'c']);
  expect(sorted(all, { by: 'size', down: true })).toEqual(['c', 'a', 'b']);
});

test.each(['modified', 'type', 'copies'] as const)('by %s', (by) => {
  const x = entry('x', { modified: '2026-01-02T00:00:00Z', type: 'b/b', replication: 3 });
  const y = entry('y', { modified: '2026-01-01T00:00:00Z', type: 'a/a', replication: 2 });
  expect(sorted([x, y], { by, down: false })).toEqual(['y', 'x']);
});

test('long and leading-zero numbers', () => {
  expect(nameKey('a007') < nameKey('a8')).toBe(true);
  expect(nameKey('a' + '9'.repeat(30)) < nameKey('a1' + '0'.repeat(30))).toBe(true);
});

test('merging pages gives what sorting everything gives', () => {
  const compare = comparer<Sortable>({ by: 'name', down: false });
  const all = Array.from({ length: 500 }, (_, i) => row(entry(`f${(i * 7919) % 500}`, { dir: i % 7 === 0 })));
  let rows: typeof all = [];
  for (let i = 0; i < all.length; i += 64) rows = merge(rows, all.slice(i, i + 64).sort(compare), compare);
  expect(rows).toEqual([...all].sort(compare));
});

test('100,000 names in pages of 1,000 take well under a second', () => {
  const compare = comparer<Sortable>({ by: 'name', down: false });
  const start = performance.now();
  let rows: ReturnType<typeof row<Sortable>>[] = [];
  for (let p = 0; p < 100; p++) {
    const page = Array.from({ length: 1000 }, (_, i) => row(entry(`file-${p * 1000 + i}.dat`))).sort(compare);
    rows = merge(rows, page, compare);
  }
  expect(rows.length).toBe(100_000);
  expect(rows[99_999]?.entry.name).toBe('file-99999.dat');
  expect(performance.now() - start).toBeLessThan(3000);
});

test('by the kind that is shown, not by what the server calls it', () => {
  const all = [entry('a.json', { type: 'application/json' }), entry('b.pdf', { type: 'application/pdf' }), entry('c.css', { type: 'text/css' })];
  expect(sorted(all, { by: 'type', down: false })).toEqual(['a.json', 'c.css', 'b.pdf']);
});

test('100,000 entries are sorted by kind in well under a second', () => {
  const all = Array.from({ length: 100_000 }, (_, i) => row(entry(`f${i}.${['txt', 'png', 'tar.gz', 'go'][i % 4]}`, { type: 'application/octet-stream' })));
  const start = performance.now();
  all.sort(comparer({ by: 'type', down: false }));
  expect(performance.now() - start).toBeLessThan(3000);
  expect(all[0]?.entry.name).toBe('f2.tar.gz');
});
