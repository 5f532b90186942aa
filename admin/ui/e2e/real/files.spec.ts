import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './test';

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

test('rename, move and delete are what the drive shows', async ({ page, cluster, signedIn }) => {
  for (const p of ['/a', '/b']) await cluster.dav('MKCOL', p);
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
  await page.keyboard.press('Control+x');
  await page.goto(`${cluster.admin}/d/files?path=/b`);
  await expect(page.getByText('This folder is empty').first()).toBeVisible();
  await page.goBack();
  await page.getByText('new name.txt').first().click();
  await page.keyboard.press('Delete');
  const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog')).first();
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await expect.poll(async () => (await cluster.dav('GET', '/a/new name.txt')).status).toBe(404);
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
