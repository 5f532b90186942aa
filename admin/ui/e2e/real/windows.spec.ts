import type { Page } from '@playwright/test';
import { box, dragBy, title, win } from '../fixture/windows';
import { watch } from '../fixture/test';
import { expect, signIn, test } from './test';

// Windows by mouse, over a real server that keeps them.
test.describe.configure({ timeout: 60_000 });

const area = { width: 1440, height: 852 }; // of 1440×900, without the taskbar
const taskbar = (page: Page) => page.getByRole('navigation', { name: 'Taskbar' });

// open by double click on the icon, or where windows lie over it by Find.
async function open(page: Page, app: string): Promise<void> {
  if ((await page.locator('section.win').count()) === 0) await page.locator('#icons').getByRole('button', { name: app, exact: true }).dblclick();
  else {
    await taskbar(page).getByRole('button', { name: /^Find/ }).click();
    await page.getByRole('combobox', { name: 'Apps, nodes, files and actions' }).fill(app);
    await page.getByRole('option', { name: new RegExp(`^${app}`) }).first().click();
  }
  await expect(win(page, app)).toBeVisible();
}

// inFront is the window that one sees at a point.
const inFront = (page: Page, at: { x: number; y: number }): Promise<string> =>
  page.evaluate(({ x, y }) => document.elementFromPoint(x, y)?.closest('section.win')?.querySelector('h2')?.textContent ?? '', at);

test('opened, dragged, sized by every edge, and never lost', async ({ page, ownDesk }) => {
  await ownDesk();
  await open(page, 'Help');
  const help = win(page, 'Help');
  const first = await box(help);
  await dragBy(page, title(first), { x: title(first).x + 90, y: title(first).y + 40 });
  await page.mouse.up();
  await expect.poll(() => box(help)).toEqual({ ...first, x: first.x + 90, y: first.y + 40 });

  const sides = { n: [0, -1], s: [0, 1], e: [1, 0], w: [-1, 0], ne: [1, -1], nw: [-1, -1], se: [1, 1], sw: [-1, 1] } as const;
  for (const [edge, [dx, dy]] of Object.entries(sides)) {
    const b = await box(help);
    const from = { x: b.x + (b.width / 2) * (1 + dx) + dx, y: b.y + (b.height / 2) * (1 + dy) + dy };
    await dragBy(page, from, { x: from.x + dx * 10, y: from.y + dy * 10 });
    await page.mouse.up();
    const after = { x: b.x + Math.min(0, dx * 10), y: b.y + Math.min(0, dy * 10), width: b.width + Math.abs(dx) * 10, height: b.height + Math.abs(dy) * 10 };
    await expect.poll(() => box(help), edge).toEqual(after);
  }

  // No smaller than it can be used, and the opposite edge does not move.
  const b = await box(help);
  await dragBy(page, { x: b.x + b.width + 1, y: b.y + b.height + 1 }, { x: b.x + 30, y: b.y + 30 });
  await page.mouse.up();
  await expect.poll(() => box(help)).toEqual({ x: b.x, y: b.y, width: 320, height: 200 });

  // Dragged out of the screen, it leaves enough of its bar to be dragged back.
  const left = async (): Promise<{ x: number; y: number }> => ({ x: (await box(help)).x + 100, y: (await box(help)).y + 18 });
  await dragBy(page, await left(), { x: 1425, y: 838 });
  await page.mouse.up();
  await expect.poll(() => box(help)).toMatchObject({ x: area.width - 120, y: area.height - 40 });
  await dragBy(page, await left(), { x: 700, y: 300 });
  await page.mouse.up();
  const back = await box(help);
  await dragBy(page, { x: back.x + back.width - 102, y: back.y + 18 }, { x: 14, y: 300 });
  await page.mouse.up();
  await expect.poll(async () => (await box(help)).x + (await box(help)).width).toBe(120);
  expect(await inFront(page, { x: 10, y: (await box(help)).y + 18 })).toBe('Help');
});

