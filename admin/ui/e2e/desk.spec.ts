import { expect, test } from './fixture/test';
import { box, dragBy, title, win } from './fixture/windows';

// Windows by mouse, by touch-sized grips and by keys alone.

test('a window moves, snaps with a preview, comes loose, and grows by its corner', async ({ page, desk }) => {
  await desk('/d/help');
  const help = win(page, 'Help');
  const first = await box(help);
  await dragBy(page, title(first), { x: title(first).x + 120, y: title(first).y + 60 });
  await page.mouse.up();
  await expect.poll(async () => (await box(help)).x).toBeCloseTo(first.x + 120, 0);

  const moved = await box(help);
  await dragBy(page, title(moved), { x: 2, y: 400 });
  await expect(page.locator('.snap')).toBeVisible();
  await page.mouse.up();
  await expect(page.locator('.snap')).toBeHidden();
  expect(await box(help)).toMatchObject({ x: 0, y: 0, width: 720, height: 852 });

  await dragBy(page, { x: 400, y: 18 }, { x: 700, y: 200 });
  await page.mouse.up();
  const loose = await box(help);
  expect(loose.width).toBeCloseTo(first.width, 0);
  expect(loose.x).toBeGreaterThan(50);

  const corner = { x: loose.x + loose.width, y: loose.y + loose.height };
  await dragBy(page, corner, { x: corner.x - 200, y: corner.y - 100 });
  await page.mouse.up();
  const small = await box(help);
  expect(small.width).toBeCloseTo(loose.width - 200, 0);
  expect(small.height).toBeCloseTo(loose.height - 100, 0);
  expect(small.x).toBeCloseTo(loose.x, 0);
});

test('every one of the eight edges resizes', async ({ page, desk }) => {
  await desk('/d/help');
  const help = win(page, 'Help');
  for (let i = 0; i < 4; i++) await page.keyboard.press('Alt+ArrowDown');
  const sides = { n: [0, -1], s: [0, 1], e: [1, 0], w: [-1, 0], ne: [1, -1], nw: [-1, -1], se: [1, 1], sw: [-1, 1] } as const;
  for (const [edge, [dx, dy]] of Object.entries(sides)) {
    const before = await box(help);
    const from = {
      x: dx < 0 ? before.x - 1 : dx > 0 ? before.x + before.width + 1 : before.x + before.width / 2,
      y: dy < 0 ? before.y - 1 : dy > 0 ? before.y + before.height + 1 : before.y + before.height / 2,
    };
    await dragBy(page, from, { x: from.x + dx * 12, y: from.y + dy * 12 });
    await page.mouse.up();
    const after = await box(help);
    expect(after.width - before.width, `${edge} width`).toBeCloseTo(Math.abs(dx) * 12, 0);
    expect(after.height - before.height, `${edge} height`).toBeCloseTo(Math.abs(dy) * 12, 0);
  }
});

test('double click maximises and restores; the taskbar minimises and brings back', async ({ page, desk }) => {
  await desk('/d/help');
  const help = win(page, 'Help');
  const first = await box(help);
  await page.mouse.dblclick(title(first).x, title(first).y);
  expect(await box(help)).toMatchObject({ x: 0, y: 0, width: 1440, height: 852 });
  await page.mouse.dblclick(720, 18);
  expect(await box(help)).toEqual(first);
  const button = page.getByRole('navigation', { name: 'Taskbar' }).getByRole('button', { name: 'Help' });
  await button.click();
  await expect(help).toBeHidden();
  await button.click();
  await expect(help).toBeVisible();
});

test('keys alone: open, move, resize, snap, switch, close', async ({ page, desk }) => {
  await desk();
  await page.keyboard.press('F6');
  await expect(page.getByRole('button', { name: 'Overview', exact: true }).first()).toBeFocused();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  const help = win(page, 'Help');
  await expect(help).toBeVisible();
  const first = await box(help);

  await page.keyboard.press('Alt+ArrowRight');
  expect((await box(help)).x).toBe(first.x + 16);

  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  expect(await box(help)).toMatchObject({ width: first.width + 16, height: first.height + 16 });

  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Escape');
  expect((await box(help)).y).toBe(first.y);

  await page.keyboard.press('Alt+Shift+ArrowLeft');
  expect(await box(help)).toMatchObject({ x: 0, y: 0, width: 720 });
  await page.keyboard.press('Alt+Shift+ArrowUp');
  expect(await box(help)).toMatchObject({ x: 0, y: 0, width: 720, height: 426 });

  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Apps, nodes, files and actions' }).fill('connect');
  await page.keyboard.press('Enter');
  await expect(win(page, 'Connect')).toBeVisible();
  await page.keyboard.press('Control+Backquote');
  await expect(page).toHaveURL(/\/d\/help$/);
  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await expect(help).toBeHidden();
  await expect(page).toHaveURL(/\/d\/connect/);
});

test('the arrangement is kept: here, on the server, and on a smaller screen', async ({ page, server, desk, origin }) => {
  await desk('/d/help');
  await page.keyboard.press('Alt+Shift+ArrowRight');
  await expect.poll(() => JSON.stringify(server.desktop)).toContain('"snap":"right"');
  await page.goto(origin);
  await expect(win(page, 'Help')).toBeVisible();
  await page.evaluate(() => localStorage.clear());
  await page.setViewportSize({ width: 1000, height: 700 });
  await page.goto(origin);
  await expect(win(page, 'Help')).toBeVisible();
  expect(await box(win(page, 'Help'))).toMatchObject({ x: 500, width: 500 });
});

test('a layout that makes no sense is forgotten', async ({ page, server, desk }) => {
  server.desktop = { version: 1, windows: [{ app: 'nodes', rect: 'x' }, 7], icons: 'no', at: 9e15 };
  await desk();
  await expect(page.getByRole('region', { name: 'Nodes' })).toBeHidden();
  await expect(page.getByRole('button', { name: 'Nodes', exact: true }).first()).toBeVisible();
});

test('addresses open windows; Back returns; an unknown app is said', async ({ page, desk }) => {
  await desk('/d/connect');
  await expect(win(page, 'Connect')).toBeVisible();
  await desk('/d/nonsense');
  await expect(page.getByText('There is no app named “nonsense” here.')).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Apps, nodes, files and actions' })).toBeFocused();
});

test('icons: one click selects, two open; the menu moves them', async ({ page, server, desk }) => {
  await desk();
  const icon = page.locator('#icons [data-app=help]');
  await icon.click();
  await expect(icon).toBeFocused();
  await expect(win(page, 'Help')).toBeHidden();
  await icon.click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Move up' }).click();
  await expect.poll(() => (server.desktop as { icons?: string[] }).icons?.indexOf('help')).toBe(9);
  await icon.dblclick();
  await expect(win(page, 'Help')).toBeVisible();
});

test('German, and back', async ({ page, desk }) => {
  await desk();
  await page.getByRole('button', { name: 'admin: user menu' }).click();
  await page.getByRole('menuitem', { name: 'Preferences' }).click();
  await page.getByLabel('Language').selectOption('de');
  await expect(page.getByRole('dialog', { name: 'Vorlieben' })).toBeVisible();
  await expect(page).toHaveTitle('Geschützt – attic');
  await page.reload();
  await expect(page.getByText('Nichts zu reparieren')).toBeVisible();
});
