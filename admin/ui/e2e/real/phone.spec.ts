import type { Locator, Page } from '@playwright/test';
import { password } from './cluster';
import { expect, pill, test } from './test';

// The cluster in one's pocket: no windows, one app over the whole screen, and
// what has to be done is done from there.
test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
test.describe.configure({ timeout: 90_000 });

const bar = (page: Page): Locator => page.getByRole('navigation', { name: 'Taskbar' });
const width = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);

// shown says that an app fills the screen between the head and the bar.
async function shown(page: Page, app: string, inside: Locator): Promise<void> {
  await expect(inside.first()).toBeVisible();
  const main = await page.getByRole('main', { name: app, exact: true }).boundingBox();
  expect(main, app).toMatchObject({ x: 0, width: page.viewportSize()?.width });
  expect(await width(page), app).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0);
}

// inside is something that only the app itself shows.
const inside = (page: Page): Record<string, Locator> => ({
  Overview: page.getByRole('heading', { name: 'Checks' }),
  Nodes: page.getByRole('grid', { name: 'Nodes' }).getByText('disk3', { exact: true }),
  Replication: page.getByRole('tabpanel', { name: 'Now' }).getByRole('heading', { name: 'Copies' }),
  Files: page.getByRole('grid', { name: /^Contents of/ }),
  Activity: page.getByRole('tab', { name: 'Audit' }),
  Performance: page.getByRole('main', { name: 'Performance' }).getByRole('heading'),
  Topology: page.getByRole('main', { name: 'Topology' }).getByText('disk3', { exact: true }),
  Users: page.getByRole('main', { name: 'Users' }).getByRole('searchbox'),
  Settings: page.getByRole('main', { name: 'Settings' }).getByRole('searchbox'),
  Connect: page.getByRole('main', { name: 'Connect' }).getByText(/Windows|macOS|Linux/),
  Help: page.getByRole('main', { name: 'Help' }).getByRole('searchbox'),
});

test('sign in by hand, the verdict in sight, every app over the whole screen', async ({ page, cluster, person, faults }) => {
  await cluster.dav('MKCOL', '/Photos');
  await page.goto(cluster.admin);
  await page.getByLabel('User name').tap();
  await page.keyboard.insertText(person);
  await page.getByLabel('Password').tap();
  await page.keyboard.insertText(password);
  await page.getByRole('button', { name: 'Sign in' }).tap();
  await expect(pill(page)).toHaveAccessibleName('Health: Protected', { timeout: 20_000 });
  await expect(page.getByText('All data has all its copies.').first()).toBeVisible();

  const inBar = ['Overview', 'Nodes', 'Replication', 'Files'];
  for (const app of inBar) {
    await bar(page).getByRole('button', { name: app }).tap();
    await shown(page, app, inside(page)[app] as Locator);
    await expect(bar(page).getByRole('button', { name: app })).toHaveAttribute('aria-current', 'page');
    await expect(pill(page)).toBeVisible();
  }
  for (const app of Object.keys(inside(page)).filter((a) => !inBar.includes(a))) {
    await bar(page).getByRole('button', { name: 'More' }).tap();
    await page.getByRole('region', { name: 'More' }).getByRole('button', { name: app, exact: true }).tap();
    await shown(page, app, inside(page)[app] as Locator);
  }
  for (const button of await bar(page).getByRole('button').all()) expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  expect(faults).toEqual([]);
});

test('a folder is opened, filled and left with a thumb', async ({ page, cluster, ownDesk }) => {
  await cluster.dav('MKCOL', '/Pocket');
  await ownDesk('/d/files');
  const grid = (of: string): Locator => page.getByRole('grid', { name: `Contents of ${of}` });
  await page.getByRole('grid').getByText('Pocket', { exact: true }).tap();
  await expect(page).toHaveURL(/path=(%2F|\/)Pocket/);
  await page.getByRole('button', { name: 'Upload', exact: true }).tap();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('menuitem').first().tap();
  await (await chooser).setFiles({ name: 'from my phone.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
  await expect(grid('Pocket').getByText('from my phone.txt')).toBeVisible({ timeout: 20_000 });
  expect(await (await cluster.dav('GET', '/Pocket/from my phone.txt')).text()).toBe('hello');
  expect(await width(page)).toBeLessThanOrEqual(390);
});

test('a machine dies: seen on the phone, and acted on through its dialog', async ({ page, cluster, ownDesk }) => {
  await ownDesk('/d/nodes');
  const grid = page.getByRole('grid', { name: 'Nodes' });
  await expect(grid.getByText('disk4', { exact: true })).toBeVisible();
  await cluster.kill('disk4');
  try {
    const row = grid.getByRole('row').filter({ hasText: 'disk4' });
    await expect(row.getByText('Down')).toBeVisible({ timeout: 20_000 });
    await row.getByText('disk4', { exact: true }).tap();
    await expect(page.getByText('It is not heard', { exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'More actions' }).tap();
    await page.getByRole('menuitem', { name: 'Maintenance…' }).tap();
    const dialog = page.getByRole('dialog', { name: 'Maintenance for disk4' });
    await dialog.getByRole('combobox', { name: 'For how long' }).selectOption({ index: 1 });
    const box = await dialog.boundingBox();
    expect((box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 999) <= 390, JSON.stringify(box)).toBe(true);
    await dialog.getByRole('button', { name: 'Begin maintenance' }).tap();
    await expect(dialog).toBeHidden();
    await expect(page.getByText(/^Maintenance until/)).toBeVisible();
  } finally {
    await cluster.run('disk4');
  }
  await page.getByRole('button', { name: 'More actions' }).tap();
  await page.getByRole('menuitem', { name: 'Make active again' }).tap();
  await expect(page.getByText(/^Maintenance until/)).toBeHidden();
  await cluster.until('all is as it was', async () => {
    const s = await cluster.status();
    return s.nodes.up === 4 && s.verdict === 'protected';
  });
  await expect(pill(page)).toHaveAccessibleName('Health: Protected', { timeout: 20_000 });
});

test.describe('320 px', () => {
  test.use({ viewport: { width: 320, height: 640 } });

  test('nothing is wider than a small screen', async ({ page, ownDesk }) => {
    await ownDesk();
    await expect(page.getByText('All apps')).toBeVisible();
    expect(await width(page)).toBeLessThanOrEqual(320);
    for (const [app, what] of Object.entries(inside(page))) {
      await bar(page).getByRole('button', { name: 'More' }).tap();
      await page.getByRole('region', { name: 'More' }).getByRole('button', { name: app, exact: true }).tap();
      await shown(page, app, what);
    }
  });
});
