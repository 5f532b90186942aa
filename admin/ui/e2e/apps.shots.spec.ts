import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { Fixture } from './fixture/server';
import { report } from './fixture/cluster';
import { install } from './fixture/fleet';
import { expect, sound, still, test } from './fixture/test';

// Each app about the cluster as it should be seen, in light, dark and on the
// phone, its other states in light: axe finds nothing, and a picture is kept for
// people to look at.
const folder = join(import.meta.dirname, 'output/apps');
mkdirSync(folder, { recursive: true });

const looks = [
  { name: 'light', scheme: 'light', size: { width: 1280, height: 800 } },
  { name: 'dark', scheme: 'dark', size: { width: 1280, height: 800 } },
  { name: 'phone', scheme: 'light', size: { width: 390, height: 844 } },
] as const;

// where an app is, what it shows when all is well, and what it asks for
const apps: { name: string; path: string; seen: RegExp; empty: RegExp; asks: string[] }[] = [
  { name: 'overview', path: '/d/overview', seen: /No more server/, empty: /There is no storage server yet/, asks: ['GET /health'] },
  { name: 'nodes', path: '/d/nodes', seen: /dn-0003/, empty: /There is no machine yet/, asks: ['GET /nodes'] },
  { name: 'node', path: '/d/nodes/n5', seen: /It is being drained/, empty: /It is being drained/, asks: ['GET /nodes/n5'] },
  { name: 'stop', path: '/d/nodes/n9?tab=stop', seen: /Not safe to stop/, empty: /Not safe to stop/, asks: ['GET /nodes/n9/safe-to-stop'] },
  { name: 'replication', path: '/d/replication', seen: /3 wanted/, empty: /There is no data yet/, asks: ['GET /health', 'GET /replication'] },
  { name: 'queue', path: '/d/replication?tab=queue', seen: /Of the 60 most urgent/, empty: /Nothing waits for repair/, asks: ['GET /replication'] },
  { name: 'volumes', path: '/d/replication?tab=volumes', seen: /All volumes/, empty: /There is no data yet/, asks: ['GET /volumes'] },
  { name: 'tasks', path: '/d/activity', seen: /Repair of 380 volumes/, empty: /Nothing is being done/, asks: ['GET /tasks'] },
  { name: 'events', path: '/d/activity/events', seen: /loft-3 is down/, empty: /Nothing has happened/, asks: ['GET /events'] },
  { name: 'audit', path: '/d/activity/audit', seen: /node.drain dn-0005/, empty: /Nobody has changed anything/, asks: ['GET /audit'] },
  { name: 'performance', path: '/d/performance', seen: /Throughput/, empty: /There is no history yet/, asks: ['GET /metrics/query'] },
  { name: 'compare', path: '/d/performance?compare=day', seen: /^earlier /, empty: /There is no history yet/, asks: ['GET /metrics/query'] },
  { name: 'heat', path: '/d/performance?view=heat', seen: /with the highest figures/, empty: /No node has figures/, asks: ['GET /metrics/heat'] },
  { name: 'copies', path: '/d/topology?volume=v1', seen: /1 live of 3 copies/, empty: /There is no machine yet/, asks: ['GET /nodes'] },
  { name: 'topology', path: '/d/topology', seen: /row-1/, empty: /There is no machine yet/, asks: ['GET /nodes'] },
];

const empties: Record<string, unknown> = {
  'GET /nodes': { items: [], total: 0, as_of: new Date().toISOString(), stale: false },
  'GET /replication': { as_of: new Date().toISOString(), total: 0, queue: [], drains: [] },
  'GET /volumes': { items: [], as_of: new Date().toISOString(), stale: false },
  'GET /tasks': { items: [], as_of: new Date().toISOString() },
  'GET /events': { items: [] },
  'GET /audit': { items: [] },
  'GET /metrics/heat': { step_seconds: 60, times: [], total: 0, rows: [] },
  'GET /metrics/query': { step_seconds: 10, times: [], columns: [] },
};

async function picture(page: Page, name: string): Promise<void> {
  await still(page);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  expect(await sound(page)).toEqual([]);
}

function empty(server: Fixture, asks: string[]): void {
  server.report = report({
    verdict: 'unknown',
    sentence: 'There is no storage server yet.',
    copies: [],
    volumes: { volumes: 0, bytes: 0 },
    can_lose: -1,
    nodes: { up: 0, suspect: 0, down: 0, unknown: 0, draining: 0, maintenance: 0 },
    capacity_bytes: 0,
    used_bytes: 0,
    free_bytes: 0,
  });
  for (const call of asks) if (call in empties) server.over.set(call, () => ({ status: 200, body: empties[call] }));
}

for (const look of looks) {
  test.describe(look.name, () => {
    test.use({ colorScheme: look.scheme, viewport: look.size, hasTouch: look.name === 'phone' });
    for (const app of apps) {
      test(`${app.name}, ${look.name}`, async ({ page, server, desk }) => {
        install(server);
        await desk(app.path);
        await expect(page.getByText(app.seen).first()).toBeVisible();
        await picture(page, `${app.name}.${look.name}`);
      });
      if (look.name !== 'light') continue;

      test(`${app.name} without data, ${look.name}`, async ({ page, server, desk }) => {
        install(server);
        empty(server, app.asks);
        await desk(app.path);
        await expect(page.getByText(app.empty).first()).toBeVisible();
        await picture(page, `${app.name}-empty.${look.name}`);
      });

      test(`${app.name} refused, failing and loading, ${look.name}`, async ({ page, server, desk }) => {
        install(server);
        for (const call of app.asks) server.over.set(call, () => server.problem(403, 'Not allowed', 'denied'));
        await desk(app.path);
        await expect(page.getByText(/It needs the role/).first()).toBeVisible();
        await picture(page, `${app.name}-forbidden.${look.name}`);
        for (const call of app.asks) server.over.set(call, () => server.problem(503, 'No nameserver answers', 'unavailable', 'Try again in a moment.'));
        await page.reload();
        await expect(page.getByText('Try again in a moment.').first()).toBeVisible();
        await expect(page.getByText('Request r-4711').first()).toBeVisible();
        await picture(page, `${app.name}-error.${look.name}`);
        for (const call of app.asks) server.over.set(call, () => ({ status: 200, body: {}, delay: 20_000 }));
        await page.reload();
        await expect(page.getByRole('status').filter({ hasText: 'Loading' }).first()).toBeAttached();
        await picture(page, `${app.name}-loading.${look.name}`);
      });

      test(`${app.name} with old data, ${look.name}`, async ({ page, server, desk }) => {
        install(server);
        await desk(app.path);
        await expect(page.getByText(app.seen).first()).toBeVisible();
        await expect.poll(() => server.streams.size).toBeGreaterThan(0);
        server.silent = true;
        for (const s of server.streams) s.destroy();
        await expect(page.getByText(/^Data from \d\d:\d\d:\d\d/).first()).toBeVisible();
        await picture(page, `${app.name}-stale.${look.name}`);
      });
    }
  });
}
