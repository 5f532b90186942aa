import type { Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { session, verdicts } from './fixture/cluster';
import { expect, sound, still, test } from './fixture/test';

// Every state of the desk in light and dark, on a screen and on a phone: axe
// finds nothing, and a picture is kept for people to look at.
const folder = join(import.meta.dirname, 'output/desk');
mkdirSync(folder, { recursive: true });

async function shoot(page: Page, name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await still(page);
    await page.screenshot({ path: join(folder, `${name}.${scheme}.png`) });
    expect(await sound(page), `${name} in ${scheme}`).toEqual([]);
  }
}

const screens = [
  { name: 'desk', use: { viewport: { width: 1440, height: 900 } } },
  { name: 'phone', use: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
] as const;

for (const screen of screens) {
  test.describe(screen.name, () => {
    test.use(screen.use);
    const shot = (page: Page, name: string): Promise<void> => shoot(page, `${screen.name}-${name}`);

    test('sign-in', async ({ page, server, origin, faults }) => {
      void faults;
      server.me = session({ signed_in: false, user: '', role: 'none', encrypted: false });
      await page.goto(origin);
      await page.getByLabel('User name').fill('admin');
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page.getByText('Wrong name or password')).toBeVisible();
      await page.mouse.move(0, 0);
      await shot(page, 'sign-in');
    });

    test('verdicts', async ({ page, server, desk }) => {
      test.slow();
      await desk();
      await expect(page.getByText('Live', { exact: true })).toBeVisible();
      for (const name of ['protected', 'repairing', 'at_risk', 'unavailable'] as const) {
        server.turn(verdicts[name]());
        await expect(page.getByText(verdicts[name]().sentence)).toBeVisible();
        await shot(page, name);
      }
    });

    test('launcher and dialogs', async ({ page, desk }) => {
      test.slow();
      await desk();
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'Apps, nodes, files and actions' }).fill('lo');
      await expect(page.getByRole('option', { name: /loft-2/ }).first()).toBeVisible();
      await shot(page, 'launcher');
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
      await shot(page, 'shortcuts');
      await page.keyboard.press('Escape');
      if (screen.name === 'phone') await page.getByRole('button', { name: 'More' }).click();
      await page.getByRole('button', { name: 'admin: user menu' }).click();
      await shot(page, 'user-menu');
      await page.getByRole('menuitem', { name: 'Preferences' }).click();
      await expect(page.getByRole('dialog', { name: 'Preferences' })).toBeVisible();
      await shot(page, 'preferences');
    });

    test('the session ended', async ({ page, server, desk }) => {
      await desk('/d/help');
      server.me = session({ signed_in: false, user: '', role: 'none' });
      for (const s of server.streams) s.destroy();
      await expect(page.getByRole('dialog', { name: 'Your session ended' })).toBeVisible();
      await shot(page, 'locked');
    });

    test('lost, and no server at all', async ({ page, server, desk, origin }) => {
      await desk();
      await expect(page.getByText('Live', { exact: true })).toBeVisible();
      server.silent = true;
      for (const s of server.streams) s.destroy();
      await expect(page.getByText(/^Data from/).first()).toBeVisible();
      await shot(page, 'lost');
      server.silent = false;
      await page.route('**/api/v1/**', (route) => route.abort());
      await page.goto(origin);
      await expect(page.getByText('The admin server does not answer')).toBeVisible();
      await shot(page, 'no-server');
    });

    test('trays', async ({ page, server, desk }) => {
      test.slow();
      server.report = verdicts.at_risk();
      server.me = session({ encrypted: false });
      await desk();
      const bar = screen.name === 'phone' ? page : page.getByRole('navigation', { name: 'Taskbar' });
      if (screen.name === 'phone') await page.getByRole('button', { name: 'More' }).click();
      for (const tray of ['need attention', 'tasks', 'Transfers'] as const) {
        const button = bar.getByRole('button', { name: new RegExp(tray) });
        await button.click();
        await expect(page.getByRole('dialog')).toBeVisible();
        await shot(page, `tray-${tray.replace(' ', '-')}`);
        await page.keyboard.press('Escape');
      }
    });
  });
}

test('windows one above the other, and a window menu', async ({ page, server, desk }) => {
  test.slow();
  server.report = verdicts.at_risk();
  await desk('/d/nodes');
  for (const name of ['connect', 'help']) {
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Apps, nodes, files and actions' }).fill(name);
    await page.keyboard.press('Enter');
  }
  await expect(page.getByRole('region', { name: 'Help' })).toBeVisible();
  await shoot(page, 'windows');
  await page.getByRole('button', { name: 'Window menu of Help' }).click();
  await shoot(page, 'window-menu');
});

test('high contrast, and colours forced by the system', async ({ page, desk }) => {
  await page.addInitScript(() => localStorage.setItem('ken.look', '{"contrast":true}'));
  await desk('/d/help');
  await shoot(page, 'contrast');
  await page.emulateMedia({ forcedColors: 'active' });
  await page.screenshot({ path: join(folder, 'forced-colors.png') });
});

test('320 pixels, and the text at 200 %', async ({ page, desk }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await desk();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  await shoot(page, 'narrow');
});
