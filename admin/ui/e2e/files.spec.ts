import type { Page } from '@playwright/test';
import { Drive, hostile } from './fixture/drive';
import { expect, test } from './fixture/test';

// What a person does in Files, by mouse and by keyboard, against a drive in memory.
async function files(page: Page, desk: (path?: string) => Promise<void>, path = '/'): Promise<Drive> {
  const drive = new Drive();
  await drive.attach(page);
  await desk(`/d/files?path=${encodeURIComponent(path)}`);
  await page.getByRole('grid').waitFor();
  return drive;
}

const row = (page: Page, name: string | RegExp) => page.getByRole('row', { name }).first();
const at = { x: 120, y: 12 };

test('by keyboard alone: find, open, go up, make a folder, rename it, delete it', async ({ page, desk }) => {
  const drive = await files(page, desk);
  await page.getByRole('grid').focus();
  await page.keyboard.type('proj');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/path=(%2F|\/)projects/);
  await expect(page.getByRole('grid').locator(':focus').or(page.locator('[role=grid]:focus'))).toBeVisible();
  await page.keyboard.press('Backspace');
  await expect(page.getByText('1 selected')).toBeVisible();
  await page.keyboard.press('Alt+Shift+N');
  const field = page.getByRole('textbox', { name: 'New name' });
  await expect(field).toBeFocused();
  await field.fill('a/b');
  await expect(page.getByText('A name cannot contain / or \\.')).toBeVisible();
  await field.fill('Übersicht');
  await page.keyboard.press('Enter');
  await expect(row(page, 'Übersicht')).toBeVisible();
  await expect.poll(() => drive.files.has('/Übersicht')).toBe(true);
  await page.getByRole('grid').focus();
  await page.keyboard.press('Delete');
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await expect.poll(() => drive.files.has('/Übersicht')).toBe(false);
});

test('the path is a text on Ctrl+L, and what is no path is refused', async ({ page, desk }) => {
  await files(page, desk);
  await page.getByRole('grid').focus();
  await page.keyboard.press('Control+l');
  const path = page.getByRole('textbox', { name: 'Path' });
  await path.fill('/a\\b');
  await expect(page.getByText('This cannot be a path of the drive.')).toBeVisible();
  await path.fill('photos/2026');
  await page.keyboard.press('Enter');
  await expect(row(page, 'IMG_0001.png')).toBeVisible();
});

test('a folder with content is deleted only when its name is typed', async ({ page, desk }) => {
  const drive = await files(page, desk);
  await row(page, /^photos/).click({ position: at });
  await page.keyboard.press('Delete');
  const verb = page.getByRole('button', { name: 'Delete for good' });
  await expect(verb).toHaveAttribute('aria-disabled', 'true');
  await page.getByLabel('Type photos to confirm').fill('photos');
  await verb.click();
  await expect.poll(() => [...drive.files.keys()].some((p) => p.startsWith('/photos'))).toBe(false);
});

test('cut and paste into another folder, and undo', async ({ page, desk }) => {
  const drive = await files(page, desk);
  await row(page, /readme/).click({ position: at });
  await page.keyboard.press('Control+x');
  await row(page, /^empty/).dblclick({ position: at });
  await expect(page.getByText('This folder is empty')).toBeVisible();
  await page.getByRole('toolbar').getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Paste' }).click();
  await expect.poll(() => drive.files.has('/empty/readme.md')).toBe(true);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => drive.files.has('/readme.md')).toBe(true);
});

test('dragging an entry onto a folder moves it', async ({ page, desk }) => {
  const drive = await files(page, desk);
  await row(page, /readme/).locator('[draggable=true]').dragTo(row(page, /^music/));
  await expect.poll(() => drive.files.has('/music/readme.md')).toBe(true);
});

test('files are uploaded, and a taken name is asked about', async ({ page, desk }) => {
  const drive = await files(page, desk);
  await page.locator('input[type=file]').first().setInputFiles([
    { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('mine') },
    { name: 'new.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') },
    { name: 'nothing.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) },
  ]);
  await page.getByRole('button', { name: 'Keep both' }).click();
  await expect.poll(() => drive.files.get('/notes (2).txt')?.data?.toString()).toBe('mine');
  await expect.poll(() => drive.files.get('/new.txt')?.data?.toString()).toBe('hello');
  expect(drive.files.has('/nothing.txt')).toBe(true);
  await expect(row(page, 'new.txt')).toBeVisible();
});

test('hostile names are harmless and shown as they are', async ({ page, desk }) => {
  await files(page, desk, '/projects');
  for (const name of hostile) await expect(page.getByRole('row').filter({ hasText: name.replace(/[\u202e\u2028]/g, (c) => `U+${c.charCodeAt(0).toString(16).toUpperCase()}`).slice(0, 40) })).toHaveCount(1);
  await expect(page.locator('img')).toHaveCount(0);
});

test('markup is shown as text, never rendered', async ({ page, desk }) => {
  await files(page, desk);
  await row(page, /notes/).click({ position: at });
  await page.keyboard.press('Space');
  await expect(page.getByText('<script>alert(1)</script>')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('a rectangle selects what it touches', async ({ page, desk }) => {
  await files(page, desk);
  const first = await row(page, /budget/).boundingBox();
  const last = await row(page, /notes/).boundingBox();
  if (!first || !last) throw new Error('no rows');
  const x = first.x + first.width * 0.55;
  await page.mouse.move(x, first.y + 8);
  await page.mouse.down();
  await page.mouse.move(x + 30, last.y + 12, { steps: 5 });
  await page.mouse.up();
  await expect(page.getByText('3 selected')).toBeVisible();
});

test('100,000 entries: the first are soon there, the last in reach', async ({ page, desk }) => {
  const drive = new Drive();
  drive.many('/big', 100_000);
  await drive.attach(page);
  await desk('/d/files?path=/big');
  await expect(row(page, 'file-0.dat')).toBeVisible();
  await expect(page.getByText('100,000 entries')).toBeVisible({ timeout: 20_000 });
  expect(await page.getByRole('row').count()).toBeLessThan(80);
  await page.getByRole('grid').focus();
  await page.keyboard.press('End');
  await expect(row(page, 'file-99999.dat')).toBeVisible();
});

test('a reader changes nothing', async ({ page, server, desk }) => {
  server.me = { ...server.me, role: 'reader' };
  const drive = await files(page, desk);
  await row(page, /readme/).click({ position: at });
  await page.keyboard.press('Delete');
  await page.keyboard.press('F2');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await row(page, /readme/).click({ button: 'right', position: at });
  await expect(page.getByRole('menuitem', { name: 'Rename' })).toHaveAttribute('aria-disabled', 'true');
  expect(drive.calls.filter((c) => c.startsWith('POST'))).toEqual([]);
});
