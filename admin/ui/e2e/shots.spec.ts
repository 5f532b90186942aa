import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { session, verdicts } from './fixture/cluster';
import { expect, sound, still, test } from './fixture/test';

// Every state of the desk in light, dark and on the phone: axe finds nothing,
// and a picture is kept for people to look at.
const folder = join(import.meta.dirname, 'output/desk');
mkdirSync(folder, { recursive: true });

const looks = [
  { name: 'light', scheme: 'light', size: { width: 1440, height: 900 } },
  { name: 'dark', scheme: 'dark', size: { width: 1440, height: 900 } },
  { name: 'phone', scheme: 'light', size: { width: 390, height: 844 } },
  { name: 'phone-dark', scheme: 'dark', size: { width: 390, height: 844 } },
] as const;

for (const look of looks) {
  const phone = look.name.startsWith('phone');
  test.describe(look.name, () => {
    test.use({ colorScheme: look.scheme, viewport: look.size, hasTouch: phone });

    test(`sign-in, ${look.name}`, async ({ page, server, origin, faults }) => {
      void faults;
      server.me = session({ signed_in: false, user: '', role: 'none', encrypted: false });
      await page.goto(origin);
      await page.getByLabel('User name').fill('admin');
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page.getByText('Wrong name or password')).toBeVisible();
      await still(page);
      await page.screenshot({ path: join(folder, `sign-in.${look.name}.png`) });
      expect(await sound(page)).toEqual([]);
    });

    for (const name of ['protected', 'repairing', 'at_risk', 'unavailable'] as const) {
      test(`desk ${name}, ${look.name}`, async ({ page, server, desk }) => {
        server.report = verdicts[name]();
        server.me = session({ encrypted: name !== 'unavailable' });
        await desk();
        await still(page);
        await page.screenshot({ path: join(folder, `desk-${name}.${look.name}.png`) });
        expect(await sound(page)).toEqual([]);
      });
    }

    test(`launcher, ${look.name}`, async ({ page, desk }) => {
      await desk();
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox').fill('lo');
      await expect(page.getByRole('option', { name: /loft-2/ }).first()).toBeVisible();
      await still(page);
      await page.screenshot({ path: join(folder, `launcher.${look.name}.png`) });
      expect(await sound(page)).toEqual([]);
    });

    test(`dialogs, ${look.name}`, async ({ page, desk }) => {
      await desk();
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog')).toBeVisible();
      await still(page);
      await page.screenshot({ path: join(folder, `shortcuts.${look.name}.png`) });
      expect(await sound(page)).toEqual([]);
    });

    test(`lost, ${look.name}`, async ({ page, server, desk }) => {
      await desk();
      await expect(page.getByText('Live').first()).toBeVisible();
      server.silent = true;
      for (const s of server.streams) s.destroy();
      await expect(page.getByText(/^Data from/).first()).toBeVisible();
      await still(page);
      await page.screenshot({ path: join(folder, `lost.${look.name}.png`) });
      expect(await sound(page)).toEqual([]);
    });

    test(`no server, ${look.name}`, async ({ page, server, origin }) => {
      await page.route('**/api/v1/**', (route) => route.abort());
      void server;
      await page.goto(origin);
      await expect(page.getByText('The admin server does not answer')).toBeVisible();
      await still(page);
      await page.screenshot({ path: join(folder, `no-server.${look.name}.png`) });
      expect(await sound(page)).toEqual([]);
    });

    if (!phone) {
      test(`windows, ${look.name}`, async ({ page, server, desk }) => {
        server.report = verdicts.at_risk();
        await desk('/d/nodes');
        await page.keyboard.press('Control+k');
        await page.getByRole('combobox').fill('help');
        await page.keyboard.press('Enter');
        await expect(page.getByRole('region', { name: 'Help' })).toBeVisible();
        await page.getByRole('button', { name: 'Window menu of Help' }).last().click();
        await still(page);
        await page.screenshot({ path: join(folder, `windows.${look.name}.png`) });
        expect(await sound(page)).toEqual([]);
      });

      for (const tray of ['need attention', 'tasks', 'Transfers'] as const) {
        test(`tray ${tray}, ${look.name}`, async ({ page, server, desk }) => {
          server.report = verdicts.at_risk();
          await desk();
          await page.getByRole('navigation', { name: 'Taskbar' }).getByRole('button', { name: new RegExp(tray) }).click();
          await still(page);
          await page.screenshot({ path: join(folder, `tray-${tray.replace(' ', '-')}.${look.name}.png`) });
          expect(await sound(page)).toEqual([]);
        });
      }
    }
  });
}
