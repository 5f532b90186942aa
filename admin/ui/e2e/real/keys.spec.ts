import type { Page } from '@playwright/test';
import { box, win } from '../fixture/windows';
import { expect, test } from './test';

// The same windows without a mouse.
test.describe.configure({ timeout: 60_000 });

// find opens an app through the launcher.
async function find(page: Page, app: string): Promise<void> {
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('combobox', { name: 'Apps, nodes, files and actions' })).toBeFocused();
  await page.keyboard.type(app);
  await expect(page.getByRole('option', { name: new RegExp(`^${app}`) }).first()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await expect(win(page, app)).toBeVisible();
  await expect(win(page, app)).toBeFocused();
}

async function menu(page: Page, app: string, item: string): Promise<void> {
  await page.keyboard.press('Control+Alt+m');
  const list = page.getByRole('menu', { name: `Window menu of ${app}` });
  await expect(list).toBeVisible();
  for (let i = 0; (await list.locator(':focus').innerText()).trim() !== item; i++) {
    expect(i, `${item} is in the menu`).toBeLessThan(30);
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('Enter');
  await expect(list).toBeHidden();
}

test('open, move, size, snap, switch and close by keys', async ({ page, ownDesk }) => {
  await ownDesk();
  const press = (...keys: string[]): Promise<void> => keys.reduce((before, k) => before.then(() => page.keyboard.press(k)), Promise.resolve());
  await find(page, 'Nodes');
  await find(page, 'Help');
  const help = win(page, 'Help');
  const first = await box(help);

  await menu(page, 'Help', 'Move');
  await expect(help.getByRole('status').filter({ hasText: 'Arrow keys move the window' })).toBeVisible();
  await press('ArrowRight', 'ArrowRight', 'ArrowUp', 'Enter');
  await expect.poll(() => box(help)).toEqual({ ...first, x: first.x + 32, y: first.y - 16 });
  await menu(page, 'Help', 'Move');
  await press('ArrowDown', 'ArrowLeft', 'Escape');
  await expect.poll(() => box(help)).toEqual({ ...first, x: first.x + 32, y: first.y - 16 });
  await menu(page, 'Help', 'Resize');
  await press('ArrowLeft', 'ArrowLeft', 'ArrowUp', 'Enter');
  const sized = { x: first.x + 32, y: first.y - 16, width: first.width - 32, height: first.height - 16 };
  await expect.poll(() => box(help)).toEqual(sized);
  await menu(page, 'Help', 'Resize');
  await press('ArrowDown', 'Escape');
  await expect.poll(() => box(help)).toEqual(sized);
  await press('Alt+ArrowLeft');
  await expect.poll(() => box(help)).toEqual({ ...sized, x: sized.x - 16 });

  for (const [key, at] of [
    ['Alt+Shift+ArrowLeft', { x: 0, y: 0, width: 720, height: 852 }],
    ['Alt+Shift+ArrowUp', { x: 0, y: 0, width: 720, height: 426 }],
    ['Alt+Shift+ArrowDown', { x: 0, y: 0, width: 720, height: 852 }],
    ['Alt+Shift+ArrowDown', { x: 0, y: 426, width: 720, height: 426 }],
    ['Alt+Shift+ArrowRight', { ...sized, x: sized.x - 16 }],
    ['Alt+Shift+ArrowRight', { x: 720, y: 0, width: 720, height: 852 }],
    ['Alt+Shift+ArrowLeft', { ...sized, x: sized.x - 16 }],
    ['Alt+Shift+ArrowUp', { x: 0, y: 0, width: 1440, height: 852 }],
    ['Alt+Shift+ArrowDown', { ...sized, x: sized.x - 16 }],
  ] as const) {
    await press(key);
    await expect.poll(() => box(help), key).toEqual(at);
  }

  await press('Control+Backquote');
  await expect(page).toHaveURL(/\/d\/nodes$/);
  await expect(win(page, 'Nodes')).toBeFocused();
  await press('Control+Backquote');
  await expect(help).toBeFocused();
  await press('Control+Shift+Backquote');
  await expect(win(page, 'Nodes')).toBeFocused();

  await press('Control+Backquote', 'Alt+Shift+ArrowDown');
  await expect(help).toBeHidden();
  const button = page.getByRole('navigation', { name: 'Taskbar' }).getByRole('button', { name: 'Help, minimised' });
  await expect(button).toBeFocused();
  await press('Enter');
  await expect(help).toBeFocused();
  await menu(page, 'Help', 'Close');
  await expect(help).toHaveCount(0);
  await expect(win(page, 'Nodes')).toBeFocused();
});

test('F6 goes round, and what closes gives the focus back to where one was', async ({ page, ownDesk }) => {
  await ownDesk();
  const icon = page.locator('#icons').getByRole('button', { name: 'Help', exact: true });
  const search = page.getByRole('navigation', { name: 'Taskbar' }).getByRole('button', { name: /^Find/ });
  await page.keyboard.press('F6');
  await page.keyboard.press('End');
  await expect(icon).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(win(page, 'Help')).toBeFocused();
  await page.keyboard.press('F6');
  await expect(search).toBeFocused();
  await page.keyboard.press('F6');
  await expect(icon).toBeFocused();
  await page.keyboard.press('F6');
  await expect(win(page, 'Help')).toBeFocused();
  await page.keyboard.press('Shift+F6');
  await expect(icon).toBeFocused();
  await page.keyboard.press('F6');
  await menu(page, 'Help', 'Close');
  await expect(icon).toBeFocused();

  await page.keyboard.press('Shift+F6');
  await expect(search).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('combobox', { name: 'Apps, nodes, files and actions' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(search).toBeFocused();
  await find(page, 'Nodes');
  await menu(page, 'Nodes', 'Close');
  await expect(search).toBeFocused();
});
