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
  await expect(map.getByRole('button', { name: 'dn-0008, Up, 1 failed disks' })).toBeVisible();
});

test('the copies of a volume light up and are judged', async ({ page, server, desk }) => {
  install(server);
  const v = volume(1, 3, 3);
  server.over.set('GET /volumes/v1', () => ({ status: 200, body: v }));
  await desk('/d/topology');
  await page.getByLabel('Copies of').fill('v1');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(page.getByText(/3 live of 3 copies\. The live ones are in \d zones?\./)).toBeVisible();
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
