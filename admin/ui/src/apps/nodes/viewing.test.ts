// @vitest-environment happy-dom
import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import type { Schemas } from '../../api/client';
import { live } from '../../api/live.svelte';
import type { Role } from '../../api/session.svelte';
import { windowFor, windows } from '../../desk/desk.svelte';
import { layouts } from '../../desk/layouts.svelte';
import { most, nameMost, type View } from '../../desk/views';
import { Win, type Params } from '../../desk/windows.svelte';
import { w } from '../../model/strings';
import { t as parts } from '../../parts/strings';
import { zoning } from '../../parts/zoning.svelte';
import { button, hands, off, refusal, rows, screenOf, server, signIn, type Call, type Server } from '../../testing';
import { confirmations } from '../../ui/confirm.svelte';
import { contextMenus, type MenuItem } from '../../ui/menu.svelte';
import { toasts } from '../../ui/toast.svelte';
import App from './App.svelte';
import { t } from './strings';

type Node = Schemas['Node'];
const GiB = 2 ** 30;
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
const node = (i: number, more: Partial<Node> = {}): Node => ({ ...cluster.node(i), ...more });
const impact = { dry_run: true, sentence: 'It means little.', facts: [], blockers: [] };

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;
let all: Node[];

beforeEach(() => {
  screenOf(1400, 800);
  user = hands();
  signIn('admin');
  toasts.list = [];
  confirmations.current = null;
  contextMenus.current = null;
  zoning.asked = null;
  layouts.views = [];
  all = [node(1), node(2, { liveness: 'down', free_bytes: 4000 * GiB }), node(3, { free_bytes: 196 * GiB })];
  s = server()
    .on('GET /nodes', () => ({ items: all, total: all.length, as_of: ago(1), stale: false }))
    .on('GET /nodes/*', (c: Call) => all.find((n) => n.id === c.path.split('/').at(-1)) ?? refusal(404, 'There is no such node'))
    .on('GET /tasks', { as_of: ago(1), items: [] })
    .on('GET /tokens', []);
});
afterEach(() => {
  windows.list = [];
  layouts.views = [];
});