test('snapped to halves, quarters and all of it, with a preview, and loose again', async ({ page, ownDesk }) => {
  await ownDesk();
  await open(page, 'Overview');
  const overview = win(page, 'Overview');
  const free = await box(overview);
  const [w, h, half, low] = [area.width, area.height, area.width / 2, area.height / 2];
  const places = [
    { at: { x: 2, y: 400 }, to: { x: 0, y: 0, width: half, height: h } },
    { at: { x: w - 2, y: 400 }, to: { x: half, y: 0, width: half, height: h } },
    { at: { x: 2, y: 2 }, to: { x: 0, y: 0, width: half, height: low } },
    { at: { x: w - 2, y: 2 }, to: { x: half, y: 0, width: half, height: low } },
    { at: { x: 2, y: h - 4 }, to: { x: 0, y: low, width: half, height: low } },
    { at: { x: w - 2, y: h - 4 }, to: { x: half, y: low, width: half, height: low } },
    { at: { x: 700, y: 2 }, to: { x: 0, y: 0, width: w, height: h } },
  ];
  const hint = page.locator('.snap');
  for (const { at, to } of places) {
    await dragBy(page, title(await box(overview)), at);
    await expect.poll(() => box(hint), JSON.stringify(at)).toEqual(to);
    await page.mouse.up();
    await expect(hint).toBeHidden();
    await expect.poll(() => box(overview)).toEqual(to);
  }
  await dragBy(page, { x: 700, y: 18 }, { x: 700, y: 240 });
  await page.mouse.up();
  await expect.poll(async () => [(await box(overview)).width, (await box(overview)).height]).toEqual([free.width, free.height]);
  expect((await box(overview)).x % 1, 'on whole pixels').toBe(0);

  const before = await box(overview);
  await page.mouse.dblclick(title(before).x, title(before).y);
  await expect.poll(() => box(overview)).toEqual({ x: 0, y: 0, width: w, height: h });
  await page.mouse.dblclick(760, 18);
  await expect.poll(() => box(overview)).toEqual(before);
  await overview.getByRole('button', { name: 'Maximise' }).click();
  await expect.poll(() => box(overview)).toEqual({ x: 0, y: 0, width: w, height: h });
  await overview.getByRole('button', { name: 'Restore' }).click();
  await expect.poll(() => box(overview)).toEqual(before);
});

test('a click raises, the taskbar puts away and brings back, the address follows, and what is closed is gone', async ({ page, cluster, ownDesk }) => {
  await ownDesk();
  for (const app of ['Nodes', 'Topology', 'Help']) {
    await open(page, app);
    await expect(page).toHaveURL(`${cluster.admin}/d/${app.toLowerCase()}`);
    // Where all three overlap, and each has a strip of its own.
    const b = await box(win(page, app));
    const to = { Nodes: { x: 140, y: 60 }, Topology: { x: 220, y: 120 }, Help: { x: 300, y: 180 } }[app] ?? { x: 0, y: 0 };
    await dragBy(page, title(b), { x: title(b).x + to.x - b.x, y: title(b).y + to.y - b.y });
    await page.mouse.up();
    await expect.poll(() => box(win(page, app))).toMatchObject(to);
  }
  const shared = { x: 500, y: 400 };
  expect(await inFront(page, shared)).toBe('Help');
  await page.mouse.click(150, 400);
  await expect.poll(() => inFront(page, shared)).toBe('Nodes');
  await expect(page).toHaveURL(/\/d\/nodes$/);
  await page.mouse.click(title(await box(win(page, 'Nodes'))).x, 78);
  await taskbar(page).getByRole('button', { name: 'Topology', exact: true }).click();
  await expect.poll(() => inFront(page, shared)).toBe('Topology');
  await expect(page).toHaveURL(/\/d\/topology/);

  await win(page, 'Topology').getByRole('button', { name: 'Minimise' }).click();
  await expect(win(page, 'Topology')).toBeHidden();
  await expect.poll(() => inFront(page, shared)).toBe('Nodes');
  await taskbar(page).getByRole('button', { name: 'Nodes', exact: true }).click();
  await expect(win(page, 'Nodes')).toBeHidden();
  await taskbar(page).getByRole('button', { name: 'Topology, minimised' }).click();
  await expect.poll(() => inFront(page, shared)).toBe('Topology');

  await win(page, 'Topology').getByRole('button', { name: 'Close' }).click();
  await expect(win(page, 'Topology')).toHaveCount(0);
  await expect(taskbar(page).getByRole('button', { name: /^Topology/ })).toHaveCount(0);
  await expect.poll(() => inFront(page, shared)).toBe('Help');
  await expect(page).toHaveURL(/\/d\/help$/);
});

