import { expect, test } from 'vitest';
import { daysLeft, known, last } from './facts';

test('draining and maintenance are not counted twice', () => {
  expect(known({ up: 3, suspect: 1, down: 1, unknown: 0, draining: 2, maintenance: 1 })).toBe(5);
});

test('the forecast is rounded down', () => {
  expect(daysLeft(4.9)).toBe(4);
  expect(daysLeft(null)).toBe(null);
});

test('the newest figure that is there', () => {
  expect(last([1, 3, null])).toEqual({ now: 3, most: 3 });
  expect(last([null])).toEqual({ now: null, most: null });
});
