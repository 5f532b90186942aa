import { beforeEach, expect, test } from 'vitest';
import { Windows } from './windows.svelte';

const size = { w: 600, h: 400 };
let desk: Windows;

beforeEach(() => {
  desk = new Windows();
});

test('the same app with the same parameters is one window', () => {
  const a = desk.open('nodes', size, { id: 'a', tab: 'disks' });
  expect(desk.open('nodes', size, { tab: 'disks', id: 'a' })).toBe(a);
  expect(desk.open('nodes', size, { id: 'b' })).not.toBe(a);
  expect(desk.open('nodes', size, { id: 'b' }, { fresh: true })).not.toBe(desk.list[1]);
  expect(desk.list).toHaveLength(3);
});

test('the last one used is in front, a minimised one never', () => {
  const a = desk.open('a', size);
  const b = desk.open('b', size);
  expect(desk.top).toBe(b);
  desk.focus(a);
  expect(desk.top).toBe(a);
  desk.minimise(a);
  expect(desk.top).toBe(b);
  desk.focus(a);
  expect(a.min).toBe(false);
  desk.close(a);
  desk.close(b);
  expect(desk.top).toBeNull();
});

test('a snap is left to where the window was', () => {
  const w = desk.open('a', size);
  const before = w.rect;
  desk.snap(w, 'left');
  desk.snap(w, 'top-left');
  expect(w.rect).toEqual({ x: 0, y: 0, w: 640, h: 360 });
  desk.unsnap(w);
  expect(w.rect).toEqual(before);
  desk.toggleMax(w);
  expect(w.snap).toBe('max');
  desk.toggleMax(w);
  expect(w.rect).toEqual(before);
});

test('moving and resizing end a snap and keep to the area', () => {
  const w = desk.open('a', size);
  desk.snap(w, 'right');
  desk.move(w, 0, 5000);
  expect(w.snap).toBeNull();
  expect(w.rect.y).toBe(680);
  desk.resize(w, 'se', -5000, -5000);
  expect(w.rect).toMatchObject({ w: 320, h: 200 });
});

test('windows follow a screen that shrinks', () => {
  const a = desk.open('a', size);
  const b = desk.open('b', size);
  desk.snap(a, 'max');
  desk.place(b, { x: 1000, y: 600, w: 600, h: 400 });
  desk.fit({ x: 0, y: 0, w: 800, h: 500 });
  expect(a.rect).toEqual({ x: 0, y: 0, w: 800, h: 500 });
  expect(b.rect.x).toBeLessThanOrEqual(680);
  expect(b.rect.y).toBeLessThanOrEqual(460);
});

test('next goes through all, back returns', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((app) => desk.open(app, size));
  expect(desk.next()).toBe(a);
  expect(desk.next()).toBe(b);
  expect(desk.next()).toBe(c);
  expect(desk.next(true)).toBe(b);
  expect(desk.next(true)).toBe(a);
  desk.showDesk();
  expect(desk.next()).toBeNull();
});

test('however often one goes back, no window falls behind the desk', () => {
  for (const app of ['a', 'b', 'c', 'd']) desk.open(app, size);
  const seen = Array.from({ length: 12 }, () => desk.next(true)?.app).join('');
  expect(seen).toBe('cbadcbadcbad');
  for (const w of desk.list) expect(w.z).toBeGreaterThan(0);
  const fresh = desk.open('e', size);
  expect(desk.top).toBe(fresh);
});

// Whatever is done to windows, they stay where they can be reached, one is in
// front, and it is the one that was used last.
test('any order of acts leaves every window usable', () => {
  let x = 7;
  const chance = (n: number): number => ((x = (x * 1103515245 + 12345) >>> 0), (x >>> 8) % n);
  const snaps = ['left', 'right', 'top-left', 'bottom-right', 'max'] as const;
  for (let round = 0; round < 2000; round++) {
    const w = desk.list[chance(desk.list.length || 1)];
    const by = (): number => chance(4000) - 2000;
    const act = chance(11);
    if (act === 0 || !w) desk.open('a', { w: chance(2000), h: chance(2000) }, { n: String(chance(40)) });
    else if (act === 1) desk.close(w);
    else if (act === 2) desk.move(w, by(), by());
    else if (act === 3) desk.resize(w, (['n', 's', 'e', 'w', 'ne', 'nw', 'se', 'sw'] as const)[chance(8)] ?? 'se', by(), by());
    else if (act === 4) desk.snap(w, snaps[chance(5)] ?? 'max');
    else if (act === 5) desk.unsnap(w);
    else if (act === 6) desk.minimise(w);
    else if (act === 7) desk.fit({ x: 0, y: 0, w: 320 + chance(2000), h: 240 + chance(1200) });
    else if (act === 8) desk.next(chance(2) === 0);
    else if (act === 9) desk.toggleMax(w);
    else desk.focus(w);
    const { area } = desk;
    for (const v of desk.list) {
      expect(v.rect.y).toBeGreaterThanOrEqual(area.y);
      expect(v.rect.y).toBeLessThanOrEqual(area.y + area.h - 40);
      expect(v.rect.x + v.rect.w).toBeGreaterThanOrEqual(area.x + 100);
      expect(v.rect.x).toBeLessThanOrEqual(area.x + area.w - 100);
      expect(v.z).toBeGreaterThan(0);
    }
    const seen = desk.list.filter((v) => !v.min);
    expect(desk.top === null).toBe(seen.length === 0);
    expect(desk.list.length).toBeLessThanOrEqual(24);
  }
});

test('a desk holds a bounded number of windows; minimised ones give way first', () => {
  for (let i = 0; i < 24; i++) desk.open('a', size, { i: String(i) });
  const min = desk.list[7];
  if (min) desk.minimise(min);
  desk.open('a', size, { i: 'one more' });
  expect(desk.list).toHaveLength(24);
  expect(desk.list).not.toContain(min);
});
