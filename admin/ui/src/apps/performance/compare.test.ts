import { expect, test } from 'vitest';
import { aligned, change, keeps, offsetOf } from './compare';

test('how much earlier', () => {
  expect(offsetOf('none', '1h')).toBeNull();
  expect(offsetOf('prior', '6h')).toBe(21_600);
  expect(offsetOf('day', '5m')).toBe(86_400);
});

test('what is not kept is not asked for', () => {
  expect(keeps('prior', '24h', false)).toBe(true);
  expect(keeps('day', '24h', false)).toBe(true);
  expect(keeps('prior', '7d', false)).toBe(false);
  expect(keeps('day', '7d', false)).toBe(false);
  expect(keeps('prior', '6h', true)).toBe(true);
  expect(keeps('day', '5m', true)).toBe(false);
  expect(keeps('none', '7d', true)).toBe(true);
});

test('an earlier column lies under the times of now, also when its points are longer', () => {
  const fine = { step_seconds: 10, times: [40, 50, 60], columns: [] };
  expect(aligned([100, 110, 120], fine, [1, null, 3], 60)).toEqual([1, null, 3]);
  const coarse = { step_seconds: 60, times: [0, 60], columns: [] };
  expect(aligned([3600, 3650, 3660, 3710, 3720, 3590], coarse, [5, 6], 3600)).toEqual([5, 5, 6, 6, null, null]);
  expect(aligned([1, 2], { step_seconds: 10, times: [], columns: [] }, [], 60)).toEqual([null, null]);
  expect(aligned([1], { step_seconds: 0, times: [1], columns: [] }, [4], 0)).toEqual([null]);
});

test('a change wants something to compare with', () => {
  expect(change(3, 2)).toBeCloseTo(0.5);
  expect(change(0, 2)).toBe(-1);
  expect([change(3, 0), change(3, null), change(null, 3), change(3, undefined)]).toEqual([null, null, null, null]);
});
