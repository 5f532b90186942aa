// Tests against a real cluster: one for each worker, a page that is signed in,
// and none of the console's or the policy's errors.
import { expect as soon, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { test as desk } from '../fixture/test';
import { Cluster, password } from './cluster';

// Real processes and a browser on a busy machine are late at times.
export const expect = soon.configure({ timeout: 15_000 });

type Cookies = Awaited<ReturnType<BrowserContext['cookies']>>;
// purpose: those of one purpose share a cluster, and no others.
type Shared = { purpose: string; cluster: Cluster; onlooker: Cookies };
type Given = { signedIn: (path?: string) => Promise<void>; person: string; ownDesk: (path?: string) => Promise<void>; told: undefined };

let people = 0;

export const test = desk.extend<Given, Shared>({
  purpose: ['', { scope: 'worker', option: true }],
  cluster: [
    async ({ purpose: _ }, use) => {
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
  // onlooker is the session of one person who looks at everything: for tests
  // that leave nothing behind.
  onlooker: [
    async ({ cluster, browser }, use) => {
      await cluster.ken(['user', 'add', '--dir', cluster.at('ns'), '--role', 'admin', 'otto']);
      const context = await browser.newContext();
      await enter(await context.newPage(), cluster, 'otto');
      await use(await context.cookies());
      await context.close();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  signedIn: async ({ page, cluster, faults }, use) => {
    void faults;
    await use(async (path = '/') => {
      await signIn(page, cluster, 'admin', path);
    });
  },
  // person is an administrator whom no other test knows: with a desk of their own.
  person: async ({ cluster }, use) => {
    const name = `anna-${++people}`;
    await cluster.ken(['user', 'add', '--dir', cluster.at('ns'), '--role', 'admin', name]);
    await use(name);
  },
  ownDesk: async ({ page, cluster, person, faults }, use) => {
    void faults;
    await use(async (path = '/') => {
      await enter(page, cluster, person);
      await page.goto(cluster.admin + path);
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

export type { Cluster } from './cluster';

// signIn goes through the form, as a person does.
export async function signIn(page: Page, cluster: Cluster, name: string, path = '/'): Promise<void> {
  await page.goto(cluster.admin + path);
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(pill(page)).toBeVisible({ timeout: 15_000 });
}

// enter signs in without the form: the pages of this browser are then signed in.
export async function enter(page: Page, cluster: Cluster, user: string): Promise<void> {
  const answer = await page.request.post(`${cluster.admin}/api/v1/session`, { data: { user, password }, headers: { Origin: cluster.admin } });
  expect(answer.status(), await answer.text()).toBe(200);
}

// pill is the verdict that is always in sight.
export function pill(page: Page): ReturnType<Page['getByRole']> {
  return page.getByRole('button', { name: /^Health:/ }).first();
}

// tabTo goes on with Tab until it has the focus.
export async function tabTo(page: Page, to: Locator): Promise<void> {
  await expect(to).toBeVisible();
  for (let i = 0; i < 120; i++) {
    if (await to.evaluate((b) => b === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${String(to)}`);
}
