import type { Locator, Page } from '@playwright/test';
import { impact, install, volume } from './fixture/fleet';
import { expect, test } from './fixture/test';

// The map, its keys, its twin, and the copies of a volume on it.

test('a thousand nodes as a map: one tab stop, arrows, Enter opens', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/topology');
  const map = page.getByRole('group', { name: /^Map of 1,000 nodes/ });
  await expect(map.getByRole('button')).toHaveCount(1000);
  await expect(map.locator('[tabindex="0"]')).toHaveCount(1);
  await map.locator('[tabindex="0"]').focus();
  const first = await map.locator(':focus').getAttribute('data-node');
  await page.keyboard.press('ArrowRight');
  const second = await map.locator(':focus').getAttribute('data-node');
  expect(second).not.toBe(first);
  await page.keyboard.press('ArrowLeft');
  await expect(map.locator(':focus')).toHaveAttribute('data-node', first ?? '');
  await expect(map.getByRole('button', { name: 'dn-0008, Up, 1 failed disk' })).toBeVisible();
});

test('the copies of a volume light up and are judged', async ({ page, server, desk }) => {
  install(server);
  const v = volume(1, 3, 3);
  server.over.set('GET /volumes/v1', () => ({ status: 200, body: v }));
  await desk('/d/topology');
  await page.getByLabel('Copies of').fill('v1');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(page.getByText(/3 live of 3 copies\. The live ones are in \d racks? of \d zones?\./)).toBeVisible();
  await expect(page.getByRole('button', { name: /has a copy$/ })).toHaveCount(3);
  await page.getByLabel('Copies of').fill('nonsense');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(page.getByText('Give a volume (v123)')).toBeVisible();
});

test('the list says the same as the map', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/topology');
  await page.getByRole('button', { name: 'List', exact: true }).click();
  await expect(page.getByRole('grid', { name: 'List' })).toHaveAttribute('aria-rowcount', '1001');
});

test('a file is judged by each of its volumes, and what cannot be read is red', async ({ page, server, desk }) => {
  install(server);
  const inZone = (i: number, zone: string, live = 3) => {
    const v = volume(i, live, 3);
    return { index: i, id: `b${i}`, offset: 0, length: 1, volume: v.id, live, target: 3, replicas: v.replicas.map((r) => ({ ...r, zone })) };
  };
  server.over.set('GET /fs/blocks', () => ({ status: 200, body: { items: [inZone(1, 'a'), inZone(2, 'b')], total: 2 } }));
  await desk('/d/topology?path=/films/long.mkv');
  await expect(page.getByText(/^Its blocks are in 2 volumes on \d nodes\. Of 2 volumes all live copies are in one place/)).toBeVisible();
  server.over.set('GET /fs/blocks', () => ({ status: 200, body: { items: [], total: 0 } }));
  await page.getByLabel('Copies of').fill('/films/empty');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(page.getByText('It has no blocks')).toBeVisible();
});

test('nothing to add for who may not add', async ({ page, server, desk }) => {
  install(server, 0);
  server.me = { ...server.me, role: 'viewer' };
  await desk('/d/topology');
  await expect(page.getByRole('button', { name: 'Add a machine' })).toHaveAttribute('aria-disabled', 'true');
});

async function carry(page: Page, from: Locator, to: Locator): Promise<void> {
  await to.scrollIntoViewIfNeeded();
  const [a, b] = [await from.boundingBox(), await to.boundingBox()];
  if (!a || !b) throw new Error('nothing to carry');
  await page.mouse.move(a.x + a.width / 2, a.y + a.height / 2);
  await page.mouse.down();
  await page.mouse.move(a.x + a.width / 2 + 20, a.y + a.height / 2 + 8, { steps: 3 });
  await page.mouse.move(b.x + b.width / 2, b.y + 6, { steps: 4 });
}

test('a node is carried to another zone; Escape, and where it is, mean nothing', async ({ page, server, desk }) => {
  install(server, 12);
  const asked: unknown[] = [];
  server.over.set('POST /nodes/n2/zone', ({ url, body }) => {
    asked.push([url.searchParams.has('dry_run'), body]);
    return { status: 200, body: impact(url.searchParams.has('dry_run'), 'It is in the zone row-3/rack-7 then.') };
  });
  await desk('/d/topology');
  const node = page.locator('[data-node="n2"]');
  const rack = page.locator('[data-zone="row-3/rack-7"]');
  await carry(page, node, rack);
  await expect(page.getByText('dn-0002 → row-3/rack-7')).toBeVisible();
  await page.keyboard.press('Escape');
  await page.mouse.up();
  await expect(page.getByText('dn-0002 →')).toHaveCount(0);
  await carry(page, node, page.locator('[data-zone="row-3/rack-3"]'));
  await expect(page.getByText('dn-0002', { exact: true })).toHaveCount(2);
  await page.mouse.up();
  await expect(page.getByText('dn-0002', { exact: true })).toHaveCount(1);
  expect(asked).toEqual([]);
  await carry(page, node, rack);
  await page.mouse.up();
  const dialog = page.getByRole('dialog', { name: 'Move dn-0002 to row-3/rack-7' });
  await expect(dialog.getByText('It is in the zone row-3/rack-7 then.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Move to this zone' }).click();
  await expect(page.getByText('dn-0002 is in row-3/rack-7 now.')).toBeVisible();
  expect(asked).toEqual([[true, { zone: 'row-3/rack-7' }], [false, { zone: 'row-3/rack-7', reason: '' }]]);
  await node.click();
  await expect(page.getByRole('heading', { name: 'dn-0002' }).last()).toBeVisible();
});

test('the same by keys: menu, zone, confirmation', async ({ page, server, desk }) => {
  install(server, 12);
  await desk('/d/topology');
  await page.locator('[data-node="n2"]').focus();
  await page.keyboard.press('Shift+F10');
  await page.getByRole('menuitem', { name: 'Move to zone…' }).press('Enter');
  await page.getByRole('dialog', { name: 'Zone of dn-0002' }).getByLabel('New zone').fill('cellar');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Move dn-0002 to cellar' }).getByText('zone of dn-0002')).toBeVisible();
});

test('who may not move a node cannot carry it, and is told why', async ({ page, server, desk }) => {
  install(server, 12);
  server.me = { ...server.me, role: 'viewer' };
  await desk('/d/topology');
  await carry(page, page.locator('[data-node="n2"]'), page.locator('[data-zone="row-3/rack-7"]'));
  await expect(page.getByText('dn-0002 →')).toHaveCount(0);
  await page.mouse.up();
  await page.locator('[data-node="n2"]').click({ button: 'right' });
  await expect(page.getByRole('menuitem', { name: 'Move to zone…' })).toHaveAttribute('aria-disabled', 'true');
});
