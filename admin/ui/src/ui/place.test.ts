import { expect, test } from 'vitest';
import { spot } from './place';

const screen = { w: 1000, h: 700 };
const box = (x: number, y: number, w = 100, h = 30) => ({ left: x, top: y, right: x + w, bottom: y + h });

test('below its anchor, or above it where there is no room', () => {
  expect(spot(box(50, 50), { w: 200, h: 300 }, screen)).toEqual({ x: 50, y: 84 });
  expect(spot(box(50, 660), { w: 200, h: 300 }, screen)).toEqual({ x: 50, y: 356 });
});

test('never outside of the screen', () => {
  expect(spot(box(950, 50, 40), { w: 200, h: 300 }, screen).x).toBe(790);
  expect(spot(box(-50, 300), { w: 200, h: 690 }, screen)).toEqual({ x: 8, y: 8 });
  expect(spot(box(0, 680, 0, 0), { w: 1200, h: 20 }, screen).x).toBe(8);
});
