import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { impact, install, node } from './fixture/fleet';
import type { Fixture } from './fixture/server';
import { expect, sound, still, test } from './fixture/test';

// Nodes, Performance, Activity and Topology with a dialog open, chosen rows, long
// names, and in German: axe finds nothing, and a picture is kept for people to look at.
const folder = join(import.meta.dirname, 'output/apps');
mkdirSync(folder, { recursive: true });

const looks = [
  { name: 'light', scheme: 'light', size: { width: 1280, height: 800 }, lang: 'en-GB' },
  { name: 'narrow', scheme: 'dark', size: { width: 320, height: 640 }, lang: 'de-DE' },
] as const;

// long gives three nodes names that nobody would choose.
function long(server: Fixture): void {
  const name = 'storage-server-of-the-second-floor-behind-the-kitchen-eu-central-1b.example.net';
  const items = [1, 2, 3].map((i) => ({ ...node(i + 10), name: `${name}-${i}`, zone: `building-with-a-long-name-${i}/rack-with-a-long-name-too-${i}` }));
  server.over.set('GET /nodes', () => ({ status: 200, body: { items, total: 3, as_of: new Date().toISOString(), stale: false } }));
  server.over.set('GET /nodes/n11', () => ({ status: 200, body: items[0] }));
}

for (const look of looks) {
  test.describe(look.name, () => {
    const touch = look.size.width < 768;
    const german = look.lang === 'de-DE';
    const say = (en: string | RegExp, de: string | RegExp) => (german ? de : en);
    test.use({ colorScheme: look.scheme, viewport: look.size, hasTouch: touch, locale: look.lang });
    const shot = async (page: Page, name: string): Promise<void> => {
      await still(page);
      await page.screenshot({ path: join(folder, `${name}.${look.name}.png`) });
      expect.soft(await sound(page), name).toEqual([]);
    };

    test(`several nodes, ${look.name}`, async ({ page, server, desk }) => {
      install(server, 40);
      server.over.set('GET /impact', () => ({ status: 200, body: impact(true, 'What lies only on these could not be read.', ['12 volumes lie only on these.']) }));
      await desk('/d/nodes');
      const grid = page.getByRole('grid', { name: say('Nodes', 'Knoten') });
      await expect(grid.getByText('dn-0003')).toBeVisible();
      await grid.focus();
      await page.keyboard.press('Home');
      for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+ArrowDown');
      await shot(page, 'nodes-chosen');
      await page.getByRole('region', { name: say(/nodes chosen/, /Knoten gewählt/) }).getByRole('button').first().click();
      await expect(page.getByRole('dialog').getByRole('alert')).toBeVisible();
      await shot(page, 'nodes-together');
    });

    test(`nodes by zone, ${look.name}`, async ({ page, server, desk }) => {
      install(server);
      await desk('/d/nodes?group=zone');
      await expect(page.getByText('row-1/rack-1 · ').first()).toBeVisible();
      await page.getByLabel(say('Cells show', 'Die Felder zeigen')).selectOption('state');
      if (touch) await page.getByRole('button', { name: say('All nodes at a glance', 'Alle Knoten auf einen Blick') }).click();
      await page.getByRole('group', { name: say(/^State of 1,000 nodes/, /^Zustand von 1.000 Knoten/) }).focus();
      await shot(page, 'nodes-zones');
      await page.getByRole('button', { name: say('Views', 'Ansichten') }).click();
      await page.getByRole('menuitem', { name: say('Save this view…', 'Diese Ansicht sichern …') }).click();
      await shot(page, 'nodes-view');
    });

    for (const [name, path] of [['nodes', '/d/nodes'], ['node', '/d/nodes/n11'], ['topology', '/d/topology'], ['heat', '/d/performance?view=heat']] as const) {
      test(`long names in ${name}, ${look.name}`, async ({ page, server, desk }) => {
        install(server, 40);
        long(server);
        const rows = [1, 2].map((i) => ({ node: `n1${i}`, name: `storage-server-of-the-second-floor-behind-the-kitchen-${i}`, values: [1, null, 3] }));
        server.over.set('GET /metrics/heat', () => ({ status: 200, body: { step_seconds: 60, times: [1, 2, 3].map((i) => 1.8e9 + i * 60), total: 2, rows } }));
        await desk(path);
        await expect(page.getByText(/^storage-server/).first()).toBeVisible();
        await shot(page, `${name}-long`);
      });
    }

    test(`performance closer, ${look.name}`, async ({ page, server, desk }) => {
      install(server, 40);
      await desk('/d/performance?node=n1,n2,n3&compare=prior');
      await expect(page.getByRole('slider')).toBeVisible();
      await page.getByRole('button', { name: say('Look closer', 'Genauer hinsehen') }).click();
      await page.getByRole('slider').focus();
      await page.keyboard.press('ArrowLeft');
      await shot(page, 'performance-closer');
      await page.getByRole('button', { name: say('3 nodes', '3 Knoten') }).click();
      await expect(page.getByRole('checkbox').first()).toBeVisible();
      await shot(page, 'performance-nodes');
    });

    test(`a task's menu, ${look.name}`, async ({ page, server, desk }) => {
      install(server, 40);
      await desk('/d/activity');
      await page.getByRole('button', { name: say(/^Actions of Repair/, /^Aktionen von Repair/) }).click();
      await shot(page, 'tasks-menu');
    });

    test(`the log held still, ${look.name}`, async ({ page, server, desk }) => {
      install(server, 40);
      await desk('/d/activity/events?node=n7');
      await page.getByRole('button', { name: say('Pause', 'Anhalten') }).click();
      await shot(page, 'events-held');
    });

    test(`another zone, ${look.name}`, async ({ page, server, desk }) => {
      install(server, 40);
      await desk('/d/nodes/n10');
      await page.getByRole('button', { name: say('More actions', 'Weitere Aktionen') }).last().click();
      await page.getByRole('menuitem', { name: say('Move to zone…', 'In eine Zone stellen …') }).click();
      await shot(page, 'node-zone');
      await page.getByLabel(say('New zone', 'Neue Zone')).fill('row-2/rack-7');
      await page.keyboard.press('Enter');
      await expect(page.getByRole('dialog').getByText('zone of dn-0010')).toBeVisible();
      await shot(page, 'node-zone-asked');
    });

    test(`a new machine, ${look.name}`, async ({ page, server, desk }) => {
      install(server, 40);
      await desk('/d/nodes?add=1');
      await expect(page.getByRole('dialog')).toBeVisible();
      await shot(page, 'nodes-add');
    });

    test(`a file on the map, ${look.name}`, async ({ page, server, desk }) => {
      install(server, 40);
      await desk('/d/topology?volume=v1&metric=used');
      await expect(page.getByText(say(/1 live of 3/, /1 von 3/)).first()).toBeVisible();
      await shot(page, 'copies-used');
    });
  });
}
