import { expect, test } from 'vitest';
import { Rate } from './rate';

test('a steady flow is its rate, and the time left follows', () => {
  const r = new Rate();
  for (let t = 0; t <= 5000; t += 500) r.add(t ? 500_000 : 0, t);
  expect(r.perSecond(5000)).toBeCloseTo(1_000_000);
  expect(r.left(10_000_000, 5000)).toBeCloseTo(10);
});

test('nothing is claimed before it is known', () => {
  const r = new Rate();
  expect(r.left(1, 0)).toBeNull();
  r.add(0, 0);
  r.add(1000, 500);
  expect(r.left(1000, 500)).toBeNull();
});

test('one slow piece moves the rate only a little', () => {
  const r = new Rate();
  for (let t = 0; t <= 10_000; t += 500) r.add(t ? 500_000 : 0, t);
  r.add(0, 10_500);
  expect(r.perSecond(10_500)).toBeGreaterThan(900_000);
});

test('silence ends the claim; a pause keeps what was learnt', () => {
  const r = new Rate();
  for (let t = 0; t <= 4000; t += 500) r.add(t ? 500_000 : 0, t);
  expect(r.left(1, 60_000)).toBeNull();
  r.stop();
  expect(r.perSecond(60_000)).toBe(0);
  r.add(0, 100_000);
  expect(r.perSecond(100_000)).toBeCloseTo(1_000_000);
});
