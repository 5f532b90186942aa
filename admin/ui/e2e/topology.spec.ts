import { install, volume } from './fixture/fleet';
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
