// @vitest-environment happy-dom
import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import type { Schemas } from '../../api/client';
import { live } from '../../api/live.svelte';
import type { Role } from '../../api/session.svelte';
import { windowFor, windows } from '../../desk/desk.svelte';
import { Win, type Params } from '../../desk/windows.svelte';
import { speak } from '../../i18n/index.svelte';
import { w } from '../../model/strings';
import * as files from '../../parts/save';
import { button, hands, off, refusal, rows, screenOf, server, signIn, type Call, type Server } from '../../testing';
import { confirmations } from '../../ui/confirm.svelte';
import { contextMenus, type MenuItem } from '../../ui/menu.svelte';
import { toasts } from '../../ui/toast.svelte';
import App from './App.svelte';
import { t } from './strings';

type Node = Schemas['Node'];
const GiB = 2 ** 30;
const ago = (s: number): string => new Date(Date.now() - s * 1000).toISOString();
const node = (i: number, more: Partial<Node> = {}): Node => ({ ...cluster.node(i), ...more });
const impact = { dry_run: true, sentence: 'It takes about 2 h.', facts: [], blockers: [] };

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
  all = [node(1, { leader: true }), node(2, { liveness: 'down', heard: ago(900) }), node(3, { state: 'draining', drain: { node: 'n3', name: 'loft-3', volumes: 12, bytes: 40 * GiB, ready: false } })];
  s = server()
    .on('GET /nodes', () => ({ items: all, total: all.length, as_of: ago(1), stale: false }))
    .on('GET /nodes/*', (c: Call) => all.find((n) => n.id === c.path.split('/').at(-1)) ?? refusal(404, 'There is no such node'))
    .on('GET /tasks', { as_of: ago(1), items: [] })
    .on('GET /tokens', []);
});
afterEach(() => void (windows.list = []));

