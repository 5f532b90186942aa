import { install } from './fixture/fleet';
import { expect, sound, test } from './fixture/test';

// The list of nodes as a person wants it: views, groups, and all nodes at a glance.

test('a view is saved, shown again after a reload, renamed and deleted', async ({ page, server, desk }) => {
  install(server, 40);
  await desk('/d/nodes');
  const grid = page.getByRole('grid', { name: 'Nodes' });
  await page.getByRole('searchbox', { name: 'Find by name, address or zone' }).fill('row-1');
  await grid.getByRole('button', { name: 'Free', exact: true }).click();
  await page.getByRole('button', { name: 'Group by zone' }).click();
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'Save this view…' }).click();
  await page.getByLabel('Name of the view').fill('Row one');
  await page.keyboard.press('Enter');
  await expect(page.getByText('The view Row one is saved.')).toBeVisible();
  const rows = await grid.getAttribute('aria-rowcount');
  await expect.poll(() => JSON.stringify(server.desktop), { timeout: 15_000 }).toContain('Row one');
  await page.getByRole('button', { name: 'Group by zone' }).click();
  await expect.poll(() => JSON.stringify(server.desktop), { timeout: 15_000 }).not.toContain('"group"');
  await desk('/d/nodes');
  await expect(grid).toHaveAttribute('aria-rowcount', '41');
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Row one' }).click();
  await expect(grid).toHaveAttribute('aria-rowcount', rows ?? '');
  await expect(page).toHaveURL(/group=zone/);
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'Rename “Row one”…' }).click();
  await page.getByLabel('Name of the view').fill('First row');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Views' }).click();
  await expect(page.getByRole('menuitemcheckbox', { name: 'First row' })).toHaveAttribute('aria-checked', 'true');
  await page.getByRole('menuitem', { name: 'Delete “First row”' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('button', { name: 'Views' }).click();
  await expect(page.getByRole('menuitemcheckbox', { name: 'First row' })).toBeVisible();
});

test('nodes under their zones: heads are no rows, keys pass them', async ({ page, server, desk }) => {
  install(server, 8);
  await desk('/d/nodes?group=zone');
  const grid = page.getByRole('grid', { name: 'Nodes' });
  await expect(grid).toHaveAttribute('aria-rowcount', '17');
  await expect(grid.getByText('row-1/rack-5 · 1 node', { exact: true })).toBeVisible();
  await grid.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Control+a');
  await expect(page.getByText('8 nodes chosen')).toBeVisible();
  expect(await sound(page)).toEqual([]);
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/d\/nodes\/n4/);
});

test('a thousand nodes in a strip: one tab stop, told in words, opened by Enter', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/nodes');
  const strip = page.getByRole('group', { name: /^Used space of 1,000 nodes/ });
  await expect(strip.locator('i')).toHaveCount(1000);
  const box = await strip.boundingBox();
  expect(box?.height).toBeLessThanOrEqual(132);
  await expect(page.getByText(/^Highest: dn-\d+, \d+%$/)).toBeVisible();
  await strip.focus();
  await expect(page.getByText(/^dn-0020 · row-1\/rack-1 · \d+% · Up$/)).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByText(/^dn-0040 · row-1\/rack-1 · /)).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/d\/nodes\/n40$/);
});

test('the strip shows another figure, and only what is filtered', async ({ page, server, desk }) => {
  install(server, 40);
  await desk('/d/nodes');
  await page.getByLabel('Cells show').selectOption('state');
  await page.getByRole('button', { name: /^Down/ }).click();
  const strip = page.getByRole('group', { name: /^State of 1 node,/ });
  await strip.focus();
  await expect(page.getByText('dn-0003 · row-4/rack-4 · Down')).toBeVisible();
});
