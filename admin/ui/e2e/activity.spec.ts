import { readFileSync } from 'node:fs';
import { install } from './fixture/fleet';
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