async function open(params: Params = {}): Promise<void> {
  win = new Win('w1', 'nodes', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[role=status][aria-busy=true]')).toBeNull());
}
const text = (): string => document.body.textContent.replace(/\s+/g, ' ');
const lines = (): HTMLElement[] => rows().filter((r) => r.getAttribute('role') === 'row');
const names = (): string[] => lines().flatMap((r) => r.querySelector('.name')?.textContent ?? []);
const sent = (path: string): unknown[] => s.sent(path).map((c) => [c.query.get('dry_run'), c.body]);
const asked = async (): Promise<void> => void (await waitFor(() => expect(confirmations.current).not.toBeNull()));

describe('the strip', () => {
  const strip = (): HTMLElement => document.querySelector('.strip .cells') as HTMLElement;
  const said = (): string => document.querySelector('.strip .said')?.textContent ?? '';
  const cells = (): string[] => [...document.querySelectorAll('[data-cell]')].map((c) => [...c.classList].find((x) => /^(shade|nothing|ok|bad|warn)/.test(x)) ?? '');

  test('tells who is fullest, and shades each by how full, in order of zone', async () => {
    await open();
    expect(said()).toBe(t.stripTop('loft-3', '95%'));
    expect(cells()).toEqual(['shade2', 'shade4', 'shade0']); // attic: 1, 3; cellar: 2
  });

  test('keys go from cell to cell, Enter opens, Escape leaves', async () => {
    await open();
    fireEvent.keyDown(strip(), { key: 'End' });
    await waitFor(() => expect(said()).toBe(t.stripCell('loft-2', 'cellar', '2%', w.node.down)));
    fireEvent.keyDown(strip(), { key: 'Escape' });
    await waitFor(() => expect(said()).toBe(t.stripTop('loft-3', '95%')));
    fireEvent.keyDown(strip(), { key: 'Home' });
    fireEvent.keyDown(strip(), { key: 'ArrowRight' });
    await waitFor(() => expect(said()).toContain('loft-3'));
    fireEvent.keyDown(strip(), { key: 'Enter' });
    expect(win.params).toEqual({ id: 'n3' });
  });

  test('the mouse tells the cell below it, and forgets it when it leaves', async () => {
    await open();
    fireEvent.pointerMove(document.querySelector('[data-cell="2"]') as HTMLElement, { pointerType: 'mouse' });
    await waitFor(() => expect(said()).toContain('loft-2'));
    fireEvent.pointerLeave(strip(), { pointerType: 'mouse' });
    await waitFor(() => expect(said()).toBe(t.stripTop('loft-3', '95%')));
  });

  test('another figure is kept for the next time; what is not heard has none', async () => {
    await open();
    await user.selectOptions(screen.getByLabelText(t.stripMetric), 'read');
    await waitFor(() => expect(cells()[2]).toBe('nothing'));
    fireEvent.keyDown(strip(), { key: 'End' });
    await waitFor(() => expect(said()).toBe(t.stripCell('loft-2', 'cellar', t.none, w.node.down)));
    expect(Object.values({ ...localStorage }).join()).toContain('"read"');
  });

  test('of states it tells each once, and none is the highest', async () => {
    await open();
    await user.selectOptions(screen.getByLabelText(t.stripMetric), 'state');
    await waitFor(() => expect(said()).toBe(''));
    fireEvent.keyDown(strip(), { key: 'End' });
    await waitFor(() => expect(said()).toBe(`loft-2 · cellar · ${w.node.down}`));
  });

  test('it shows what the list shows', async () => {
    await open();
    await user.type(screen.getByLabelText(t.find), 'loft-1');
    await waitFor(() => expect(cells()).toEqual(['shade2']));
    expect(said()).toBe(t.stripTop('loft-1', '48%'));
  });

  test('put away, it leaves room for the list', async () => {
    await open();
    await user.click(button(t.strip));
    await waitFor(() => expect(strip()).toBeNull());
    expect(button(t.strip).getAttribute('aria-expanded')).toBe('false');
  });

  test('on a phone it is opened by who wants it', async () => {
    vi.stubGlobal('innerWidth', 400);
    await open();
    expect([button(t.strip).getAttribute('aria-expanded'), strip()]).toEqual(['false', null]);
    await user.click(button(t.strip));
    await waitFor(() => expect(strip()).toBeTruthy());
  });
});

describe('grouped by zone', () => {
  test('each zone has its heading with how many', async () => {
    all.push(node(4, { zone: '' }));
    await open();
    await user.click(button(t.byZone));
    expect(win.params).toEqual({ group: 'zone' });
    await waitFor(() => expect(text()).toContain(t.group('attic', t.stripNodes(2, '2'))));
    expect(text()).toContain(t.group('cellar', t.stripNodes(1, '1')));
    expect(text()).toContain(t.group(t.noZone, t.stripNodes(1, '1')));
    expect(button(t.byZone).getAttribute('aria-pressed')).toBe('true');
    await user.click(button(t.byZone));
    await waitFor(() => expect(text()).not.toContain(t.group('attic', t.stripNodes(2, '2'))));
    expect(win.params).toEqual({});
  });
});

describe('named views', () => {
  const view = (name: string, more: Partial<View> = {}): View => ({ name, state: '', text: '', sort: null, columns: ['name', 'state'], grouped: false, ...more });
  const field = (): HTMLElement => screen.getByLabelText(t.viewName);
  const dialogs = (): number => document.querySelectorAll('dialog').length;
  async function choose(label: string): Promise<void> {
    await user.click(button(t.views));
    await user.click(await screen.findByText(label));
  }
  async function saveAs(name: string): Promise<void> {
    await choose(t.viewSave);
    await user.type(await waitFor(field), name);
    await user.click(button(t.save));
  }

  test('what is shown is saved under a name, and shown again', async () => {
    await open({ state: 'down', group: 'zone' });
    await user.type(screen.getByLabelText(t.find), 'loft');
    await saveAs(' Broken ');
    expect(layouts.views).toMatchObject([{ name: 'Broken', state: 'down', text: 'loft', sort: { by: 'state', desc: false }, grouped: true }]);
    expect(toasts.list.map((x) => x.text)).toEqual([t.viewSaved('Broken')]);
    await waitFor(() => expect(dialogs()).toBe(0));
  });

  test('one that is chosen filters, finds, sorts, groups and shows its columns', async () => {
    layouts.views = [view('Full', { text: 'loft', sort: { by: 'used', desc: true }, columns: ['name', 'used'], grouped: false })];
    await open({ state: 'down', group: 'zone' });
    await choose('Full');
    await waitFor(() => expect(names()).toEqual(['loft-3', 'loft-1', 'loft-2']));
    expect(win.params).toEqual({});
    expect((screen.getByLabelText(t.find) as HTMLInputElement).value).toBe('loft');
    expect([...document.querySelectorAll('[role=columnheader]')].map((h) => h.textContent.trim()).filter(Boolean)).toEqual([t.col.name, t.col.used]);
  });

  test('a state that does not exist any more filters nothing', async () => {
    layouts.views = [view('Old', { state: 'asleep' })];
    await open({ state: 'down' });
    await choose('Old');
    await waitFor(() => expect(names()).toHaveLength(3));
    expect(win.params).toEqual({});
  });

  test('the same name again replaces it', async () => {
    layouts.views = [view('Mine', { text: 'xyz' }), view('Other')];
    await open({ state: 'down' });
    await saveAs('Mine');
    expect(layouts.views.map((v) => [v.name, v.state])).toEqual([['Mine', 'down'], ['Other', '']]);
  });

  test('more than the most are refused, and say what to do', async () => {
    layouts.views = Array.from({ length: most }, (_, i) => view(`V${i}`));
    await open();
    await saveAs('one more');
    await waitFor(() => expect(text()).toContain(t.viewsFull(String(most))));
    expect(layouts.views).toHaveLength(most);
    expect(dialogs()).toBe(1);
  });

  test('a name is bounded, and blanks are none', async () => {
    await open();
    await choose(t.viewSave);
    await user.type(await waitFor(field), '   ');
    expect(off(button(t.save))).toBe(true);
    expect(field().getAttribute('maxlength')).toBe(String(nameMost));
    await user.click(button('Cancel'));
    expect(layouts.views).toEqual([]);
  });

  test('the one that is shown can be renamed, but not to the name of another', async () => {
    layouts.views = [view('Other', { text: 'x' })];
    await open();
    await saveAs('Mine');
    await waitFor(() => expect(dialogs()).toBe(0));
    await choose(t.viewRename('Mine'));
    await user.clear(await waitFor(field));
    await user.type(field(), 'Other');
    await user.click(button(t.save));
    await waitFor(() => expect(text()).toContain(t.viewTaken));
    expect(layouts.views.map((v) => v.name)).toEqual(['Other', 'Mine']);
    await user.clear(field());
    await user.type(field(), 'Ours');
    await user.click(button(t.save));
    expect(layouts.views.map((v) => v.name)).toEqual(['Other', 'Ours']);
  });

  test('deleted, it can be had back at once', async () => {
    layouts.views = [view('Other', { text: 'x' })];
    await open();
    await saveAs('Mine');
    await waitFor(() => expect(dialogs()).toBe(0));
    await choose(t.viewDelete('Mine'));
    expect(layouts.views.map((v) => v.name)).toEqual(['Other']);
    const toast = toasts.list.find((x) => x.text === t.viewGone('Mine'));
    expect(toast?.action?.label).toBe(w.act.undo);
    toast?.action?.run();
    expect(layouts.views.map((v) => v.name)).toEqual(['Other', 'Mine']);
  });

  test('one that is not shown can neither be renamed nor deleted by mistake', async () => {
    layouts.views = [view('Other', { text: 'x' })];
    await open();
    await user.click(button(t.views));
    await screen.findByText('Other');
    expect(text()).not.toContain(t.viewRename('Other'));
    expect(text()).not.toContain(t.viewDelete('Other'));
  });
});

describe('the zone of a node', () => {
  type Item = Exclude<MenuItem, 'separator'>;
  function item(name: string): Item | undefined {
    fireEvent.contextMenu(lines().find((r) => r.textContent.includes(name)) as HTMLElement, { button: 2 });
    const items = (contextMenus.current as { items: readonly MenuItem[] } | null)?.items ?? [];
    return items.filter((x): x is Item => x !== 'separator').find((x) => x.label === parts.zoneMove);
  }

  test('is asked for with the zones that there are', async () => {
    await open({ state: 'down' });
    item('loft-2')?.run();
    expect(zoning.asked).toMatchObject({ node: { id: 'n2' }, zones: ['attic', 'cellar'] });
  });

  test.each([
    ['viewer', w.act.needs(w.role.operator)],
    ['operator', false],
  ] as [Role, string | false][])('a %s is told: %s', async (role, want) => {
    signIn(role);
    await open();
    expect(item('loft-1')?.disabled).toBe(want);
  });
});

describe('the page of a node', () => {
  const menu = async (): Promise<void> => user.click(document.querySelector('header button') as HTMLElement);
  async function rename(): Promise<HTMLElement> {
    await menu();
    await user.click(await screen.findByText(t.edit));
    return screen.findByLabelText(t.name);
  }

  test('a tab goes into the address, and a tab that does not exist is the first', async () => {
    await open({ id: 'n1', tab: 'nonsense' });
    expect(text()).toContain('192.0.2.1:7800');
    await user.click([...document.querySelectorAll('[role=tab]')].find((x) => x.textContent.includes(t.tabs.disks)) as HTMLElement);
    expect(win.params).toEqual({ id: 'n1', tab: 'disks' });
    await waitFor(() => expect(text()).toContain('/srv/ken'));
    expect(text()).toContain(t.ours('1.9 TiB'));
  });

  test('it follows the live stream', async () => {
    await open({ id: 'n1' });
    live.start();
    await vi.waitFor(() => expect(live.state).toBe('live'));
    s.say('nodes', { changed: [node(1, { name: 'attic-1', liveness: 'suspect' })], removed: [] });
    await waitFor(() => expect(win.title).toBe('attic-1'));
    expect(text()).toContain(t.suspectDetail);
  });

  test('a name that stays the same is sent to nobody', async () => {
    await open({ id: 'n1' });
    await rename();
    await user.click(button(t.save));
    await waitFor(() => expect(document.querySelector('dialog')).toBeNull());
    expect(s.sent('PATCH /nodes/n1')).toEqual([]);
  });

  test('a name that is refused is told in the dialog, and stays to be mended', async () => {
    s.refuse('PATCH /nodes/n1', 409, 'Another node has this name');
    await open({ id: 'n1' });
    const field = await rename();
    await user.clear(field);
    expect(off(button(t.save))).toBe(true);
    await user.type(field, 'loft-2');
    await user.click(button(t.save));
    await waitFor(() => expect(text()).toContain('Another node has this name'));
    expect((field as HTMLInputElement).value).toBe('loft-2');
    expect([off(button(t.save)), toasts.list]).toEqual([false, []]);
  });

  test('who may not rename is told who may', async () => {
    signIn('writer');
    await open({ id: 'n1' });
    await menu();
    const edit = await screen.findByText(t.edit);
    expect(edit.closest('[role=menuitem]')?.getAttribute('aria-disabled')).toBe('true');
    await user.click(edit);
    expect(screen.queryByLabelText(t.name)).toBeNull();
  });

  test('a disk that fills up is told with what is left on it', async () => {
    all[0] = node(1, { disks: [{ id: 'd1', path: '/srv/a', capacity_bytes: 100 * GiB, used_bytes: 60 * GiB, free_bytes: 4 * GiB, volumes: 1, failed: '' }] });
    await open({ id: 'n1', tab: 'disks' });
    expect(text()).toContain(t.freeOf('4 GiB', '100 GiB'));
    expect(text()).toContain('96%');
    expect(text()).toContain(t.diskOk);
    expect(text()).toContain(w.volumes(1, '1'));
    expect(document.querySelector('.why')).toBeNull();
  });
});

describe('before it is stopped', () => {
  const facts = (more: Partial<Schemas['StopFacts']> = {}): Schemas['StopFacts'] => ({
    node: 'n1', name: 'loft-1', safe: true, sentence: 'All data stays readable.', unavailable: { volumes: 0, bytes: 0 }, at_risk: { volumes: 0, bytes: 0 }, below_target: { volumes: 0, bytes: 0 }, writable: true, repair_bytes: 0, ...more,
  });

  test('it is judged again on demand', async () => {
    let safe = false;
    s.on('GET /nodes/n1/safe-to-stop', () => facts({ safe }));
    await open({ id: 'n1', tab: 'stop' });
    await waitFor(() => expect(text()).toContain(t.unsafe));
    safe = true;
    await user.click(button(t.again));
    await waitFor(() => expect(document.querySelector('.answer.safe')).toBeTruthy());
    expect(s.sent('GET /nodes/n1/safe-to-stop')).toHaveLength(2);
  });

  test('what stands in the way is said once', async () => {
    s.on('GET /nodes/n1/safe-to-stop', facts({ safe: false, sentence: 'It leads.', blockers: ['It leads.', 'It is the last.', 'It is the last.'] }));
    await open({ id: 'n1', tab: 'stop' });
    await waitFor(() => expect(text()).toContain('It leads.'));
    expect([text().split('It leads.').length, text().split('It is the last.').length]).toEqual([2, 2]);
  });

  test('maintenance begins from here, asked and sent once', async () => {
    s.on('GET /nodes/n1/safe-to-stop', facts()).on('POST /nodes/n1/maintenance', impact);
    await open({ id: 'n1', tab: 'stop' });
    await user.click(await waitFor(() => button(t.beginMaintenance)));
    await asked();
    expect(confirmations.current?.tier).toBe(1);
    confirmations.current?.answer({ reason: 'fan', choice: '3600' });
    await waitFor(() => expect(sent('POST /nodes/n1/maintenance')).toEqual([[null, { seconds: 3600, reason: 'fan' }]]));
  });

  test('who may not begin it is told who may', async () => {
    signIn('viewer');
    s.on('GET /nodes/n1/safe-to-stop', facts());
    await open({ id: 'n1', tab: 'stop' });
    const begin = await waitFor(() => button(t.beginMaintenance));
    expect([off(begin), begin.title]).toEqual([true, w.act.needs(w.role.operator)]);
  });
});

describe('tokens', () => {
  const token = { id: 'k7', roles: ['datanode', 'webdav'], expires: new Date(Date.now() + 86_400_000).toISOString(), uses_left: 1 };

  test('each tells what it opens; one that cannot be revoked stays, with the reason', async () => {
    s.on('GET /tokens', [token]).refuse('DELETE /tokens/k7', 503, 'Nobody leads');
    await open({ add: '1' });
    await user.click(await waitFor(() => button(t.revoke)));
    await waitFor(() => expect(toasts.list).toMatchObject([{ tone: 'bad' }]));
    expect(toasts.list[0]?.text).toContain('Nobody leads');
    expect(text()).toContain(t.token('datanode, webdav', '1'));
    await waitFor(() => expect(button(t.revoke).getAttribute('aria-busy')).toBeNull());
    expect(s.sent('DELETE /tokens/k7')).toHaveLength(1);
  });

  test('that they cannot be read does not keep one from making another', async () => {
    s.refuse('GET /tokens', 503, 'Nobody leads').on('POST /tokens', { id: 'k1', token: 'KEN1-x', command: 'ken join KEN1-x', expires: token.expires });
    await open({ add: '1' });
    await waitFor(() => expect(text()).toContain('Nobody leads'));
    await user.click(button(t.make));
    await waitFor(() => expect(text()).toContain('ken join KEN1-x'));
    expect(s.sent('POST /tokens').map((c) => c.body)).toEqual([{ roles: ['datanode'], ttl_seconds: 3600, uses: 1 }]);
    expect(text()).toContain(t.once);
  });
});
