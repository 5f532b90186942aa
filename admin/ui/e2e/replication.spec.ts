import { impact, install } from './fixture/fleet';
import { expect, test } from './fixture/test';

// The matrix, repair and its speed, the queue.

test('the matrix is a table with heads; a cell opens its volumes', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/replication');
  const table = page.getByRole('table');
  await expect(table.getByRole('columnheader', { name: '1 live' })).toBeVisible();
  await expect(table.getByRole('rowheader', { name: '3 wanted' })).toBeVisible();
  await table.getByRole('button', { name: '214 volumes, 38.2 GiB: One live copy' }).click();
  await expect(page.getByText('Volumes with 1 of 3 copies')).toBeVisible();
  await expect(page).toHaveURL(/live=1/);
  await expect(page.getByRole('grid', { name: 'Volumes' }).getByText('1 of 3').first()).toBeVisible();
  await page.goBack();
  await expect(table).toBeVisible();
});

test('time left is a range, and a stall says why', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/replication');
  await expect(page.getByText('11–19 min', { exact: true })).toBeVisible();
  const repair = { ...server.report.repair, running: 0, bytes_per_second: 0, eta_min_seconds: 0, eta_max_seconds: 0, stalled: 'every server is full' };
  server.turn({ ...server.report, repair });
  await expect(page.getByText('It stands still: every server is full.')).toBeVisible();
  await expect(page.getByText('not known yet')).toBeVisible();
});

test('pause has an end, and resuming needs no question', async ({ page, server, desk }) => {
  install(server, 60);
  const paused: number[] = [];
  server.over.set('POST /replication/pause', ({ url, body }) => {
    if (!url.searchParams.get('dry_run')) paused.push((body as { seconds: number }).seconds);
    return { status: 200, body: impact(true, 'Repair stops.') };
  });
  server.over.set('POST /replication/resume', () => ({ status: 200, body: impact(false, 'Repair goes on.') }));
  await desk('/d/replication');
  await page.getByRole('button', { name: 'Pause…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause repair' }).click();
  await expect.poll(() => paused).toEqual([1800]);
  const until = new Date(Date.now() + 1_800_000).toISOString();
  server.turn({ ...server.report, repair: { ...server.report.repair, paused: true, paused_by: 'operator', paused_until: until } });
  await expect(page.getByText(/Goes on by itself at/)).toBeVisible();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByText('Repair goes on.').first()).toBeVisible();
  expect(server.calls).toContain('POST /replication/resume');
});

test('three speeds', async ({ page, server, desk }) => {
  install(server, 60);
  const limits: number[] = [];
  server.over.set('PUT /replication/limit', ({ url, body }) => {
    if (!url.searchParams.get('dry_run')) limits.push((body as { bytes_per_second: number }).bytes_per_second);
    return { status: 200, body: impact(true, 'Slower.') };
  });
  await desk('/d/replication');
  const speeds = page.getByRole('group', { name: 'Speed of repair' });
  await expect(speeds.getByRole('button', { name: 'Fast' })).toHaveAttribute('aria-pressed', 'true');
  await speeds.getByRole('button', { name: 'Gentle' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Set repair speed to Gentle' }).click();
  await expect.poll(() => limits).toEqual([20 * 2 ** 20]);
});

test('the queue says why; a volume can be next', async ({ page, server, desk }) => {
  install(server, 60);
  server.over.set('POST /volumes/v8/prioritise', () => ({ status: 204 }));
  await desk('/d/replication?tab=queue');
  const grid = page.getByRole('grid', { name: 'Repair queue' });
  await expect(grid.getByText('dn-0031 did not answer within 10 s').first()).toBeVisible();
  await expect(page.getByText('Of the 60 most urgent of 594.')).toBeVisible();
  await grid.getByText('v8', { exact: true }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Repair next' }).click();
  await expect(page.getByText('Volume v8 is next in turn.')).toBeVisible();
});

test('a volume says where its copies are', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/replication?volume=v1');
  await expect(page.getByRole('heading', { name: 'Volume v1' })).toBeVisible();
  await expect(page.getByRole('row', { name: /dn-0003 down/ }).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Repair next' })).toBeVisible();
});
