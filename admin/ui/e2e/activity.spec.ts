import { readFileSync } from 'node:fs';
import { impact, install } from './fixture/fleet';
import { expect, test } from './fixture/test';

// Tasks, the log followed live, the audit.

const event = (id: string, text: string) => ({ id, time: new Date().toISOString(), severity: 'critical', code: 'NODE_DOWN', text });

test('the log is followed live, and waits while it is paused', async ({ page, server, desk }) => {
  install(server, 4);
  await desk('/d/activity/events');
  const grid = page.getByRole('grid', { name: 'Events' });
  await expect(grid.getByText('loft-3 is down')).toBeVisible();
  // The stream is opened anew with the app's topic: what is said in between is lost.
  await expect(async () => {
    server.say('event', event('900', 'dn-0900 is down'));
    await expect(grid.getByText('dn-0900 is down')).toBeVisible({ timeout: 400 });
  }).toPass();
  await page.getByRole('button', { name: 'Pause' }).click();
  server.say('event', event('901', 'dn-0901 is down'));
  await page.getByRole('button', { name: 'Show 1 new' }).click();
  await expect(grid.getByText('dn-0901 is down')).toBeVisible();
});

test('filters stand in the address and in the request', async ({ page, server, desk }) => {
  install(server, 4);
  const asked: string[] = [];
  server.over.set('GET /events', ({ url }) => {
    asked.push(url.search);
    return { status: 200, body: { items: [] } };
  });
  await desk('/d/activity/events?severity=critical');
  await page.getByRole('searchbox', { name: 'Search in texts' }).fill('disk');
  await expect.poll(() => asked.at(-1)).toContain('text=disk');
  expect(asked.at(-1)).toContain('severity=critical');
  await page.getByRole('combobox', { name: 'Time' }).selectOption('24h');
  await expect.poll(() => asked.at(-1)).toContain('since=');
  await expect(page).toHaveURL(/text=disk/);
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expect(page).not.toHaveURL(/text=/);
});

test('what is loaded can be saved', async ({ page, server, desk }) => {
  install(server, 4);
  await desk('/d/activity/audit');
  await expect(page.getByRole('grid', { name: 'Audit' }).getByText('node.drain dn-0005')).toBeVisible();
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: /JSON/ }).click()]);
  expect(download.suggestedFilename()).toBe('audit.jsonl');
  const lines = readFileSync(await download.path(), 'utf8').trim().split('\n');
  expect(lines.map((l) => (JSON.parse(l) as { user: string }).user)).toEqual(['anna', 'ben', 'anna']);
});

test('an audit record is shown whole', async ({ page, server, desk }) => {
  install(server, 4);
  await desk('/d/activity/audit');
  await page.getByRole('grid', { name: 'Audit' }).getByText('node.drain dn-0005').dblclick();
  const dialog = page.getByRole('dialog', { name: 'Audit record' });
  await expect(dialog.getByText('makes noises')).toBeVisible();
  await expect(dialog.getByText('192.0.2.80')).toBeVisible();
});

test('a viewer has no audit', async ({ page, server, desk }) => {
  install(server, 4);
  server.me = { ...server.me, role: 'viewer' };
  server.over.set('GET /audit', () => server.problem(403, 'Not allowed', 'denied'));
  await desk('/d/activity');
  await expect(page.getByRole('tab', { name: 'Tasks' })).toBeVisible();
  await expect(page.getByRole('tab', { name: 'Audit' })).toBeHidden();
  await desk('/d/activity/audit');
  await expect(page.getByText('It needs the role administrator.')).toBeVisible();
});

test('what waits while the list is held still is not shown under another filter, nor twice', async ({ page, server, desk }) => {
  install(server, 4);
  await desk('/d/activity/events');
  const grid = page.getByRole('grid', { name: 'Events' });
  await expect(grid.getByText('loft-3 is down')).toBeVisible();
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(async () => {
    server.say('event', event('901', 'dn-0901 is down'));
    await expect(page.getByRole('button', { name: 'Show 1 new' })).toBeVisible({ timeout: 400 });
  }).toPass();
  server.say('event', event('901', 'dn-0901 is down'));
  await page.getByRole('combobox', { name: 'Time' }).selectOption('24h');
  await expect(page.getByRole('button', { name: /^Show/ })).toBeHidden();
  await page.getByRole('button', { name: 'Follow' }).click();
  server.say('event', event('902', 'dn-0902 is down'));
  await expect(grid.getByText('dn-0902 is down')).toHaveCount(1);
  await expect(grid.getByText('dn-0901 is down')).toBeHidden();
});

test('a drain is ended and repair is held from the list of tasks, by keys and by the button', async ({ page, server, desk }) => {
  install(server, 30);
  const drain = { id: 'drain-n5', kind: 'drain', title: 'Drain of dn-0005', state: 'running', target: 'n5', done: 0, total: 0, unit: 'volumes' };
  const repair = { id: 'repair', kind: 'repair', title: 'Repair of 380 volumes', state: 'running', done: 1, total: 2, unit: 'bytes' };
  server.over.set('GET /tasks', () => ({ status: 200, body: { items: [drain, repair], as_of: new Date().toISOString() } }));
  server.over.set('POST /replication/pause', ({ url }) => ({ status: 200, body: impact(url.searchParams.has('dry_run'), 'Nothing is copied.') }));
  await desk('/d/activity');
  const grid = page.getByRole('grid', { name: 'Tasks' });
  await expect(grid.getByText('Drain of dn-0005')).toBeVisible();
  await page.getByRole('button', { name: 'Actions of Repair of 380 volumes' }).click();
  await page.getByRole('menuitem', { name: 'Pause repair…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Pause repair' });
  await expect(dialog.getByText('Nothing is copied.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await grid.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+F10');
  await page.getByRole('menuitem', { name: 'End the drain' }).press('Enter');
  await expect.poll(() => server.calls).toContain('POST /nodes/n5/activate');
  await expect(page.getByText('dn-0005 is active again.')).toBeVisible();
});