async function open(params: Params = {}): Promise<void> {
  win = new Win('w1', 'nodes', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[role=status][aria-busy=true]')).toBeNull());
}
const text = (): string => document.body.textContent.replace(/\s+/g, ' ');
const names = (): string[] => rows().filter((r) => r.getAttribute('role') === 'row').map((r) => r.querySelector('.name')?.textContent ?? '');
const row = (name: string): HTMLElement => rows().find((r) => r.getAttribute('role') === 'row' && r.textContent.includes(name)) as HTMLElement;
const asked = async (): Promise<void> => void (await waitFor(() => expect(confirmations.current).not.toBeNull()));
const sent = (path: string): unknown[] => s.sent(path).map((c) => [c.query.get('dry_run'), c.body]);

type Item = Exclude<MenuItem, 'separator'>;
function menuOf(name: string): Item[] {
  contextMenus.current = null;
  fireEvent.contextMenu(row(name), { button: 2 });
  return (contextMenus.current as { items: readonly MenuItem[] } | null)?.items.filter((x): x is Item => x !== 'separator') ?? [];
}
const run = (name: string, label: string): void => menuOf(name).find((x) => x.label === label)?.run();

describe('the list', () => {
  test('what is wrong stands first', async () => {
    await open();
    expect(names()[0]).toBe('loft-2');
    expect(row('loft-2').textContent).toContain(w.node.down);
    expect(row('loft-1').textContent).toContain(t.leader);
  });

  test('what is not heard tells no speed', async () => {
    await open();
    expect(row('loft-1').textContent).toContain('39.1 MiB/s');
    expect(row('loft-2').textContent).not.toContain('MiB/s');
  });

  test('the states are counted, and one press shows those alone', async () => {
    await open();
    const chip = [...document.querySelectorAll<HTMLElement>('.chips button')].find((b) => b.textContent.includes(w.node.down)) as HTMLElement;
    expect(chip.textContent).toContain('1');
    await user.click(chip);
    expect(win.params).toEqual({ state: 'down' });
    await waitFor(() => expect(names()).toEqual(['loft-2']));
    await user.click(chip);
    await waitFor(() => expect(names()).toHaveLength(3));
  });

  test('finding looks at names, addresses and zones', async () => {
    await open();
    await user.type(screen.getByLabelText(t.find), '192.0.2.3');
    await waitFor(() => expect(names()).toEqual(['loft-3']));
    await user.type(screen.getByLabelText(t.find), 'zzz');
    await user.click(button(t.clearFilter));
    await waitFor(() => expect(names()).toHaveLength(3));
  });

  test('a change of one node comes over the live stream', async () => {
    await open();
    live.start();
    await vi.waitFor(() => expect(live.state).toBe('live'));
    s.say('nodes', { changed: [node(1, { liveness: 'suspect' })], removed: ['n3'] });
    await waitFor(() => expect(names().toSorted()).toEqual(['loft-1', 'loft-2']));
    expect(row('loft-1').textContent).toContain(w.node.suspect);
    expect(s.sent('GET /nodes')).toHaveLength(1);
  });

  test('as a file it has what is in sight', async () => {
    const save = vi.spyOn(files, 'save').mockImplementation(() => undefined);
    await open({ state: 'down' });
    await user.click(button(t.export));
    const [name, data] = save.mock.calls[0] ?? ['', ''];
    expect(name).toBe('nodes.csv');
    expect(String(data).trimEnd().split('\r\n')).toHaveLength(2);
  });

  test('none yet invites who may to add one', async () => {
    all = [];
    signIn('operator');
    await open();
    expect(text()).toContain(t.emptyDetail);
    expect([off(button(t.add)), button(t.add).title]).toEqual([true, w.act.needs(w.role.admin)]);
  });

  test('a fault names the request', async () => {
    s.refuse('GET /nodes', 503, 'The nameserver does not answer');
    await open();
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
  });

  test('more than a page of nodes is read to its end', async () => {
    s.on('GET /nodes', (c: Call) => ({ items: [node(c.query.get('cursor') ? 2 : 1)], total: 2, as_of: ago(1), stale: false, ...(!c.query.get('cursor') && { next_cursor: 'x' }) }));
    await open();
    await waitFor(() => expect(names()).toEqual(['loft-1', 'loft-2']));
  });
});

describe('acts on one node', () => {
  test('each state has its own', async () => {
    all.push(node(4, { state: 'maintenance' }), node(5, { storage: false, roles: ['nameserver'] }));
    await open();
    const labels = (name: string): string[] => menuOf(name).map((x) => x.label).filter((x) => [t.drain, t.activate, t.maintain, t.remove].includes(x));
    expect(labels('loft-1')).toEqual([t.maintain, t.drain, t.remove]);
    expect(labels('loft-3')).toEqual([t.activate, t.maintain, t.remove]);
    expect(labels('loft-4')).toEqual([t.activate, t.drain, t.remove]);
    expect(labels('loft-5')).toEqual([t.maintain, t.remove]);
  });

  test.each([
    ['viewer', [t.maintain, t.drain, t.remove]],
    ['writer', [t.maintain, t.drain, t.remove]],
    ['operator', [t.remove]],
    ['admin', []],
  ] as [Role, string[]][])('a %s may not: %j', async (role, want) => {
    signIn(role);
    await open();
    const denied = menuOf('loft-1').filter((x) => x.disabled).map((x) => x.label);
    expect(denied.filter((x) => [t.maintain, t.drain, t.remove].includes(x))).toEqual(want);
  });

  test('a drain is tried, asked, and sent with its reason', async () => {
    s.on('POST /nodes/n1/drain', impact);
    await open();
    run('loft-1', t.drain);
    await asked();
    expect(confirmations.current).toMatchObject({ tier: 1, title: w.act.drain('loft-1') });
    await confirmations.current?.preview?.('');
    confirmations.current?.answer({ reason: 'old', choice: '' });
    await waitFor(() => expect(sent('POST /nodes/n1/drain')).toEqual([['true', undefined], [null, { reason: 'old' }]]));
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([impact.sentence]));
  });

  test('maintenance is for a time that is chosen, and each time is tried', async () => {
    s.on('POST /nodes/n1/maintenance', impact);
    await open();
    run('loft-1', t.maintain);
    await asked();
    await confirmations.current?.preview?.('7200');
    confirmations.current?.answer({ reason: '', choice: '7200' });
    await waitFor(() => expect(sent('POST /nodes/n1/maintenance')).toEqual([['true', { seconds: 7200, reason: '' }], [null, { seconds: 7200, reason: '' }]]));
  });

  test('to remove wants the name typed and a reason, and the name is sent', async () => {
    s.on('POST /nodes/n2/remove', impact);
    await open();
    run('loft-2', t.remove);
    await asked();
    expect(confirmations.current).toMatchObject({ tier: 2, typed: 'loft-2' });
    await confirmations.current?.preview?.('');
    confirmations.current?.answer({ reason: 'burnt', choice: '' });
    await waitFor(() => expect(sent('POST /nodes/n2/remove')).toEqual([['true', { confirm: 'loft-2' }], [null, { confirm: 'loft-2', reason: 'burnt' }]]));
  });

  test('Cancel removes nothing', async () => {
    await open();
    run('loft-2', t.remove);
    await asked();
    confirmations.current?.answer(null);
    await Promise.resolve();
    expect(s.sent('POST /nodes/n2/remove')).toEqual([]);
  });

  test('a refusal is told', async () => {
    s.refuse('POST /nodes/n3/activate', 409, 'It is gone', { detail: 'It was removed meanwhile.' });
    await open();
    run('loft-3', t.activate);
    await waitFor(() => expect(toasts.list).toMatchObject([{ tone: 'bad', text: 'It is gone', detail: 'It was removed meanwhile.' }]));
  });
});

