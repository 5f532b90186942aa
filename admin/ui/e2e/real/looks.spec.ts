import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sound, still } from '../fixture/test';
import { expect, pill, test, type Cluster } from './test';

// Every app over a real cluster with data in it: in light, in dark and on a
// phone. axe finds nothing, the console and the policy have nothing to say, and
// a picture of each is kept for people to look at.
test.describe.configure({ timeout: 60_000 });

const folder = join(import.meta.dirname, '../output/real');
mkdirSync(folder, { recursive: true });

const apps = ['', 'overview', 'nodes', 'nodes/:id', 'replication', 'files', 'activity', 'activity/events', 'activity/audit', 'performance', 'topology', 'users', 'settings', 'connect', 'help'];
const looks = [
  { name: 'light', scheme: 'light', size: { width: 1440, height: 900 } },
  { name: 'dark', scheme: 'dark', size: { width: 1440, height: 900 } },
  { name: 'phone', scheme: 'light', size: { width: 390, height: 844 } },
  { name: 'phone-dark', scheme: 'dark', size: { width: 390, height: 844 } },
] as const;

// filled puts on the drive what people keep there; once is enough.
async function filled(cluster: Cluster): Promise<void> {
  if ((await cluster.dav('PROPFIND', '/Projects/report.pdf')).status === 207) return;
  for (const folder of ['/Photos', '/Music', '/Projects', '/Projects/2026']) await cluster.dav('MKCOL', folder);
  const files: Record<string, number> = {
    '/Photos/beach.jpg': 2_400_000, '/Photos/harbour in the evening.jpg': 3_100_000, '/Music/a song.flac': 900_000, '/Projects/2026/plan.md': 4_200,
    '/notes.txt': 1_234, '/Tax return 2025 – draft, third version, with all the annexes.pdf': 600_000, '/Projects/report.pdf': 321_000,
  };
  for (const [path, size] of Object.entries(files)) expect((await cluster.dav('PUT', path, new Uint8Array(size).fill(size % 251))).status).toBe(201);
  await cluster.until('the data is counted', async () => (await cluster.status()).volumes.bytes > 0);
}

for (const app of apps) {
  test(`${app || 'the desk'} in light, dark and on a phone`, async ({ page, cluster, onlooker, faults }) => {
    void faults;
    await filled(cluster);
    await page.context().addCookies(onlooker);
    await page.route('**/api/v1/me/desktop', (route) => (route.request().method() === 'PUT' ? route.fulfill({ status: 204 }) : route.fulfill({ json: {} })));
    const node = (await cluster.nodeIDs()).get('disk2') ?? '';
    await page.goto(`${cluster.admin}/${app === '' ? '' : `d/${app.replace(':id', node)}`}`);
    await expect(pill(page)).toBeVisible({ timeout: 15_000 });
    const wrong: string[] = [];
    for (const look of looks) {
      await page.emulateMedia({ colorScheme: look.scheme });
      await page.setViewportSize(look.size);
      if (app) await expect(page.locator('section.win .body > *').or(page.locator('main > .body > *')).first()).toBeVisible();
      await expect(page.locator('[aria-busy=true]')).toHaveCount(0);
      await still(page);
      await page.screenshot({ path: join(folder, `${app.replace('nodes/:id', 'node').replaceAll('/', '-') || 'desk'}.${look.name}.png`) });
      wrong.push(...(await sound(page)).map((w) => `${look.name}: ${w}`));
      expect(await page.evaluate(() => document.documentElement.scrollWidth), look.name).toBeLessThanOrEqual(look.size.width);
    }
    expect(wrong).toEqual([]);
  });
}
