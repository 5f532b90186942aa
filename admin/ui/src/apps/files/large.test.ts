import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Problem } from '../../api/problem';
import { Folder, wholeMost, type ReadPage } from './folder.svelte';
import { Large, pageSize, pagesHeld, shownMost, type Index, type ReadIndex } from './large.svelte';
import type { Entry } from './types';

const entry = (i: number): Entry => ({ name: `f${i}`, path: `/d/f${i}`, dir: false, size: 1, modified: '', created: '', etag: '' });

// A folder of that many entries, which exist only while they are read. Cursors
// are the index of the first entry after them.
function drive(total: number) {
  const reads: string[] = [];
  let counts = 0;
  const read: ReadPage = async (_, cursor, limit) => {
    reads.push(cursor ?? '');
    const from = Number(cursor ?? 0);
    const to = Math.min(total, from + limit);
    return { dir: { ...entry(0), dir: true }, items: Array.from({ length: to - from }, (_, i) => entry(from + i)), next_cursor: to < total ? String(to) : undefined };
  };
  const index: ReadIndex = async (_, cursor) => {
    counts++;
    const from = Number(cursor ?? 0);
    const to = Math.min(total, from + 500 * pageSize); // a walk is bounded
    const cursors: string[] = [];
    for (let i = from + pageSize; i <= to && i < total; i += pageSize) cursors.push(String(i));
    const out: Index = { count: to - from, cursors };
    if (to < total) out.next_cursor = String(to);
    return out;
  };
  return { read, index, reads, counted: () => counts };
}

const signal = (): AbortSignal => new AbortController().signal;
const settled = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(1000);
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a million entries: first and last rows are read by one page each', async () => {
  const d = drive(1_000_000);
  const l = new Large('/d', d.read, d.index);
  expect(await l.count(signal(), wholeMost)).toBe(1_000_000);
  expect([l.total, l.more, d.counted(), d.reads.length]).toEqual([1_000_000, false, 2, 0]);
  l.want(0, 30);
  await settled();
  expect([l.at(0)?.name, l.at(999)?.name, l.at(1000)]).toEqual(['f0', 'f999', undefined]);
  l.want(999_970, 1_000_000);
  await settled();
  expect([l.at(999_999)?.name, l.at(999_000)?.name]).toEqual(['f999999', 'f999000']);
  expect(d.reads).toEqual(['', '999000']);
});

test('a sight over two pages reads both', async () => {
  const d = drive(200_000);
  const l = new Large('/d', d.read, d.index);
  await l.count(signal());
  l.want(2990, 3010);
  await settled();
  expect([l.at(2990)?.name, l.at(3009)?.name]).toEqual(['f2990', 'f3009']);
});

test('what is held is bounded, however far one scrolls; what was dropped comes again', async () => {
  const d = drive(1_000_000);
  const l = new Large('/d', d.read, d.index);
  await l.count(signal());
  for (let i = 0; i < 1_000_000; i += 9_100) {
    l.want(i, i + 30);
    await settled();
    expect(l.at(i + 29)?.name).toBe(`f${i + 29}`);
    expect(l.held).toBeLessThanOrEqual(pagesHeld);
  }
  expect(l.loaded.length).toBeLessThanOrEqual(pagesHeld * pageSize);
  expect(l.at(0)).toBeUndefined();
  l.want(0, 30);
  await settled();
  expect(l.at(0)?.name).toBe('f0');
});

test('pages that only fly past are not read', async () => {
  const d = drive(1_000_000);
  const l = new Large('/d', d.read, d.index);
  await l.count(signal());
  l.want(0, 30);
  await settled();
  for (let i = 0; i < 900_000; i += 10_000) l.want(i, i + 30);
  await settled();
  expect(d.reads).toEqual(['', '890000']);
});

test('a reading that fails is made again when it is in sight again', async () => {
  const d = drive(200_000);
  let broken = true;
  const l = new Large('/d', async (...of) => (broken ? Promise.reject(new Error('no answer')) : d.read(...of)), d.index);
  await l.count(signal());
  l.want(0, 30);
  await settled();
  expect(l.at(0)).toBeUndefined();
  broken = false;
  l.want(0, 31);
  await settled();
  expect(l.at(0)?.name).toBe('f0');
});

test('reading again reads what is in sight, and counts only now and then', async () => {
  const d = drive(300_000);
  let now = 0;
  const l = new Large('/d', d.read, d.index, () => now);
  await l.count(signal());
  l.want(0, 30);
  await settled();
  l.want(50_000, 50_030);
  await settled();
  d.reads.length = 0;
  await l.refresh(signal());
  expect([d.reads, d.counted(), l.held]).toEqual([['50000'], 1, 1]);
  now = 60_000;
  await l.refresh(signal());
  expect(d.counted()).toBe(2);
});

test('more than a browser can scroll to is said, not shown', async () => {
  const d = drive(3_000_000);
  const l = new Large('/d', d.read, d.index);
  await l.count(signal());
  expect([l.total, l.more]).toEqual([shownMost, true]);
});

test('after it is closed nothing is read', async () => {
  const d = drive(200_000);
  const l = new Large('/d', d.read, d.index);
  await l.count(signal());
  l.close();
  l.want(0, 30);
  await settled();
  expect(d.reads).toEqual([]);
});

test('a folder turns large above its bound, and whole in another one', async () => {
  const big = drive(wholeMost + 1);
  const small = drive(2500);
  const of = (path: string) => (path === '/big' ? big : small);
  const f = new Folder((path, ...rest) => of(path).read(path, ...rest), (path, ...rest) => of(path).index(path, ...rest));
  await f.open('/big');
  expect([f.large?.total, f.rows.length, f.complete, f.loading]).toEqual([wholeMost + 1, 0, true, false]);
  f.large?.want(0, 30);
  await settled();
  expect([f.has('f5'), f.has('f99999')]).toEqual([true, false]);
  const before = big.reads.length;
  await f.refresh();
  expect(big.reads.length).toBe(before + 1);
  f.sort({ by: 'size', down: true });
  expect(f.rows).toEqual([]);
  await f.open('/small');
  expect([f.large, f.rows.length]).toEqual([null, 2500]);
  f.sort({ by: 'name', down: true });
  expect(f.rows[0]?.entry.name).toBe('f2499');
});

test('exactly at its bound a folder is whole', async () => {
  const d = drive(wholeMost);
  const f = new Folder(d.read, d.index);
  await f.open('/d');
  expect([f.large, f.rows.length]).toEqual([null, wholeMost]);
});

test('a folder that cannot be counted is read as far as it can be held', async () => {
  const index: ReadIndex = async () => Promise.reject(new Problem(503, 'No nameserver'));
  const small = drive(5000);
  const f = new Folder(small.read, index);
  await f.open('/d');
  expect([f.rows.length, f.error]).toEqual([5000, null]);
  const big = drive(wholeMost + 5000);
  const g = new Folder(big.read, index);
  await g.open('/d');
  expect(g.error?.title).toBe('No nameserver');
  expect(g.rows.length).toBeLessThanOrEqual(wholeMost + pageSize);
});
