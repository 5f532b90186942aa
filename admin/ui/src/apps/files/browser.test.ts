import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Browser } from './browser.svelte';
import { changed } from './changes';
import type { Page } from './folder.svelte';
import type { Entry } from './types';

const entry = (path: string, dir = false): Entry => ({ name: path.slice(path.lastIndexOf('/') + 1), path, dir, size: 1, modified: '2026-01-01T00:00:00Z', created: '', etag: '1' });

// A drive whose folders are read when the test says so.
let drive: Record<string, string[]>;
let reads: { path: string; give: () => void }[];
let held: boolean;
let browser: Browser;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  drive = { '/': ['a', 'b'], '/a': ['x', 'y'] };
  reads = [];
  held = false;
  browser = new Browser((path) => {
    const page = (): Page => ({ dir: entry(path, true), items: (drive[path] ?? []).map((n) => entry(path === '/' ? `/${n}` : `${path}/${n}`, path === '/')) });
    if (!held) return Promise.resolve(page());
    return new Promise((done) => reads.push({ path, give: () => done(page()) }));
  });
  stop = browser.listen();
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const names = (): string => browser.entries.map((e) => e.name).join('');

test('into a folder and up again, with the one it came from selected', async () => {
  browser.go('/a');
  await settle();
  expect(names()).toBe('xy');
  browser.up();
  await settle();
  expect([browser.path, [...browser.selected]]).toEqual(['/', ['/a']]);
  browser.back();
  await settle();
  expect(browser.path).toBe('/a');
});

test('what is shown from elsewhere is found by its whole path', async () => {
  browser.show('/a/y');
  await settle();
  expect([browser.path, [...browser.selected]]).toEqual(['/a', ['/a/y']]);
});

test('changes while a folder is read do not start it over, and are seen afterwards', async () => {
  browser.go('/a');
  await settle();
  held = true;
  for (let i = 0; i < 10; i++) {
    drive['/a']?.push(`n${i}`);
    changed('/a');
    await vi.advanceTimersByTimeAsync(400);
  }
  expect(reads).toHaveLength(1);
  reads[0]?.give();
  await settle();
  expect(reads).toHaveLength(2); // once for all that came meanwhile
  reads[1]?.give();
  await settle();
  expect(names()).toContain('n9');
  changed('/elsewhere');
  await vi.advanceTimersByTimeAsync(400);
  expect(reads).toHaveLength(2);
});

test('what is no longer there is no longer selected', async () => {
  browser.go('/a');
  await settle();
  browser.selected = new Set(['/a/x', '/a/y']);
  drive['/a'] = ['y'];
  await browser.reload();
  expect([...browser.selected]).toEqual(['/a/y']);
  expect(browser.chosen.map((e) => e.name)).toEqual(['y']);
});

test('a new name beside those that are taken', async () => {
  browser.go('/a');
  await settle();
  expect(browser.free('z', (n) => `z${n}`)).toBe('/a/z');
  expect(browser.free('x', (n) => (n === 2 ? 'y' : `x${n}`))).toBe('/a/x3');
});

test('an entry that was made or renamed is selected at once', async () => {
  browser.go('/a');
  await settle();
  browser.arrive(entry('/a/w'), '/a/x');
  expect([names(), [...browser.selected]]).toEqual(['wy', ['/a/w']]);
});
