import { install } from './fixture/fleet';
import { expect, test } from './fixture/test';

// Charts, their twins, one range and one zoom for all.

test('every chart has its figures in words and as a table', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/performance');
  const chart = page.getByRole('img', { name: /^Throughput, / });
  await expect(chart).toBeVisible();
  await expect(chart.locator('canvas')).toBeVisible();
  expect(await page.getByRole('img', { name: / at most\./ }).count()).toBeGreaterThanOrEqual(7);
  await page.getByRole('button', { name: 'Throughput: Show as table' }).click();
  const table = page.getByRole('group', { name: 'Throughput', exact: true }).getByRole('table');
  await expect(table.getByRole('columnheader', { name: 'Writes' })).toBeVisible();
  expect(await table.getByRole('row').count()).toBe(61);
});

test('dragging looks closer in all charts, and there is a way back', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/performance');
  const over = page.getByRole('img', { name: /^Throughput, / }).locator('.u-over');
  await expect(over).toBeVisible();
  const b = await over.boundingBox();
  if (!b) throw new Error('not on screen');
  await page.mouse.move(b.x + b.width * 0.4, b.y + 40);
  await page.mouse.down();
  await page.mouse.move(b.x + b.width * 0.7, b.y + 40, { steps: 5 });
  await page.mouse.up();
  const back = page.getByRole('button', { name: 'Back to the whole range' });
  await expect(back).toBeVisible();
  await back.click();
  await expect(back).toBeHidden();
});

test('the range and the nodes stand in the address; one line for a node', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/performance');
  await page.getByRole('button', { name: '6 h', exact: true }).click();
  await expect(page).toHaveURL(/range=6h/);
  await page.getByRole('button', { name: 'Whole cluster' }).click();
  const dialog = page.getByRole('dialog', { name: 'Choose nodes' });
  await dialog.getByRole('searchbox').fill('dn-000');
  await dialog.getByLabel(/dn-0001/).check();
  await dialog.getByLabel(/dn-0002/).check();
  await dialog.getByRole('button', { name: 'Show' }).click();
  await expect(page).toHaveURL(/node=n1(,|%2C)n2/);
  await expect(page.getByRole('group', { name: 'Latency p99', exact: true }).getByText('dn-0002')).toBeVisible();
});
