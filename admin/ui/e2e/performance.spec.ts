import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  expect((await dialog.getByRole('searchbox').locator('..').boundingBox())?.height, 'one line').toBeLessThan(60);
  await dialog.getByRole('searchbox').fill('dn-000');
  await dialog.getByLabel(/dn-0001/).check();
  await dialog.getByLabel(/dn-0002/).check();
  await dialog.getByRole('button', { name: 'Show' }).click();
  await expect(page).toHaveURL(/node=n1(,|%2C)n2/);
  await expect(page.getByRole('group', { name: 'Latency p99', exact: true }).getByText('dn-0002')).toBeVisible();
});

test('the point in time and the zoom are moved by keys, for all charts', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/performance');
  const slider = page.getByRole('slider', { name: 'Point in time of all charts' });
  await expect(slider).toHaveAttribute('aria-valuetext', 'Newest figures');
  await slider.focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect(slider).toHaveAttribute('aria-valuetext', /^At /);
  // the crosshair stands in every chart at the same place
  const left = () =>
    page.locator('.u-cursor-x').evaluateAll((all) => all.slice(0, 4).map((el) => Number(/translate\(([\d.-]+)px/.exec((el as HTMLElement).style.transform)?.[1] ?? -1)));
  await expect.poll(async () => Math.min(...(await left()))).toBeGreaterThan(100);
  await page.getByRole('button', { name: 'Look closer' }).press('Enter');
  await expect(page.getByRole('button', { name: 'Back to the whole range' })).toBeVisible();
  const label = () => page.getByRole('img', { name: /^Throughput, / }).getAttribute('aria-label');
  const seen = await label();
  await page.getByRole('button', { name: 'Go earlier' }).press('Enter');
  await expect.poll(label).not.toBe(seen);
  await page.getByRole('button', { name: 'See more' }).press('Enter');
  await expect(page.getByRole('button', { name: 'Back to the whole range' })).toBeHidden();
  await slider.press('Escape');
  await expect(slider).toHaveAttribute('aria-valuetext', 'Newest figures');
});

test('an earlier time stands beside the present, in the chart, in words, in the table', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/performance');
  await page.getByRole('combobox', { name: 'Compare with' }).selectOption('day');
  await expect(page).toHaveURL(/compare=day/);
  const card = page.getByRole('group', { name: 'Throughput', exact: true });
  await expect(card.getByText(/^earlier .*MiB\/s/).first()).toBeVisible();
  await page.getByRole('button', { name: 'Throughput: Show as table' }).click();
  await expect(card.getByRole('columnheader', { name: 'Reads, earlier' })).toBeVisible();
  await page.getByRole('button', { name: '7 d', exact: true }).click();
  await expect(page.getByText('So old figures are not kept.')).toBeVisible();
  await expect(card.getByRole('columnheader', { name: 'Reads, earlier' })).toBeHidden();
  await page.getByRole('combobox', { name: 'Compare with' }).selectOption('none');
  await expect(page.getByText('So old figures are not kept.')).toBeHidden();
});

test('a chart is saved as a picture and as figures', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/performance?compare=prior');
  await expect(page.getByText(/^earlier /).first()).toBeVisible();
  const save = async (item: string) => {
    await page.getByRole('button', { name: 'Latency: Export' }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: item }).click()]);
    return { name: download.suggestedFilename(), data: readFileSync(await download.path()) };
  };
  const png = await save('Picture as PNG');
  expect(png.name).toBe('latency.png');
  expect(png.data.subarray(1, 4).toString()).toBe('PNG');
  const [width, height] = [png.data.readUInt32BE(16), png.data.readUInt32BE(20)];
  expect(Math.min(width, height)).toBeGreaterThan(200);
  const shots = join(import.meta.dirname, 'output/apps');
  mkdirSync(shots, { recursive: true });
  writeFileSync(join(shots, 'performance-saved.png'), png.data);
  const csv = (await save('Figures as CSV')).data.toString();
  expect(csv.split('\r\n')[0]).toBe('Time,Half are quicker (p50) (ms),"Half are quicker (p50), earlier (ms)",p95 (ms),"p95, earlier (ms)",p99 (ms),"p99, earlier (ms)"');
  await page.getByRole('button', { name: 'Latency: Show as table' }).click();
  await page.getByRole('button', { name: 'Latency: Export' }).click();
  await expect(page.getByRole('menuitem', { name: 'Picture as PNG' })).toHaveAttribute('aria-disabled', 'true');
});

test('the heat map: the hottest first, told in words, by keys, as a table, as a file', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/performance');
  await page.getByRole('button', { name: 'Heat map', exact: true }).click();
  await expect(page).toHaveURL(/view=heat/);
  const map = page.getByRole('group', { name: /^Reading of the nodes: 64 nodes, .* Arrow keys move/ });
  await expect(page.getByText('The 64 of 1,000 nodes with the highest figures.')).toBeVisible();
  await map.focus();
  await page.keyboard.press('ArrowDown');
  const said = page.getByRole('status').filter({ hasText: 'dn-' });
  await expect(said).toHaveText(/^dn-0001, \d\d:\d\d: .*MiB\/s$/);
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Home');
  await expect(said).toHaveText(/^dn-0005, .*: not known$/);
  await page.getByRole('combobox', { name: 'Figure' }).selectOption('latency_p99');
  await expect(page).toHaveURL(/series=latency_p99/);
  await page.getByRole('button', { name: 'Latency p99 of the nodes: Show as table' }).click();
  await expect(page.getByRole('rowheader', { name: 'dn-0001' })).toBeVisible();
  expect(await page.getByRole('columnheader').count()).toBe(13);
  await page.getByRole('button', { name: 'Latency p99 of the nodes: Heat map' }).click();
  await page.getByRole('button', { name: 'Latency p99 of the nodes: Export' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Picture as PNG' }).click()]);
  expect(download.suggestedFilename()).toBe('heat-latency_p99.png');
  await download.saveAs(join(import.meta.dirname, 'output/apps/heat-saved.png'));
  const again = page.getByRole('group', { name: /^Latency p99 of the nodes: 64 nodes/ });
  await again.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('tab', { name: 'Safe to stop?' })).toBeVisible();
});

test.describe('with a finger', () => {
  test.use({ hasTouch: true, viewport: { width: 390, height: 844 } });
  test('a tap on a chart and on the heat map tells the figures there', async ({ page, server, desk }) => {
    install(server, 60);
    await desk('/d/performance');
    await page.getByRole('img', { name: /^Throughput, / }).locator('.u-over').tap({ position: { x: 120, y: 60 } });
    await expect(page.getByRole('slider')).toHaveAttribute('aria-valuetext', /^At /);
    await page.getByRole('button', { name: 'Heat map', exact: true }).click();
    await page.getByRole('group', { name: /^Reading of the nodes/ }).tap({ position: { x: 60, y: 60 } });
    await expect(page.getByRole('status').filter({ hasText: 'dn-0003, ' })).toBeVisible();
  });
});

test('choosing nodes moves nothing below the finger, and says name and zone apart', async ({ page, server, desk }) => {
  install(server, 60);
  await desk('/d/performance');
  await page.getByRole('button', { name: 'Whole cluster' }).click();
  const boxes = page.getByRole('dialog', { name: 'Choose nodes' }).getByRole('checkbox');
  const tenth = boxes.nth(9);
  await tenth.focus();
  await page.keyboard.press('Space');
  await expect(tenth).toBeChecked();
  await expect(tenth).toBeFocused();
  await expect(boxes.first()).toHaveAccessibleName('dn-0001 row-2/rack-2');
});
