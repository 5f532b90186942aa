import { expect, test } from 'vitest';
import { back, begin, forward, go } from './trail';

test('back and forward', () => {
  let t = go(go(begin('/'), '/a'), '/a/b');
  expect((t = back(t)).here).toBe('/a');
  expect((t = forward(t)).here).toBe('/a/b');
  expect(forward(t)).toBe(t);
  t = back(back(t));
  expect(t).toEqual({ past: [], here: '/', future: ['/a', '/a/b'] });
  expect(back(t)).toBe(t);
});

test('going elsewhere forgets what was ahead', () => {
  const t = go(back(go(begin('/'), '/a')), '/b');
  expect(t).toEqual({ past: ['/'], here: '/b', future: [] });
});

test('staying is no step, and the past is bounded', () => {
  let t = begin('/0');
  expect(go(t, '/0')).toBe(t);
  for (let i = 1; i < 300; i++) t = go(t, `/${i}`);
  expect(t.past.length).toBe(100);
});
