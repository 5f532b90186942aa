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

test('a desk holds a bounded number of windows; minimised ones give way first', () => {
  for (let i = 0; i < 24; i++) desk.open('a', size, { i: String(i) });
  const min = desk.list[7];
  if (min) desk.minimise(min);
  desk.open('a', size, { i: 'one more' });
  expect(desk.list).toHaveLength(24);
  expect(desk.list).not.toContain(min);
});