type Kept = { windows?: { app: string; snap: string | null; min: boolean }[] };

test('the arrangement is kept: after a reload, on another machine, and for this person alone', async ({ page, browser, cluster, person, ownDesk }) => {
  await ownDesk('/d/nodes');
  await expect(win(page, 'Nodes')).toBeVisible();
  await dragBy(page, title(await box(win(page, 'Nodes'))), { x: 2, y: 400 });
  await page.mouse.up();
  await open(page, 'Help');
  await win(page, 'Help').getByRole('button', { name: 'Minimise' }).click();
  await open(page, 'Overview');
  const bar = title(await box(win(page, 'Overview')));
  await dragBy(page, bar, { x: bar.x + 100, y: bar.y + 20 });
  await page.mouse.up();
  const free = await box(win(page, 'Overview'));
  const kept = async (on: Page): Promise<Kept> => (await (await on.request.get(`${cluster.admin}/api/v1/me/desktop`)).json()) as Kept;
  await expect
    .poll(async () => (await kept(page)).windows?.map((w) => [w.app, w.snap, w.min]))
    .toEqual([['nodes', 'left', false], ['help', null, true], ['overview', null, false]]);

  const same = async (on: Page, width: number, height: number): Promise<void> => {
    await expect(win(on, 'Overview')).toBeVisible();
    await expect.poll(() => box(win(on, 'Nodes'))).toEqual({ x: 0, y: 0, width: width / 2, height });
    await expect(win(on, 'Help')).toBeHidden();
    await expect(taskbar(on).getByRole('button', { name: 'Help, minimised' })).toBeVisible();
  };
  await page.reload();
  await same(page, 1440, 852);
  await expect.poll(() => box(win(page, 'Overview'))).toEqual(free);

  // The server has it: another machine with a smaller screen, then another person.
  const other = await browser.newContext({ viewport: { width: 1000, height: 640 } });
  const there = await other.newPage();
  const faults = await watch(there);
  await signIn(there, cluster, person);
  await same(there, 1000, 592);
  const small = await box(win(there, 'Overview'));
  expect(small.x + 120).toBeLessThanOrEqual(1000);
  expect(small.y + 40).toBeLessThanOrEqual(592);
  await other.clearCookies();
  await signIn(there, cluster, 'admin');
  await expect(there.locator('#icons')).toBeVisible();
  await expect(win(there, 'Nodes')).toHaveCount(0);
  expect(faults).toEqual([]);
  await other.close();
});

test('an address opens its window over those that are there, and Back returns', async ({ page, cluster, ownDesk }) => {
  await ownDesk('/d/help');
  await expect(win(page, 'Help')).toBeVisible();
  const id = (await cluster.nodeIDs()).get('disk1') ?? '';
  await page.goto(`${cluster.admin}/d/nodes/${id}?tab=disks`);
  const node = win(page, 'disk1');
  await expect(node.getByRole('tab', { name: /^Disks/ })).toHaveAttribute('aria-selected', 'true');
  await expect(win(page, 'Help')).toBeVisible();
  await node.getByRole('button', { name: 'All nodes' }).click();
  await expect(page).toHaveURL(/\/d\/nodes$/);
  await page.goBack();
  await expect(node.getByRole('tab', { name: /^Disks/ })).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`/d/nodes/${id}\\?tab=disks$`));
  await page.goto(`${cluster.admin}/d/nonsense`);
  await expect(page.getByText('There is no app named “nonsense” here.')).toBeVisible();
});
