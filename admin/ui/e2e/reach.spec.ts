import { verdicts } from './fixture/cluster';
import { expect, test } from './fixture/test';

// What points somewhere leads there, and who works by keys is never left nowhere.

test('a dialog gives the focus back to what opened it', async ({ page, desk }) => {
  await desk();
  const menu = page.getByRole('button', { name: /^Menu of admin|admin/ }).last();
  await menu.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('End');
  for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter'); // shortcuts
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(menu).toBeFocused();
});

test('a window that is minimised leaves the focus at its button', async ({ page, desk }) => {
  await desk('/d/help');
  const help = page.getByRole('region', { name: 'Help', exact: true });
  await help.getByRole('button', { name: 'Minimise' }).click();
  await expect(help).toBeHidden();
  await expect(page.getByRole('navigation', { name: 'Taskbar' }).getByRole('button', { name: /^Help/ })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(help).toBeVisible();
});

test('Escape takes a drag back', async ({ page, desk }) => {
  await desk('/d/help');
  const help = page.getByRole('region', { name: 'Help', exact: true });
  const before = await help.boundingBox();
  if (!before) throw new Error('not on screen');
  await page.mouse.move(before.x + before.width / 2 + 60, before.y + 18);
  await page.mouse.down();
  await page.mouse.move(3, 400, { steps: 5 });
  await expect(page.locator('.snap')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.locator('.snap')).toBeHidden();
  await page.mouse.up();
  expect(await help.boundingBox()).toEqual(before);
});

test('a check is opened where it is explained, in the window that is there', async ({ page, server, desk }) => {
  server.report = verdicts.at_risk();
  await desk('/d/overview');
  await page.getByRole('button', { name: '3 checks need attention' }).click();
  await page.getByRole('dialog', { name: 'Notifications' }).getByRole('button', { name: 'Details' }).nth(1).click();
  const overview = page.getByRole('region', { name: 'Overview', exact: true });
  await expect(overview).toHaveCount(1);
  await expect(overview.getByRole('button', { name: '214 volumes have one live copy' })).toHaveAttribute('aria-expanded', 'true');
  await expect(page).toHaveURL(/check=VOLUME_SINGLE_COPY/);
  await page.goBack();
  await expect(page).toHaveURL(/\/d\/overview$/);
});

test('the launcher opens a file where it lies, and asks before it drains', async ({ page, server, desk }) => {
  server.over.set('POST /nodes/n2/drain', () => ({ status: 200, body: { dry_run: true, sentence: 'It takes 4 minutes.', facts: [{ label: 'Volumes', value: '7', danger: false }, { label: 'Volumes', value: '8', danger: true }], blockers: [] } }));
  await desk();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Apps, nodes, files and actions' }).fill('cat.jpg');
  await page.getByRole('option', { name: /cat\.jpg/ }).click();
  await expect(page).toHaveURL(/path=\/Photos/);
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Apps, nodes, files and actions' }).fill('drain loft-2');
  await page.getByRole('option', { name: /Drain loft-2/ }).click();
  await expect(page.getByRole('dialog', { name: 'Drain loft-2' }).getByText('It takes 4 minutes.')).toBeVisible();
});

test('an icon goes to the first place, and Escape or a press elsewhere changes nothing', async ({ page, desk }) => {
  await desk();
  const icons = page.locator('#icons button');
  const first = await icons.first().boundingBox();
  const third = await icons.nth(2).boundingBox();
  if (!first || !third) throw new Error('not on screen');
  const name = await icons.nth(2).textContent();
  await page.mouse.move(third.x + 40, third.y + 40);
  await page.mouse.down();
  await page.mouse.move(first.x + 40, first.y + 40, { steps: 8 });
  await page.mouse.up();
  await expect(icons.first()).toHaveText(name ?? '');
});

test('two windows in turn, backwards too, and none is lost behind the desk', async ({ page, desk }) => {
  await desk('/d/help');
  await page.locator('#icons').getByRole('button', { name: 'Overview' }).dblclick();
  for (let i = 0; i < 7; i++) await page.keyboard.press('Control+Shift+Backquote');
  for (const name of ['Help', 'Overview']) {
    const z = await page.getByRole('region', { name, exact: true }).evaluate((e) => Number(getComputedStyle(e).zIndex));
    expect(z).toBeGreaterThan(0);
  }
});

test.describe('phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test('what is opened from the sheet is not under it', async ({ page, server, desk }) => {
    server.report = verdicts.at_risk();
    await desk('/d/overview');
    const more = page.getByRole('navigation', { name: 'Taskbar' }).getByRole('button', { name: 'More' });
    const sheet = page.getByRole('region', { name: 'More' });
    await more.tap();
    await sheet.getByRole('button', { name: '3 checks need attention' }).tap();
    await page.getByRole('dialog', { name: 'Notifications' }).getByRole('button', { name: 'Details' }).first().tap();
    await expect(sheet).toBeHidden();
    await more.tap();
    await expect(sheet).toBeVisible();
    await sheet.getByRole('button').first().focus();
    await page.keyboard.press('Escape');
    await expect(sheet).toBeHidden();
    await expect(more).toBeFocused();
  });
});
