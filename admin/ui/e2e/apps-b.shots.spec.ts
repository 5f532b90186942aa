import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { people } from './fixture/people';
import { verdicts } from './fixture/cluster';
import { expect, sound, still, test } from './fixture/test';

// Users, Settings, Connect and Help in their states: axe finds nothing, and a
// picture is kept for people to look at.
const folder = join(import.meta.dirname, 'output/apps');
mkdirSync(folder, { recursive: true });

const looks = [
  { name: 'light', scheme: 'light', size: { width: 1280, height: 800 } },
  { name: 'dark', scheme: 'dark', size: { width: 1280, height: 800 } },
  { name: 'phone', scheme: 'light', size: { width: 390, height: 844 } },
] as const;

for (const look of looks) {
  const phone = look.name === 'phone';
  test.describe(look.name, () => {
    test.use({ colorScheme: look.scheme, viewport: look.size, hasTouch: phone });

    const shot = async (page: Page, name: string): Promise<void> => {
      await still(page);
      await page.screenshot({ path: join(folder, `${name}.${look.name}.png`) });
      expect.soft(await sound(page), name).toEqual([]);
    };

    test(`users, ${look.name}`, async ({ page, server, desk }) => {
      people(server);
      await desk('/d/users/users');
      await expect(page.getByText('night-shift')).toBeVisible();
      await shot(page, 'users');
      await page.getByRole('button', { name: 'Add a user' }).click();
      await page.getByRole('button', { name: 'Suggest one' }).click();
      await shot(page, 'users-add');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('row', { name: /anna/ }).getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Delete' }).click();
      await expect(page.getByText('Sessions that end')).toBeVisible();
      await shot(page, 'users-delete');
      await page.getByRole('button', { name: 'Cancel' }).click();
      for (const tab of ['Roles', 'Sessions', 'My account']) {
        await page.getByRole('navigation', { name: 'Users and access' }).getByRole('button', { name: tab }).click();
        await expect(page.getByText({ Roles: 'What it may do', Sessions: 'Safari on iOS', 'My account': 'Signed in as' }[tab]!).first()).toBeVisible();
        await shot(page, `users-${tab.toLowerCase().replace(' ', '-')}`);
      }
    });

    test(`users, forbidden, ${look.name}`, async ({ page, server, desk }) => {
      people(server);
      server.me = { ...server.me, role: 'writer' };
      server.over.set('GET /users', () => server.problem(403, 'This needs the role admin', 'denied'));
      await desk('/d/users/users');
      await expect(page.getByText('You may not see this')).toBeVisible();
      await shot(page, 'users-forbidden');
    });

    test(`settings, ${look.name}`, async ({ page, server, desk }) => {
      people(server);
      await desk('/d/settings');
      await expect(page.getByText('Copies of every file').first()).toBeVisible();
      await shot(page, 'settings');
      await page.getByRole('combobox', { name: 'Copies of every file' }).selectOption('1');
      await page.getByRole('textbox', { name: 'Keep deleted data' }).fill('soon');
      await shot(page, 'settings-fault');
      await page.getByRole('textbox', { name: 'Keep deleted data' }).fill('1 h');
      await page.getByRole('button', { name: 'Review' }).click();
      await expect(page.getByText('With one copy').first()).toBeVisible();
      await shot(page, 'settings-review');
      await page.getByRole('button', { name: 'Cancel' }).click();
      const nav = page.getByRole('navigation', { name: 'Settings' });
      for (const tab of ['Repair', 'Changes', 'Certificates']) {
        await nav.getByRole('button', { name: tab }).click();
        await shot(page, `settings-${tab.toLowerCase()}`);
      }
      await page.getByLabel('Find a setting').fill('silence');
      await expect(page.getByText('Down after silence of').first()).toBeVisible();
      await shot(page, 'settings-found');
    });

    test(`connect, ${look.name}`, async ({ page, server, desk }) => {
      const state = people(server);
      await desk('/d/connect/windows');
      await expect(page.getByText('Mount the drive on Windows')).toBeVisible();
      await shot(page, 'connect-windows');
      await page.getByRole('navigation', { name: 'Systems' }).getByRole('button', { name: 'macOS' }).click();
      await shot(page, 'connect-macos');
      state.gateways = [{ node: '1', name: 'loft-1', url: 'http://127.0.0.1:8080/', tls: false, self_signed: false, loopback: true }];
      await page.goto(page.url().replace(/macos.*/, 'rclone'));
      await expect(page.getByText('Only its own machine', { exact: false }).first()).toBeVisible();
      await shot(page, 'connect-rclone');
      state.gateways = [];
      await page.goto(page.url().replace(/rclone.*/, 'kde'));
      await expect(page.getByText('No gateway is running')).toBeVisible();
      await shot(page, 'connect-none');
    });

    test(`help, ${look.name}`, async ({ page, server, desk }) => {
      people(server);
      server.report = verdicts.at_risk();
      await desk('/d/help/NODE_DOWN');
      await expect(page.getByText('What the cluster does').first()).toBeVisible();
      await shot(page, 'help-runbook');
      for (const tab of ['Words', 'Shortcuts', 'About']) {
        await page.getByRole('navigation', { name: 'Help' }).getByRole('button', { name: tab }).click();
        await shot(page, `help-${tab.toLowerCase()}`);
      }
    });
  });
}