describe('acts on several', () => {
  async function choose(...some: string[]): Promise<void> {
    for (const [i, name] of some.entries()) await fireEvent.click(row(name), { ctrlKey: i > 0 });
    await waitFor(() => expect(document.querySelector('.bulk')).toBeTruthy());
  }
  const bulk = (label: string): HTMLElement => [...document.querySelectorAll<HTMLElement>('.bulk button')].find((b) => b.textContent.trim() === label) as HTMLElement;

  test('are asked about once, with what they mean together and all names', async () => {
    s.on('GET /impact', impact).on('POST /nodes/*/drain', impact);
    await open();
    await choose('loft-1', 'loft-2');
    await user.click(bulk(t.drain));
    await asked();
    expect(confirmations.current?.title).toBe(t.bulkDrain('2'));
    expect(confirmations.current?.body).toContain('loft-1');
    expect(confirmations.current?.body).toContain('loft-2');
    await confirmations.current?.preview?.('');
    expect(s.sent('GET /impact').map((c) => [c.query.get('act'), c.query.get('node')?.split(',').toSorted()])).toEqual([['drain', ['n1', 'n2']]]);
    confirmations.current?.answer({ reason: 'move', choice: '' });
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([t.bulkDone('2', '2')]));
    expect(s.sent('POST /nodes/*/drain').map((c) => c.body)).toEqual([{ reason: 'move' }, { reason: 'move' }]);
    await waitFor(() => expect(document.querySelector('.bulk')).toBeNull());
  });

  test('one that fails does not keep the others from it, and is named', async () => {
    s.on('GET /impact', impact).on('POST /nodes/*/drain', (c: Call) => (c.path.includes('n1') ? refusal(409, 'It leads') : impact));
    await open();
    await choose('loft-1', 'loft-2');
    await user.click(bulk(t.drain));
    await asked();
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(toasts.list).toMatchObject([{ tone: 'bad', text: t.bulkDone('1', '2') }]));
    expect(toasts.list[0]?.detail).toContain('loft-1: It leads');
    expect(document.querySelector('.bulk')).toBeTruthy();
  });

  test('more than twenty at once are too many to judge', async () => {
    all = Array.from({ length: 21 }, (_, i) => node(i + 1));
    await open();
    fireEvent.keyDown(document.querySelector('[role=grid]') as HTMLElement, { key: 'a', ctrlKey: true });
    await waitFor(() => expect(bulk(t.drain).title).toBe(t.bulkTooMany('20')));
    await user.click(bulk(t.drain));
    expect(confirmations.current).toBeNull();
  });

  test('who may not is told who may', async () => {
    signIn('viewer');
    await open();
    await choose('loft-1', 'loft-2');
    expect(bulk(t.maintain).title).toBe(w.act.needs(w.role.operator));
  });

  test('what a filter hides is not acted on', async () => {
    await open();
    await choose('loft-1', 'loft-2', 'loft-3');
    await user.type(screen.getByLabelText(t.find), 'loft-1');
    await waitFor(() => expect(document.querySelector('.bulk')).toBeNull());
  });
});

