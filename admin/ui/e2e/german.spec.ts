import { test as base, expect, type BrowserContext, type Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { components } from '../src/api/schema';
import { demo, type Demo } from './fixture/ken';
import { sound, still, watch } from './fixture/test';

// The German desktop over the real server: what the server says in English is
// asked of its API, and must not be on the page; what stands there is German.
type S = components['schemas'];

const folder = join(import.meta.dirname, 'output/german');
mkdirSync(folder, { recursive: true });

const test = base.extend<object, { ken: Demo; cookies: Awaited<ReturnType<BrowserContext['cookies']>> }>({
  ken: [
    async ({ browserName: _ }, use) => {
      const ken = await demo();
      await use(ken);
      await ken.stop();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  cookies: [
    async ({ ken, browser }, use) => {
      const context = await browser.newContext({ locale: 'de-DE' });
      const page = await context.newPage();
      await page.goto(ken.url);
      await page.getByLabel('Benutzername').fill(ken.user);
      await page.getByLabel('Passwort').fill(ken.password);
      await page.keyboard.press('Enter');
      await expect(page.getByRole('button', { name: /^Zustand:/ }).first()).toBeVisible({ timeout: 15_000 });
      await use(await context.cookies());
      await context.close();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
});
test.use({ locale: 'de-DE' });
test.describe.configure({ timeout: 120_000 });

// open shows an app in German and answers what fails the test.
async function open(page: Page, ken: Demo, cookies: Awaited<ReturnType<BrowserContext['cookies']>>, path: string): Promise<string[]> {
  const faults = await watch(page);
  await page.context().addCookies(cookies);
  await page.route('**/api/v1/me/desktop', (route) => (route.request().method() === 'PUT' ? route.fulfill({ status: 204 }) : route.fulfill({ json: {} })));
  await page.goto(ken.url + path);
  await page.locator('section.win .body').first().waitFor();
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0, { timeout: 15_000 });
  return faults;
}

const ask = async <T>(page: Page, ken: Demo, path: string): Promise<T> => (await (await page.request.get(`${ken.url}/api/v1${path}`)).json()) as T;

// English texts of the server that stand on the page.
async function leaks(page: Page, texts: readonly (string | undefined)[]): Promise<string[]> {
  const shown = (await page.locator('body').textContent()) ?? '';
  return texts.filter((t): t is string => !!t && /[a-z]{3} [a-z]/i.test(t) && shown.includes(t));
}

async function picture(page: Page, name: string): Promise<void> {
  await still(page);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  expect(await sound(page)).toEqual([]);
}

const wording = (k: S['CheckKind'] | S['Check']): string[] => [k.title, k.meaning, k.doing, k.remedy];

test('the Overview judges in German', async ({ page, ken, cookies }) => {
  const faults = await open(page, ken, cookies, '/d/overview');
  const { report } = await ask<S['Health']>(page, ken, '/health');
  await expect(page.locator('.sentence').first()).toContainText(/Kopie|lesbar|Speicherserver/);
  for (const row of await page.locator('section.win .check > h4 button, section.win .check > button').all()) await row.click();
  const said = [report.sentence, report.repair.stalled, ...report.checks.flatMap((c) => [...wording(c), ...c.actions.map((a) => a.label)])];
  expect(await leaks(page, said)).toEqual([]);
  await picture(page, 'overview');
  await page.getByRole('button', { name: /^Mitteilungen$|Prüfung(en)? verlang/ }).click();
  expect(await leaks(page, said)).toEqual([]);
  await picture(page, 'notifications');
  expect(faults).toEqual([]);
});

test('the catalogue is German to its end', async ({ page, ken, cookies }) => {
  await open(page, ken, cookies, '/d/help');
  const kinds = await ask<S['CheckKind'][]>(page, ken, '/health/catalogue');
  await expect(page.locator('details')).toHaveCount(kinds.length);
  await page.locator('details').evaluateAll((all) => all.slice(0, 4).forEach((d) => ((d as HTMLDetailsElement).open = true)));
  expect(await leaks(page, kinds.flatMap(wording))).toEqual([]);
  await expect(page.getByText('Ein Speicherserver ist ausgefallen')).toBeVisible();
  await picture(page, 'help');
});

test('what waits for repair is German', async ({ page, ken, cookies }) => {
  await open(page, ken, cookies, '/d/replication?tab=queue');
  const repairs = await ask<S['Repairs']>(page, ken, '/replication');
  expect(await leaks(page, [...repairs.queue.map((r) => r.wait_reason), ...repairs.drains.flatMap((d) => d.blockers ?? [])])).toEqual([]);
  await picture(page, 'queue');
});

test('what is being done is German', async ({ page, ken, cookies }) => {
  await open(page, ken, cookies, '/d/activity?tab=tasks');
  const tasks = await ask<S['TaskList']>(page, ken, '/tasks');
  await expect(page.getByText(/^(Reparatur|Leeren|Wartung) von/).first()).toBeVisible();
  expect(await leaks(page, tasks.items.flatMap((t) => [t.title, t.detail]))).toEqual([]);
  await picture(page, 'tasks');
});

test('what has happened is German', async ({ page, ken, cookies }) => {
  await open(page, ken, cookies, '/d/activity?tab=events');
  const events = await ask<S['EventList']>(page, ken, '/events?limit=100');
  expect(await leaks(page, events.items.map((e) => e.text))).toEqual([]);
  await picture(page, 'events');
});

test('a drain, a maintenance and a stop are weighed in German', async ({ page, ken, cookies }) => {
  await open(page, ken, cookies, '/d/nodes/n20');
  const name = (await ask<S['Node']>(page, ken, '/nodes/n20')).name;
  const drain = await ask<S['Impact']>(page, ken, '/impact?act=drain&node=n20');
  const said = (im: S['Impact']): string[] => [im.sentence, ...im.blockers, ...im.facts.map((f) => f.label)];
  await page.getByRole('button', { name: 'Weitere Aktionen' }).click();
  await page.getByRole('menuitem', { name: 'Leeren …' }).click();
  const dialog = page.getByRole('dialog', { name: `${name} leeren` });
  await expect(dialog).toContainText('auf die übrigen Speicherserver um');
  await expect(dialog).toContainText('Übrige Speicherserver');
  expect(await leaks(page, said(drain))).toEqual([]);
  await picture(page, 'drain');
  await dialog.getByRole('button', { name: 'Abbrechen' }).click();
  await page.getByRole('tab', { name: 'Darf er anhalten?' }).click();
  const stop = await ask<S['StopFacts']>(page, ken, '/nodes/n20/safe-to-stop');
  await expect(page.getByText(/^(Gefahrlos|Jetzt nicht):/).first()).toBeVisible();
  expect(await leaks(page, [stop.sentence, ...(stop.blockers ?? [])])).toEqual([]);
  await picture(page, 'stop');
  await page.getByRole('button', { name: 'Wartung beginnen …' }).click();
  await expect(page.getByRole('dialog')).toContainText(/Bis .* wird für .* keine Reparatur begonnen/);
  await picture(page, 'maintenance');
});

test('what is refused is refused in German, and the English of its cause stands behind', async ({ page, ken, cookies }) => {
  await open(page, ken, cookies, '/d/nodes/n9999');
  await expect(page.getByText('kein Knoten heißt „n9999“').first()).toBeVisible();
  await expect(page.getByText('Es wurde vielleicht inzwischen entfernt. Neu lesen.').first()).toBeVisible();
  await picture(page, 'missing');
});
