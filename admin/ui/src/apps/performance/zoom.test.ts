import { expect, test } from 'vitest';
import { beside, bounds, closer, wider, within } from './zoom';

const times = Array.from({ length: 101 }, (_, i) => 1000 + i * 10); // 1000 to 2000

test('looking closer halves what is seen, around a time, inside the range', () => {
  expect(closer(times, null, 1500)).toEqual({ from: 1250, to: 1750 });
  expect(closer(times, null, 1000)).toEqual({ from: 1000, to: 1500 });
  expect(closer(times, { from: 1400, to: 1600 }, 1600)).toEqual({ from: 1550, to: 1650 });
  expect(closer([], null, 5)).toBeNull();
  expect(closer([5], null, 5)).toBeNull();
});

test('looking closer ends where a few points are left', () => {
  let zoom = closer(times, null, 1500);
  for (let i = 0; i < 20; i++) zoom = closer(times, zoom, 1500);
  expect(zoom).toEqual({ from: 1480, to: 1520 });
});

test('seeing more ends with all of it', () => {
  expect(wider(times, { from: 1400, to: 1500 })).toEqual({ from: 1350, to: 1550 });
  expect(wider(times, { from: 1000, to: 1100 })).toEqual({ from: 1000, to: 1200 });
  expect(wider(times, { from: 1200, to: 1800 })).toBeNull();
});

test('moving on stops at the ends', () => {
  expect(beside(times, { from: 1400, to: 1600 }, 1)).toEqual({ from: 1500, to: 1700 });
  expect(beside(times, { from: 1050, to: 1250 }, -1)).toEqual({ from: 1000, to: 1200 });
  expect(beside(times, { from: 1850, to: 1950 }, 1)).toEqual({ from: 1900, to: 2000 });
});

test('what is in sight', () => {
  expect(within([10, 20, 30], { from: 15, to: 30 })).toEqual([1, 2]);
  expect(within([10, 20], null)).toEqual([0, 1]);
  expect(bounds([10, 20, 30], { from: 15, to: 30 })).toEqual({ first: 1, last: 2 });
  expect(bounds([10, 20, 30], null)).toEqual({ first: 0, last: 2 });
  expect(bounds([10, 20, 30], { from: 11, to: 12 })).toEqual({ first: 0, last: 2 });
  expect(bounds([], null)).toEqual({ first: 0, last: 0 });
});
