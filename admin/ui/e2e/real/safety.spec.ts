import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { password, type Cluster } from './cluster';
import { expect, pill, tabTo, test } from './test';

// What a person sees while a cluster of real processes loses a machine, gets
// it back and is emptied of another.
test.describe.configure({ mode: 'serial', timeout: 120_000 });
// What is repaired first, and for how long, depends on what else lies there.
test.use({ purpose: 'machines are lost' });

const pictures = join(import.meta.dirname, '../output/real');
mkdirSync(pictures, { recursive: true });

type Seen = { at: number; word: string };

// watch notes every word that the verdict in the taskbar shows, and when.
async function watch(page: Page): Promise<() => Promise<Seen[]>> {
  await page.evaluate(() => {
    const seen: { at: number; word: string }[] = [];
    const look = (): void => {
      const button = [...document.querySelectorAll('button')].find((b) => b.getAttribute('aria-label')?.startsWith('Health:'));
      const word = button?.getAttribute('aria-label')?.replace('Health: ', '').replace(/[~\d<].*/, '').trim() ?? '';
      if (word && seen.at(-1)?.word !== word) seen.push({ at: Date.now(), word });
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    Object.assign(globalThis, { seenVerdicts: seen });
  });
  return () => page.evaluate(() => (globalThis as unknown as { seenVerdicts: Seen[] }).seenVerdicts);
}

// limit holds repair and drains to so many bytes per second; 0 lets them go.
async function limit(page: Page, cluster: Cluster, bytes: number): Promise<void> {
  const answer = await page.request.put(`${cluster.admin}/api/v1/replication/limit`, {
    data: { bytes_per_second: bytes, reason: 'to look at it' }, headers: { Origin: cluster.admin },
  });
  expect(answer.status()).toBe(200);
}

const some = (mib: number): Uint8Array<ArrayBuffer> => {
  const b = new Uint8Array(mib << 20);
  for (let i = 0; i < b.length; i += 997) b[i] = i % 251;
  return b;
};

test('a machine is lost: at risk, repairing, protected, without help', async ({ page, cluster, signedIn }) => {
  await cluster.dav('MKCOL', '/two');
  await cluster.dav('MKCOL', '/three');
  await cluster.ken(['fs', 'replication', '--dir', cluster.at('ns'), '/three', '3']);
  // More of what keeps two copies, so that what has one is safe again first.
  for (const [folder, files, size] of [['two', 1, 2], ['three', 8, 8]] as const)
    for (let i = 0; i < files; i++) expect((await cluster.dav('PUT', `/${folder}/file ${i}`, some(size))).status).toBe(201);

  await signedIn('/d/overview');
  await expect(pill(page)).toHaveAccessibleName('Health: Protected', { timeout: 20_000 });
  await limit(page, cluster, 1 << 20); // slow enough to be looked at

  // The victim holds data of both kinds.
  const volumes = (await cluster.volumes()).filter((v) => v.blocks > 0);
  const ids = await cluster.nodeIDs();
  const victim = cluster.servers.find((name) =>
    [2, 3].every((target) => volumes.some((v) => v.target === target && v.replicas.some((r) => r.node === ids.get(name)))));
  if (!victim) throw new Error(`no server has data of both targets: ${JSON.stringify(volumes)}`);

  const seen = await watch(page);
  const gone = await cluster.kill(victim);
  let down = 0;
  await cluster.until('it is declared down', async () => {
    const is = (await cluster.status()).nodes.down === 1;
    if (is) down = Date.now();
    return is;
  });
  await expect.poll(async () => (await seen()).map((s) => s.word), { timeout: 10_000 }).toContain('At risk');
  await page.screenshot({ path: join(pictures, 'at-risk.png') });
  await expect.poll(async () => (await seen()).map((s) => s.word), { timeout: 60_000 }).toContain('Repairing');
  await page.screenshot({ path: join(pictures, 'repairing.png') });
  await limit(page, cluster, 0);
  await expect(pill(page)).toHaveAccessibleName('Health: Protected', { timeout: 90_000 });
  const words = await seen();
  const order = words.map((s) => s.word);
  expect(order[0], `the verdicts: ${JSON.stringify(words)}`).toBe('Protected');
  expect(order.indexOf('At risk')).toBeGreaterThan(0);
  expect(order.lastIndexOf('Repairing'), `the verdicts: ${JSON.stringify(words)}`).toBeGreaterThan(order.indexOf('At risk'));
  expect(order.at(-1)).toBe('Protected');
  const at = words.find((s) => s.word === 'At risk')?.at ?? Infinity;
  test.info().annotations.push({ type: 'measured', description: `dead at 0, down seen after ${down - gone} ms, on screen after ${at - gone} ms; ${order.join(', ')}` });
  expect(at - down, 'ms from "down" to the screen').toBeLessThanOrEqual(2000);
  await page.screenshot({ path: join(pictures, 'repaired.png') });

  await cluster.run(victim);
  await cluster.until('it is back', async () => (await cluster.status()).nodes.up === 4);
});

test('the page, the API and the command line say the same', async ({ page, cluster, signedIn }) => {
  await signedIn('/d/overview');
  await cluster.until('nothing moves', async () => (await cluster.status()).verdict === 'protected');
  const overview = page.getByRole('region', { name: 'Overview' });
  await expect(overview.getByRole('heading', { name: 'Checks' })).toBeVisible();
  // A moment at which nothing changed from before the page was read until after.
  for (let tries = 0; ; tries++) {
    const before = await cluster.status();
    const api = (await (await page.request.get(`${cluster.admin}/api/v1/health`)).json()) as { report: typeof before };
    const shown = await overview.innerText();
    const after = await cluster.status();
    const facts = (s: typeof before): unknown => [s.verdict, s.sentence, s.can_lose, s.volumes, s.used_bytes, s.nodes, s.copies];
    if (JSON.stringify(facts(before)) !== JSON.stringify(facts(after)) && tries < 20) continue;
    expect(facts(api.report)).toEqual(facts(before));
    expect(shown).toContain(before.sentence);
    expect(shown).toContain(`${before.nodes.up} of 4 up`);
    expect(shown).toContain(`Any ${before.can_lose} more`);
    break;
  }
});

test('without a mouse: sign in, Nodes, drain, confirm, watch the task until it is done', async ({ page, cluster, faults }) => {
  void faults;
  // The one with most of the data, slowly enough to be watched.
  const ids = await cluster.nodeIDs();
  const volumes = await cluster.volumes();
  const held = (name: string): number => volumes.filter((v) => v.replicas.some((r) => r.node === ids.get(name))).reduce((n, v) => n + v.blocks, 0);
  const victim = [...cluster.servers].sort((a, b) => held(b) - held(a))[0] ?? '';
  const id = ids.get(victim) ?? '';
  expect(held(victim)).toBeGreaterThan(0);
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  await page.goto(cluster.admin);
  await expect(page.getByLabel('User name')).toBeFocused();
  await page.keyboard.type('admin');
  await press('Tab');
  await page.keyboard.type(password);
  await press('Enter');
  await expect(pill(page)).toBeVisible({ timeout: 15_000 });
  await limit(page, cluster, 8 << 20);

  await press('Control+k');
  await page.keyboard.type('Nodes');
  await press('Enter');
  const grid = page.getByRole('grid', { name: 'Nodes' });
  await expect(grid.getByRole('row').filter({ hasText: victim })).toBeVisible();
  await tabTo(page, grid);
  await page.keyboard.type(victim);
  await expect(grid.getByRole('row', { selected: true })).toContainText(victim);
  await press('Shift+F10');
  const item = page.getByRole('menuitem', { name: 'Drain…' });
  await expect(item).toBeVisible();
  await press('d');
  await expect(item).toBeFocused();
  await press('Enter');
  const dialog = page.getByRole('dialog', { name: `Drain ${victim}` });
  const verb = dialog.getByRole('button', { name: `Drain ${victim}` });
  await expect(verb).toBeEnabled({ timeout: 10_000 });
  await expect(dialog.getByRole('button', { name: 'Cancel' }), 'what changes nothing has the focus').toBeFocused();
  await page.screenshot({ path: join(pictures, 'drain.png') });
  await press('Tab');
  await expect(verb).toBeFocused();
  await press('Enter');
  await expect(dialog).toBeHidden();
  await expect(grid.getByRole('row').filter({ hasText: victim }).getByText(/^(Draining|Ready to remove)$/)).toBeVisible();

  // Activity has the task; the node says when it is empty.
  await press('Control+k');
  await page.keyboard.type('Activity');
  await press('Enter');
  const tasks = page.getByRole('grid', { name: 'Tasks' });
  const task = tasks.getByRole('row').filter({ hasText: victim });
  await expect(task.getByText(/^(Running|Waiting)$/)).toBeVisible();
  await page.screenshot({ path: join(pictures, 'draining.png') });
  await limit(page, cluster, 0);
  await expect(task.getByText('Done', { exact: true })).toBeVisible({ timeout: 60_000 });
  await page.screenshot({ path: join(pictures, 'drained.png') });
  expect((await cluster.volumes()).filter((v) => v.replicas.some((r) => r.node === id))).toEqual([]);
  await tabTo(page, tasks);
  await page.keyboard.type('drain');
  await press('Enter');
  const node = page.getByRole('region', { name: victim, exact: true });
  await expect(node.getByText('Ready: it is empty')).toBeVisible();
  await tabTo(page, node.getByRole('button', { name: 'Make active again' }));
  await press('Enter');
  await cluster.until('it is active again', async () => (await cluster.status()).nodes.draining === 0);
});

test('the nameserver is away: the desktop keeps what it knew, and says since when', async ({ page, cluster, signedIn }) => {
  await signedIn('/d/overview');
  await cluster.kill('ns');
  await expect(pill(page)).toHaveAccessibleName(/Health: Unknown/, { timeout: 20_000 });
  await expect(page.getByText(/^Blind since .* no nameserver answers/).first()).toBeVisible({ timeout: 20_000 });
  await page.screenshot({ path: join(pictures, 'blind.png') });
  await cluster.run('ns');
  await expect(pill(page)).toHaveAccessibleName('Health: Protected', { timeout: 30_000 });
});
