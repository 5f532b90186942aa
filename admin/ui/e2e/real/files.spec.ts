import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from '@playwright/test';
import { password } from './cluster';
import { expect, tabTo, test } from './test';

// The file manager over the real drive, its bytes compared through WebDAV.
test.describe.configure({ mode: 'serial', timeout: 120_000 });

function bytes(i: number): Buffer<ArrayBuffer> {
  const b = Buffer.alloc((i * 7919) % 60_000);
  for (let k = 0; k < b.length; k++) b[k] = (k * (i + 3)) % 253;
  return b;
}

test('a folder of 200 files arrives byte for byte', async ({ page, cluster, signedIn }) => {
  const root = test.info().outputPath('holiday');
  for (let d = 0; d < 4; d++) {
    mkdirSync(join(root, `day ${d}`), { recursive: true });
    for (let i = 0; i < 50; i++) writeFileSync(join(root, `day ${d}`, `Bild ${i} ö#%.bin`), bytes(d * 50 + i));
  }
  await signedIn('/d/files');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  await page.getByRole('menuitem', { name: /Upload a folder/ }).click();
  await (await chooser).setFiles(root);
  await expect
    .poll(async () => ((await (await cluster.dav('PROPFIND', '/holiday/day 3')).text()).match(/<(D:|d:)?response>/gi) ?? []).length, { timeout: 90_000 })
    .toBe(51);
  for (let d = 0; d < 4; d++)
    for (let i = 0; i < 50; i++) {
      const path = `/holiday/day ${d}/Bild ${i} ö#%.bin`;
      const url = new URL(path.split('/').map(encodeURIComponent).join('/').slice(1), cluster.drive);
      await expect
        .poll(async () => Buffer.from(await (await fetch(url, { headers: auth() })).arrayBuffer()).equals(bytes(d * 50 + i)), { timeout: 30_000 })
        .toBe(true);
    }
});

test('rename and delete are what the drive shows', async ({ page, cluster, signedIn }) => {
  await cluster.dav('MKCOL', '/a');
  await cluster.dav('PUT', '/a/old name.txt', Buffer.from('one'));
  await signedIn('/d/files?path=/a');
  await page.getByText('old name.txt').first().click();
  await page.keyboard.press('F2');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('new name.txt');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await cluster.dav('GET', '/a/new name.txt')).status).toBe(200);
  expect((await cluster.dav('GET', '/a/old name.txt')).status).toBe(404);

  await page.getByText('new name.txt').first().click();
  await page.keyboard.press('Delete');
  const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog')).first();
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await expect.poll(async () => (await cluster.dav('GET', '/a/new name.txt')).status).toBe(404);
});

test('without a mouse: sign in, upload through the button, move, delete', async ({ page, cluster, faults }) => {
  void faults;
  const grid = (folder: string): Locator => page.getByRole('grid', { name: `Contents of ${folder}` });
  const win = (folder: string): Locator => page.locator('section.win', { has: grid(folder) });
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  for (const p of ['/from', '/to']) {
    await cluster.dav('MKCOL', p);
    await cluster.dav('PUT', `${p}/there already`, bytes(1));
  }
  await page.goto(`${cluster.admin}/d/files?path=/from`);
  await expect(page.getByLabel('User name')).toBeFocused();
  await page.keyboard.type('admin');
  await press('Tab');
  await page.keyboard.type(password);
  await press('Enter');
  await expect(grid('from')).toBeVisible({ timeout: 15_000 });

  await tabTo(page, win('from').getByRole('button', { name: 'Upload', exact: true }));
  await press('Enter');
  const chooser = page.waitForEvent('filechooser');
  await press('Enter'); // the first of the menu: files
  await (await chooser).setFiles({ name: 'letter.bin', mimeType: 'application/octet-stream', buffer: bytes(7) });
  await expect(grid('from').getByRole('row', { name: /letter\.bin/ })).toBeVisible({ timeout: 30_000 });

  await grid('from').focus();
  await page.keyboard.type('letter');
  await press('Control+x');
  await press('Control+l');
  await press('Control+a');
  await page.keyboard.type('/to');
  await press('Enter');
  await expect(page).toHaveURL(/path=(%2F|\/)to/);
  await grid('to').focus();
  await press('Control+v');
  await expect.poll(async () => Buffer.from(await (await cluster.dav('GET', '/to/letter.bin')).arrayBuffer()).equals(bytes(7))).toBe(true);
  expect((await cluster.dav('GET', '/from/letter.bin')).status).toBe(404);

  await expect(grid('to').getByRole('row', { name: /letter\.bin/ })).toBeVisible();
  await grid('to').focus();
  await page.keyboard.type('letter');
  await press('Delete');
  await tabTo(page, page.getByRole('button', { name: 'Delete for good' }));
  await press('Enter');
  await expect.poll(async () => (await cluster.dav('GET', '/to/letter.bin')).status).toBe(404);
});

test('hostile files and pages achieve nothing', async ({ page, context, cluster, signedIn }) => {
  const html = '<script>fetch("/api/v1/users").then(() => { document.title = "owned" })</script><h1>hello</h1>';
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>top.document.title = "owned"</script></svg>';
  await cluster.dav('MKCOL', '/evil');
  await cluster.dav('PUT', '/evil/page.html', Buffer.from(html));
  await cluster.dav('PUT', '/evil/picture.svg', Buffer.from(svg));
  const name = '<img src=x onerror=document.title="owned">.txt';
  const url = new URL(`evil/${encodeURIComponent(name)}`, cluster.drive);
  expect((await fetch(url, { method: 'PUT', body: '<b>bold</b>', headers: auth() })).status).toBe(201);
  await signedIn('/d/files?path=/evil');
  await expect(page.getByText(name).first()).toBeVisible();
  for (const file of ['page.html', 'picture.svg'])
    for (const inline of ['', '&inline=1']) {
      const answer = await page.request.get(`${cluster.admin}/api/v1/fs/content?path=/evil/${file}${inline}`);
      const h = answer.headers();
      expect(h['content-disposition'], file).toContain('attachment');
      expect(h['x-content-type-options']).toBe('nosniff');
      expect(h['content-security-policy']).toContain('sandbox');
      const tab = await context.newPage();
      const download = tab.waitForEvent('download');
      await tab.goto(`${cluster.admin}/api/v1/fs/content?path=/evil/${file}${inline}`).catch(() => undefined);
      await (await download).cancel();
      await tab.close();
    }
  expect(await page.title()).not.toContain('owned');

  // A page of another origin that sends what the browser lets it send.
  const hostile = await context.newPage();
  await hostile.goto(cluster.drive).catch(() => undefined);
  await hostile.setContent(`<form id=f method=post action="${cluster.admin}/api/v1/nodes/n2/drain" enctype="text/plain"><input name="{" value="}"></form>
    <iframe src="${cluster.admin}/"></iframe>`);
  const [answer] = await Promise.all([
    hostile.waitForResponse((r) => r.url().endsWith('/drain')),
    hostile.evaluate(() => (document.querySelector('form') as HTMLFormElement).submit()),
  ]);
  expect(answer.status()).toBe(403);
  expect((await cluster.status()).nodes.draining).toBe(0);
  await hostile.close();
});

function auth(): Record<string, string> {
  return { authorization: `Basic ${Buffer.from('admin:a horse that is correct').toString('base64')}` };
}
