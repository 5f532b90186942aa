import type { CDPSession, Page } from '@playwright/test';
import { box, win, type Point } from '../fixture/windows';
import { expect, test } from './test';

// Windows under a finger, on a tablet.
test.use({ viewport: { width: 1180, height: 820 }, hasTouch: true });
test.describe.configure({ timeout: 60_000 });

// finger goes from one point to the other, as the glass tells it, and rests there
// before it is lifted: else the browser takes it for a throw, and the next tap for
// the hand that stops it.
async function finger(page: Page, glass: CDPSession, from: Point, to: Point): Promise<void> {
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', at?: Point) => glass.send('Input.dispatchTouchEvent', { type, touchPoints: at ? [at] : [] });
  await touch('touchStart', from);
  for (let i = 1; i <= 5; i++) await touch('touchMove', { x: from.x + ((to.x - from.x) * i) / 5, y: from.y + ((to.y - from.y) * i) / 5 });
  await page.evaluate(() => new Promise<void>((done) => {
    let frames = 12;
    const next = (): void => void (frames-- > 0 ? requestAnimationFrame(next) : done());
    next();
  }));
  await touch('touchMove', to);
  await touch('touchEnd');
}

const kinds = (page: Page): Promise<string[]> => page.evaluate(() => [...(globalThis as unknown as { pointers: Set<string> }).pointers]);

test('a finger opens, moves, sizes and snaps a window', async ({ page, ownDesk }) => {
  await page.addInitScript(() => {
    const pointers = new Set<string>();
    Object.assign(globalThis, { pointers });
    addEventListener('pointerdown', (e) => pointers.add(e.pointerType), true);
  });
  await ownDesk();
  const glass = await page.context().newCDPSession(page);
  await page.locator('#icons').getByRole('button', { name: 'Help', exact: true }).tap();
  const help = win(page, 'Help');
  await expect(help).toBeVisible();
  const first = await box(help);
  const bar = { x: first.x + first.width / 2 + 60, y: first.y + 18 };
  await finger(page, glass, bar, { x: bar.x - 60, y: bar.y + 40 });
  await expect.poll(() => box(help)).toEqual({ ...first, x: first.x - 60, y: first.y + 40 });

  const corner = { x: first.x - 60 + first.width - 4, y: first.y + 40 + first.height - 4 };
  await finger(page, glass, corner, { x: corner.x - 120, y: corner.y - 80 });
  const small = { x: first.x - 60, y: first.y + 40, width: first.width - 120, height: first.height - 80 };
  await expect.poll(() => box(help)).toEqual(small);

  await finger(page, glass, { x: small.x + small.width / 2 + 60, y: small.y + 18 }, { x: 1178, y: 400 });
  await expect.poll(() => box(help)).toEqual({ x: 590, y: 0, width: 590, height: 772 });
  await finger(page, glass, { x: 960, y: 18 }, { x: 700, y: 200 });
  await expect.poll(async () => [(await box(help)).width, (await box(help)).height]).toEqual([small.width, small.height]);

  await help.getByRole('button', { name: 'Window menu of Help' }).tap();
  await page.getByRole('menuitemcheckbox', { name: 'Left half' }).or(page.getByRole('menuitem', { name: 'Left half' })).tap();
  await expect.poll(() => box(help)).toEqual({ x: 0, y: 0, width: 590, height: 772 });
  await help.getByRole('button', { name: 'Close' }).tap();
  await expect(help).toHaveCount(0);
  expect(await kinds(page)).toEqual(['touch']);
});

test('every grip and button of a window is wide enough for a finger', async ({ page, ownDesk }) => {
  await ownDesk('/d/help');
  const help = win(page, 'Help');
  await expect(help).toBeVisible();
  for (const corner of ['ne', 'nw', 'se', 'sw']) {
    const b = await box(help.locator(`.grip.${corner}`));
    expect(Math.min(b.width, b.height), corner).toBeGreaterThanOrEqual(24);
  }
  // No grip lies over the middle of a button.
  for (const name of ['Minimise', 'Maximise', 'Close']) {
    const b = await box(help.getByRole('button', { name, exact: true }));
    const at = [[0.5, 0.5], [0.8, 0.5], [0.5, 0.8]].map(([x = 0, y = 0]) => ({ x: b.x + b.width * x, y: b.y + b.height * y }));
    for (const p of at) expect(await page.evaluate(({ x, y }) => document.elementFromPoint(x, y)?.closest('button')?.getAttribute('aria-label'), p), name).toBe(name);
  }
});
