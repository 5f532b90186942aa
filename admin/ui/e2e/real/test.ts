// Tests against a real cluster: one for each worker, a page that is signed in,
// and none of the console's or the policy's errors.
import { expect, type Page } from '@playwright/test';
import { test as desk } from '../fixture/test';
import { Cluster, password } from './cluster';

type Shared = { cluster: Cluster };
type Given = { signedIn: (path?: string) => Promise<void>; told: undefined };

export const test = desk.extend<Given, Shared>({
  cluster: [
    async ({}, use) => {
      const c = new Cluster();
      try {
        await c.start();
        await use(c);
      } finally {
        await c.stop();
      }
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  signedIn: async ({ page, cluster, faults }, use) => {
    void faults;
    await use(async (path = '/') => {
      await page.goto(cluster.admin + path);
      await page.getByLabel('User name').fill('admin');
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(pill(page)).toBeVisible({ timeout: 15_000 });
    });
  },
  told: [
    async ({ cluster }, use, info) => {
      await use(undefined);
      if (info.status !== info.expectedStatus) console.log(cluster.tell());
    },
    { auto: true },
  ],
});

export { expect };

// pill is the verdict that is always in sight.
export function pill(page: Page): ReturnType<Page['getByRole']> {
  return page.getByRole('button', { name: /^Health:/ }).first();
}
