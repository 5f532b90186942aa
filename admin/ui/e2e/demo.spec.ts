import { test as base, expect, type BrowserContext, type Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { demo, type Demo } from './fixture/ken';
import { sound, still, watch } from './fixture/test';

// The real server and its demo cluster of a thousand nodes: every app opens in
// light, in dark and on a phone, axe finds nothing, the console and the policy
// have nothing to say, and a picture is kept.
const folder = join(import.meta.dirname, 'output/apps');
mkdirSync(folder, { recursive: true });

const test = base.extend<object, { ken: Demo; cookies: Awaited<ReturnType<BrowserContext['cookies']>> }>({
  ken: [
    // The first parameter of a fixture must be a pattern, empty or not.
    async ({ browserName: _ }, use) => {
      const ken = await demo();
      await use(ken);
      await ken.stop();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  // One sign-in for all: the server counts attempts.
  cookies: [
    async ({ ken, browser }, use) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(ken.url);
      await page.getByLabel('User name').fill(ken.user);
      await page.getByLabel('Password').fill(ken.password);
      await page.keyboard.press('Enter');
      await expect(page.getByRole('button', { name: /^Health:/ }).first()).toBeVisible({ timeout: 15_000 });
      await use(await context.cookies());
      await context.close();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
});

const apps = ['overview', 'nodes', 'replication', 'files', 'activity', 'performance', 'topology', 'users', 'settings', 'connect', 'help'];

async function settled(page: Page): Promise<void> {
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0, { timeout: 15_000 });
  await still(page);
}

for (const app of apps) {
  test(`${app} in light, dark and on a phone`, async ({ page, ken, cookies }) => {
    test.setTimeout(120_000);
    const faults = await watch(page);
    await page.context().addCookies(cookies);
    await page.route('**/api/v1/me/desktop', (route) => (route.request().method() === 'PUT' ? route.fulfill({ status: 204 }) : route.fulfill({ json: {} })));
    await page.goto(`${ken.url}/d/${app}`);
    await page.locator('section.win .body').first().waitFor();
    const looks = [
      { name: 'light', scheme: 'light', size: { width: 1440, height: 900 } },
      { name: 'dark', scheme: 'dark', size: { width: 1440, height: 900 } },
      { name: 'phone', scheme: 'light', size: { width: 390, height: 844 } },
    ] as const;
    const wrong: string[] = [];
    for (const look of looks) {
      await page.emulateMedia({ colorScheme: look.scheme });
      await page.setViewportSize(look.size);
      await settled(page);
      await page.screenshot({ path: join(folder, `${app}.${look.name}.png`) });
      wrong.push(...(await sound(page)).map((w) => `${look.name}: ${w}`));
    }
    expect(wrong).toEqual([]);
    expect(faults, 'errors of the console and of the policy').toEqual([]);
  });
}