describe('one node', () => {
  test('what it is and does', async () => {
    await open({ id: 'n1' });
    expect(win.title).toBe('loft-1');
    expect(text()).toContain('48%');
    expect(text()).toContain(t.freeOf('2.1 TiB', '4 TiB'));
    expect(text()).toContain(t.reads('39.1 MiB/s'));
    expect(text()).toContain('8.4 ms');
    expect(text()).toContain('192.0.2.1:7800');
  });

  test('what is not heard says what to look at, and tells no speed', async () => {
    await open({ id: 'n2' });
    expect(text()).toContain(t.downDetail);
    expect(text()).toContain(t.notHeard);
  });

  test('a maintenance that ends tomorrow tells the hour', async () => {
    all = [node(1, { state: 'maintenance', state_until: new Date(Date.now() + 86_400_000).toISOString() })];
    await open({ id: 'n1' });
    expect(text()).toMatch(/Maintenance until [^.]*\d\d:\d\d/);
  });

  test('a maintenance whose time is over says so', async () => {
    all = [node(1, { state: 'maintenance', state_until: ago(60) })];
    await open({ id: 'n1' });
    expect(text()).toContain(t.maintenanceOver);
  });

  test('a drain tells what is left, how long, and what is in its way', async () => {
    all[2] = node(3, { state: 'draining', drain: { node: 'n3', name: 'loft-3', volumes: 590, bytes: 900 * GiB, ready: false, blockers: ['The others have too little room.', 'The others have too little room.'] } });
    s.on('GET /tasks', { as_of: ago(1), items: [{ id: 't', kind: 'drain', title: 'Drain', state: 'running', target: 'n3', done: 12, total: 602, unit: 'volumes', eta_min_seconds: 660, eta_max_seconds: 1140 }] });
    await open({ id: 'n3' });
    await waitFor(() => expect(text()).toContain(w.left('11–19 min')));
    expect(text()).toContain(t.drainLeft(w.volumes(590, '590'), '900 GiB'));
    expect(text().split('The others have too little room.').length - 1).toBe(1);
    expect([...document.querySelectorAll('.drain button')].map((b) => b.textContent.trim())).toEqual([t.activate]);
  });

  test('one that is empty may be removed by an administrator', async () => {
    all[2] = node(3, { state: 'draining', drain: { node: 'n3', name: 'loft-3', volumes: 0, bytes: 0, ready: true } });
    signIn('operator');
    await open({ id: 'n3' });
    const remove = [...document.querySelectorAll<HTMLElement>('.drain button')].find((b) => b.textContent.trim() === t.remove) as HTMLElement;
    expect([off(remove), remove.title]).toEqual([true, w.act.needs(w.role.admin)]);
    expect(text()).toContain(t.readyDetail);
  });

  test('a failed disk says why', async () => {
    all[0] = node(1, { disks: [{ id: 'd1', path: '/srv/a', capacity_bytes: GiB, used_bytes: 0, free_bytes: GiB, volumes: 0, failed: 'input/output error' }] });
    await open({ id: 'n1', tab: 'disks' });
    expect(text()).toContain('input/output error');
    expect(text()).toContain(t.diskFailed);
  });

  test('one without disks says so', async () => {
    all[0] = node(1, { disks: [], capacity_bytes: 0, used_bytes: 0, free_bytes: 0 });
    await open({ id: 'n1' });
    expect(text()).toContain(t.diskEmpty);
    expect(text()).not.toMatch(/NaN|Infinity/);
  });

  test('one that does not exist says so, and leads back', async () => {
    await open({ id: 'n404' });
    expect(text()).toContain('There is no such node');
    await user.click(button(t.back));
    expect(win.params).toEqual({});
  });

  test('a new name is sent alone, once', async () => {
    s.on('PATCH /nodes/n1', undefined);
    await open({ id: 'n1' });
    await user.click(document.querySelector('header button') as HTMLElement);
    await user.click(await screen.findByText(t.edit));
    const field = await screen.findByLabelText(t.name);
    await user.clear(field);
    await user.type(field, ' attic-1 ');
    await user.dblClick(button(t.save));
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([t.saved]));
    expect(s.sent('PATCH /nodes/n1').map((c) => c.body)).toEqual([{ name: 'attic-1' }]);
  });

  test('its volumes and events are its own', async () => {
    s.on('GET /volumes', { items: [], as_of: ago(1), stale: false }).on('GET /events', { items: [] });
    await open({ id: 'n1', tab: 'volumes' });
    await waitFor(() => expect(s.sent('GET /volumes').map((c) => c.query.get('node'))).toEqual(['n1']));
    win.params = { id: 'n1', tab: 'events' };
    await waitFor(() => expect(s.sent('GET /events').map((c) => c.query.get('node'))).toEqual(['n1']));
    expect(text()).toContain(t.noEvents);
  });
});

