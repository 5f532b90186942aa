import { verdicts } from './fixture/cluster';
import { expect, test } from './fixture/test';

// What a person arranges for the next time and for others: apps that stay in the
// taskbar, a link to all windows, times in UTC, notifications of the browser.

test('an app stays in the taskbar, opens from there, and comes back with the page', async ({ page, server, desk }) => {
  await desk();
  await page.locator('#icons').getByRole('button', { name: 'Files' }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Keep in the taskbar' }).click();
  const bar = page.getByRole('navigation', { name: 'Taskbar' });
  const kept = bar.getByRole('button', { name: 'Files', exact: true });
  await expect(kept).toBeVisible();
  await expect.poll(() => JSON.stringify(server.desktop)).toContain('"kept":["files"]');
  await page.reload();
  await kept.click();
  await expect(page).toHaveURL(/\/d\/files/);
  await expect(bar.getByRole('button', { name: /^Drive/ })).toBeVisible();
  await bar.getByRole('button', { name: /^Drive/ }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Remove from the taskbar' }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(kept).toBeHidden();
});

test('a link to all windows opens them elsewhere, and what was there comes back', async ({ page, context, origin, desk }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await desk('/d/help/glossary');
  await page.locator('#icons').getByRole('button', { name: 'Connect' }).dblclick();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Apps, nodes, files and actions' }).fill('link to all');
  await page.keyboard.press('Enter');
  await expect(page.getByText('The link to all windows is copied')).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toContain(`${origin}/?layout=`);
  // Somebody who has another window open follows it.
  await page.getByRole('region', { name: 'Help' }).getByRole('button', { name: 'Close' }).click();
  await page.getByRole('region', { name: 'Connect' }).getByRole('button', { name: 'Close' }).click();
  await page.locator('#icons').getByRole('button', { name: 'Overview' }).dblclick();
  await page.goto(link);
  await expect(page.getByRole('region', { name: 'Help', exact: true })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Connect', exact: true })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Overview', exact: true })).toBeHidden();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('region', { name: 'Overview', exact: true })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Help', exact: true })).toBeHidden();
});

test('a broken link opens the desk as it was', async ({ page, desk }) => {
  await desk('/?layout=not*one');
  await expect(page.locator('#icons').getByRole('button', { name: 'Files' })).toBeVisible();
});

test.describe('elsewhere on earth', () => {
  test.use({ timezoneId: 'Asia/Tokyo' });

  test('one press of the clock tells all times in UTC', async ({ page, server, desk }) => {
    server.report = verdicts.at_risk();
    await desk('/d/overview');
    const told = page.getByText(/as of \d\d:\d\d:\d\d/).first();
    const hour = async (): Promise<number> => Number(/as of (\d\d)/.exec((await told.textContent()) ?? '')?.[1]);
    const local = await hour();
    await page.getByRole('navigation', { name: 'Taskbar' }).getByRole('button').filter({ has: page.locator('time') }).click();
    await expect.poll(hour).toBe((local + 15) % 24);
  });
});

test('who asked for it is told by the browser when it gets worse unseen', async ({ page, context, server, desk, origin }) => {
  await context.grantPermissions(['notifications'], { origin });
  await page.addInitScript(() => {
    const told: string[] = [];
    Object.assign(window, { told });
    class Note {
      static permission = 'granted';
      static requestPermission = async (): Promise<string> => 'granted';
      constructor(title: string) {
        told.push(title);
      }
    }
    Object.assign(window, { Notification: Note });
    let hidden = false;
    Object.defineProperty(document, 'hidden', { get: () => hidden });
    addEventListener('look-away', () => (hidden = true));
  });
  await desk();
  await page.getByRole('button', { name: /^Menu of admin|admin/ }).last().click();
  await page.getByRole('menuitem', { name: 'Preferences' }).click();
  await page.getByRole('switch', { name: 'Notifications of the browser' }).check();
  await page.keyboard.press('Escape');
  server.turn(verdicts.at_risk());
  await expect(page.getByRole('button', { name: /^Health: At risk/ })).toBeVisible();
  await page.evaluate(() => dispatchEvent(new Event('look-away')));
  server.turn(verdicts.unavailable());
  await expect.poll(() => page.evaluate(() => (window as unknown as { told: string[] }).told)).toEqual(['Data unavailable – attic']);
});
