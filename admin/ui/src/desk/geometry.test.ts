import { describe, expect, test } from 'vitest';
import { cascade, clamp, fromShare, resize, snapAt, snapBy, snapRect, toShare, type Edge, type Snap } from './geometry';

const area = { x: 0, y: 0, w: 1280, h: 720 };

describe('clamp', () => {
  test('the title bar stays reachable', () => {
    expect(clamp({ x: 0, y: 9999, w: 400, h: 300 }, area).y).toBe(680);
    expect(clamp({ x: 0, y: -50, w: 400, h: 300 }, area).y).toBe(0);
    expect(clamp({ x: 9999, y: 0, w: 400, h: 300 }, area).x).toBe(1160);
    expect(clamp({ x: -9999, y: 0, w: 400, h: 300 }, area).x).toBe(-280);
  });

  test('neither too small nor larger than the area', () => {
    expect(clamp({ x: 0, y: 0, w: 1, h: 1 }, area)).toMatchObject({ w: 320, h: 200 });
    expect(clamp({ x: 0, y: 0, w: 5000, h: 5000 }, area)).toMatchObject({ w: 1280, h: 720 });
  });
});

describe('resize', () => {
  const r = { x: 100, y: 100, w: 500, h: 400 };

  test('the opposite edge stays', () => {
    expect(resize(r, 'nw', -50, -20, area)).toEqual({ x: 50, y: 80, w: 550, h: 420 });
    expect(resize(r, 'se', 30, 10, area)).toEqual({ x: 100, y: 100, w: 530, h: 410 });
  });

  test.each<Edge>(['n', 's', 'e', 'w', 'ne', 'nw', 'se', 'sw'])('%s stops at the smallest size', (edge) => {
    const sign = (neg: string): number => (edge.includes(neg) ? 1 : -1);
    const out = resize(r, edge, sign('w') * 9999, sign('n') * 9999, area);
    expect(out.w).toBeGreaterThanOrEqual(320);
    expect(out.h).toBeGreaterThanOrEqual(200);
    if (edge.includes('w')) expect(out.x + out.w).toBe(600);
    if (edge.includes('n')) expect(out.y + out.h).toBe(500);
  });

  test('the title bar is not pulled out of sight', () => {
    expect(resize(r, 'n', 0, -500, area)).toMatchObject({ y: 0, h: 500 });
  });
});

describe('snap', () => {
  test('halves and quarters cover the area', () => {
    const odd = { x: 0, y: 0, w: 1281, h: 721 };
    expect(snapRect('left', odd).w + snapRect('right', odd).w).toBe(1281);
    const four: Snap[] = ['top-left', 'top-right', 'bottom-left', 'bottom-right'];
    expect(four.map((s) => snapRect(s, odd)).reduce((sum, r) => sum + r.w * r.h, 0)).toBe(1281 * 721);
    expect(snapRect('max', odd)).toEqual(odd);
  });

  test('a corner beats an edge', () => {
    expect(snapAt(0, 0, area)).toBe('top-left');
    expect(snapAt(0, 40, area)).toBe('top-left');
    expect(snapAt(1279, 719, area)).toBe('bottom-right');
    expect(snapAt(0, 719, area)).toBe('bottom-left');
    expect(snapAt(1279, 3, area)).toBe('top-right');
    expect(snapAt(600, 2, area)).toBe('max');
    expect(snapAt(3, 300, area)).toBe('left');
    expect(snapAt(1275, 300, area)).toBe('right');
    expect(snapAt(600, 719, area)).toBeNull();
    expect(snapAt(600, 300, area)).toBeNull();
  });

  test('arrow keys walk through the snaps', () => {
    expect(snapBy(null, 'left')).toBe('left');
    expect(snapBy('left', 'up')).toBe('top-left');
    expect(snapBy('top-left', 'down')).toBe('left');
    expect(snapBy('left', 'down')).toBe('bottom-left');
    expect(snapBy('bottom-left', 'up')).toBe('left');
    expect(snapBy('left', 'right')).toBe('restore');
    expect(snapBy(null, 'up')).toBe('max');
    expect(snapBy('max', 'down')).toBe('restore');
    expect(snapBy(null, 'down')).toBe('minimise');
  });
});

test('cascade stays inside, and neighbours differ', () => {
  for (let i = 0; i < 60; i++) {
    const r = cascade(i, { w: 800, h: 500 }, area);
    expect(r.x).toBeGreaterThanOrEqual(0);
    expect(r.x + r.w).toBeLessThanOrEqual(1280);
    expect(r.y + r.h).toBeLessThanOrEqual(720);
  }
  expect(cascade(0, { w: 800, h: 500 }, area)).not.toEqual(cascade(1, { w: 800, h: 500 }, area));
  expect(cascade(3, { w: 5000, h: 5000 }, area)).toMatchObject({ w: 1248, h: 696 });
});

test('shares bring a layout to another screen', () => {
  const r = { x: 320, y: 180, w: 640, h: 360 };
  expect(fromShare(toShare(r, area), area)).toEqual(r);
  expect(fromShare(toShare(r, area), { x: 0, y: 0, w: 2560, h: 1440 })).toEqual({ x: 640, y: 360, w: 1280, h: 720 });
  expect(fromShare(toShare(r, area), { x: 0, y: 0, w: 500, h: 400 })).toMatchObject({ w: 320, h: 200 });
});