describe('safe to stop?', () => {
  const facts = (more: Partial<Schemas['StopFacts']> = {}): Schemas['StopFacts'] => ({
    node: 'n1', name: 'loft-1', safe: true, sentence: 'All data stays readable.', unavailable: { volumes: 0, bytes: 0 }, at_risk: { volumes: 0, bytes: 0 }, below_target: { volumes: 602, bytes: 1950 * GiB }, writable: true, repair_bytes: 1950 * GiB, ...more,
  });

  test('yes, with what it would mean', async () => {
    s.on('GET /nodes/n1/safe-to-stop', facts());
    await open({ id: 'n1', tab: 'stop' });
    await waitFor(() => expect(text()).toContain(t.safe));
    expect(text()).toContain(t.volumesAnd(w.volumes(602, '602'), '1.9 TiB'));
    expect(button(t.beginMaintenance).className).toContain('primary');
  });

  test('no, and why; nothing invites to it', async () => {
    s.on('GET /nodes/n1/safe-to-stop', facts({ safe: false, sentence: '12 volumes would have no copy.', unavailable: { volumes: 12, bytes: GiB }, writable: false, blockers: ['Nothing could be written.'] }));
    await open({ id: 'n1', tab: 'stop' });
    await waitFor(() => expect(text()).toContain(t.unsafe));
    expect(text()).toContain('12 volumes would have no copy.');
    expect(text()).toContain('Nothing could be written.');
    expect(button(t.beginMaintenance).className).not.toContain('primary');
  });

  test('when it cannot be judged, it says neither', async () => {
    s.refuse('GET /nodes/n1/safe-to-stop', 503, 'The nameserver does not answer');
    await open({ id: 'n1', tab: 'stop' });
    await waitFor(() => expect(text()).toContain('The nameserver does not answer'));
    expect(document.querySelector('.answer')).toBeNull();
  });
});

describe('adding a machine', () => {
  const made = { id: 'k1', token: 'KEN1-secret', command: 'ken join KEN1-secret', expires: new Date(Date.now() + 86_400_000).toISOString() };

  test('a token for what it shall do, for one machine; then it waits for it', async () => {
    s.on('POST /tokens', made);
    await open({ add: '1' });
    await user.click(screen.getByLabelText(t.role.webdav));
    await user.selectOptions(screen.getByLabelText(t.validFor), '900');
    await user.dblClick(button(t.make));
    await waitFor(() => expect(text()).toContain('ken join KEN1-secret'));
    expect(s.sent('POST /tokens').map((c) => c.body)).toEqual([{ roles: ['datanode', 'webdav'], ttl_seconds: 900, uses: 1 }]);
    expect(text()).toMatch(/Works until [^.]*\d\d:\d\d/);
    expect(text()).toContain(t.waiting);
    live.start();
    await vi.waitFor(() => expect(live.state).toBe('live'));
    s.say('nodes', { changed: [node(9, { name: 'loft-9' })], removed: [] });
    await waitFor(() => expect(text()).toContain(t.joinedNow('loft-9')));
    expect(text()).not.toContain(t.joinedNow('loft-1'));
  });

  test('it must do something', async () => {
    await open({ add: '1' });
    await user.click(screen.getByLabelText(t.role.datanode));
    expect([off(button(t.make)), button(t.make).title]).toEqual([true, t.roleNeeded]);
  });

  test('who may not is told who may, and sees no tokens', async () => {
    signIn('operator');
    await open({ add: '1' });
    expect(button(t.make).title).toBe(w.act.needs(w.role.admin));
    expect(s.sent('GET /tokens')).toHaveLength(0);
  });

  test('a refusal is told where one asked', async () => {
    s.refuse('POST /tokens', 409, 'Too many tokens', { detail: 'Revoke one first.' });
    await open({ add: '1' });
    await user.click(button(t.make));
    await waitFor(() => expect(text()).toContain('Too many tokens'));
    expect(off(button(t.make))).toBe(false);
  });

  test('a token that still works can be revoked', async () => {
    let left: object[] = [{ id: 'k7', roles: ['datanode'], expires: made.expires, uses_left: 1 }];
    s.on('GET /tokens', () => left).on('DELETE /tokens/k7', () => {
      left = [];
      return undefined;
    });
    await open({ add: '1' });
    await user.click(await waitFor(() => button(t.revoke)));
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([t.revoked]));
    await waitFor(() => expect(text()).not.toContain(t.tokens));
  });

  test('closed, the address forgets it and nothing else', async () => {
    await open({ add: '1', state: 'down' });
    await user.click(button('Cancel'));
    expect(win.params).toEqual({ state: 'down' });
  });
});

test('in German', async () => {
  await speak('de');
  try {
    await open();
    await open({ id: 'n2' });
    expect(text()).not.toMatch(/undefined|\[object|Add a machine|Safe to stop|Reads/);
  } finally {
    await speak('en');
  }
});
