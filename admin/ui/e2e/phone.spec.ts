import { verdicts } from './fixture/cluster';
import { expect, test } from './fixture/test';

// Below 768 px: one app over all of the screen, a bar at the bottom.
test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

test('the bar opens apps, closing returns, everything is within reach of a thumb', async ({ page, server, desk }) => {
  server.report = verdicts.at_risk();
  await desk();
  await expect(page.getByText(verdicts.at_risk().sentence)).toBeVisible();
  const bar = page.getByRole('navigation', { name: 'Taskbar' });
  await bar.getByRole('button', { name: 'Nodes' }).tap();
  await expect(page).toHaveURL(/\/d\/nodes/);
  await expect(page.getByRole('heading', { name: 'Nodes' })).toBeVisible();
  await expect(page.getByText('loft-2')).toBeVisible();
  await bar.getByRole('button', { name: 'More' }).tap();
  await page.getByRole('region', { name: 'More' }).getByRole('button', { name: 'Help' }).tap();
  await expect(page).toHaveURL(/\/d\/help/);
  await page.getByRole('button', { name: 'Close' }).tap();
  await expect(page.getByRole('heading', { name: 'Nodes' })).toBeVisible();
  await page.getByRole('button', { name: 'Close' }).tap();
  await expect(page.getByRole('heading', { name: 'All apps' })).toBeVisible();
  for (const button of await bar.getByRole('button').all()) {
    const box = await button.boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(44);
  }
});

test('nothing is wider than the screen', async ({ page, desk }) => {
  for (const path of ['/', '/d/nodes', '/d/overview']) {
    await desk(path);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  }
});

test('the same address is a window again on a wide screen', async ({ page, desk }) => {
  await desk('/d/nodes');
  await expect(page.getByText('loft-2')).toBeVisible();
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect(page.getByRole('region', { name: 'Nodes' })).toBeVisible();
});
