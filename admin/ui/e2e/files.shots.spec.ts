import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { Drive } from './fixture/drive';
import type { Fixture } from './fixture/server';
import { expect, sound, still, test } from './fixture/test';

// Files in each of its states, in light, dark and on the phone: axe finds
// nothing, and a picture is kept for people to look at.
const folder = join(import.meta.dirname, 'output/files');
mkdirSync(folder, { recursive: true });

const looks = [
  { name: 'light', scheme: 'light', size: { width: 1280, height: 800 } },
  { name: 'dark', scheme: 'dark', size: { width: 1280, height: 800 } },
  { name: 'phone', scheme: 'light', size: { width: 390, height: 844 } },
] as const;

// go opens an address on a desk without other windows.
async function go(page: Page, server: Fixture, path: string): Promise<void> {
  const to = new URL(path, page.url()).href;
  // The page that is left keeps its windows: forget them after it did.
  await page.evaluate(() => addEventListener('pagehide', () => localStorage.clear()));
  await page.goto('about:blank');
  server.desktop = {};
  await page.goto(to);
}

async function max(page: Page): Promise<void> {
  await page.getByRole('grid').or(page.getByRole('listbox')).first().waitFor();
}

for (const look of looks) {
  const phone = look.name === 'phone';
  test.describe(look.name, () => {
    test.slow();
    test.use({ colorScheme: look.scheme, viewport: look.size, hasTouch: phone });

    const shot = async (page: Page, name: string): Promise<void> => {
      await still(page);
      await page.screenshot({ path: join(folder, `${name}.${look.name}.png`) });
      expect.soft(await sound(page), name).toEqual([]);
    };

    test(`lists, ${look.name}`, async ({ page, server, desk }) => {
      await new Drive().attach(page);
      await desk('/d/files');
      await max(page);
      await shot(page, 'details');
      await page.getByRole('row', { name: phone ? /music/ : /tax 2025/ }).click({ position: { x: 300, y: 12 } });
      if (phone) await page.keyboard.press('Escape');
      await shot(page, 'selected');
      await go(page, server, '/d/files?path=/projects');
      await max(page);
      await shot(page, 'hostile');
      await go(page, server, '/d/files?path=/photos/2026');
      await max(page);
      await page.getByRole('button', { name: 'Show as icons' }).first().click();
      await shot(page, 'tiles');
    });

    test(`states, ${look.name}`, async ({ page, server, desk }) => {
      const drive = new Drive();
      await drive.attach(page);
      await desk('/d/files?path=/empty');
      await expect(page.getByText('This folder is empty')).toBeVisible();
      await shot(page, 'empty');
      drive.fail = (call) => (call === 'GET /entries' ? { status: 503, body: { type: 'x', status: 503, title: 'No nameserver answers', detail: 'Wait, or look at the machine loft-1.', code: 'unavailable', request_id: 'r-4711' } } : null);
      await go(page, server, '/d/files?path=/music');
      await expect(page.getByText('No nameserver answers').first()).toBeVisible();
      await shot(page, 'error');
      drive.fail = null;
      await go(page, server, '/d/files?path=/nowhere');
      await expect(page.getByText('This folder is no longer there')).toBeVisible();
      await shot(page, 'gone');
    });

    test(`dialogs, ${look.name}`, async ({ page, desk }) => {
      await new Drive().attach(page);
      // All rows are in sight: one half under the head of the list is no target.
      if (phone) await page.setViewportSize({ width: 390, height: 1080 });
      await desk('/d/files');
      await max(page);
      const pick = async (name: RegExp): Promise<void> => {
        await page.getByRole('grid').focus();
        await page.getByRole('row', { name }).click({ button: 'right', position: { x: 100, y: 12 } });
      };
      await pick(/tax 2025/);
      await shot(page, 'menu');
      await page.getByRole('menuitem', { name: 'Properties' }).click();
      await expect(page.getByText('0 of 2 reachable')).toBeVisible();
      await shot(page, 'properties');
      await page.getByRole('tab', { name: 'Blocks' }).click();
      await expect(page.getByText(/no reachable copy/).first()).toBeVisible();
      await shot(page, 'blocks');
      await page.getByRole('button', { name: 'Close' }).last().click();
      await pick(/photos/);
      await page.getByRole('menuitem', { name: 'Properties' }).click();
      await page.getByRole('tab', { name: 'Replication' }).click();
      await shot(page, 'replication');
      await page.getByRole('button', { name: 'Close' }).last().click();
      await pick(/photos/);
      await page.getByRole('menuitem', { name: 'Delete' }).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await shot(page, 'delete');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await pick(/photo.png/);
      await page.getByRole('menuitem', { name: 'Preview' }).click();
      await shot(page, 'preview');
      await page.getByRole('button', { name: 'Close' }).last().click();
      await pick(/notes/);
      await page.getByRole('menuitem', { name: 'Preview' }).click();
      await expect(page.getByText('<script>alert(1)</script>')).toBeVisible();
      await shot(page, 'text');
    });

    test(`transfers, ${look.name}`, async ({ page, desk }) => {
      const drive = new Drive();
      await drive.attach(page);
      await desk('/d/files');
      await max(page);
      drive.fail = (call, url) => (call.startsWith('PATCH') && url.pathname.endsWith(drive.last) ? { status: 507, body: { type: 'x', status: 507, title: 'The drive is full', detail: 'Delete something or add a disk.', code: 'no_space' } } : null);
      const input = page.locator('input[type=file]').first();
      await input.setInputFiles([
        { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('mine') },
        { name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') },
      ]);
      await expect(page.getByText('This name is taken')).toBeVisible();
      await shot(page, 'conflict');
      await page.getByRole('button', { name: 'Keep both' }).click();
      await page.getByRole('button', { name: 'Show transfers' }).click();
      await expect(page.getByText(/The drive is full/).first()).toBeVisible();
      await shot(page, 'transfers');
    });
  });
}
