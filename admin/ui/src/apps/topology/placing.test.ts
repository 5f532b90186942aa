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
import { t as parts } from '../../parts/strings';
import ZoneDialog from '../../parts/ZoneDialog.svelte';
import { zoning } from '../../parts/zoning.svelte';
import { button, hands, off, rows, screenOf, server, signIn, type Call, type Server } from '../../testing';
import { confirmations } from '../../ui/confirm.svelte';
import { contextMenus, type MenuItem } from '../../ui/menu.svelte';
import { toasts } from '../../ui/toast.svelte';
import App from './App.svelte';
import { t } from './strings';

type Node = Schemas['Node'];
type Replica = Schemas['Replica'];
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
const node = (i: number, more: Partial<Node> = {}): Node => ({ ...cluster.node(i), ...more });
const replica = (i: number, more: Partial<Replica> = {}): Replica => ({ node: `n${i}`, name: `loft-${i}`, disk: `d${i}`, liveness: 'up', zone: i % 2 ? 'attic' : 'cellar', ...more });
const impact = { dry_run: true, sentence: 'Two copies of 4 volumes will be in one zone.', facts: [], blockers: [] };

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;
let all: Node[];
let old: number;

beforeEach(() => {
  screenOf(1200, 800);
  user = hands();
  signIn('operator');
  toasts.list = [];
  confirmations.current = null;
  contextMenus.current = null;
  zoning.asked = null;
  old = 1;
  all = [node(1), node(2, { liveness: 'down' }), node(3), node(4, { zone: 'cellar/rack-2' })];
  s = server().on('GET /nodes', () => ({ items: all, total: all.length, as_of: ago(old), stale: false }));
});
afterEach(() => void (windows.list = []));

async function open(params: Params = {}): Promise<void> {
  win = new Win('w1', 'topology', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[role=status][aria-busy=true]')).toBeNull());
}
const text = (): string => document.body.textContent.replace(/\s+/g, ' ');
const tile = (id: string): HTMLElement => document.querySelector(`[data-node="${id}"]`) as HTMLElement;
const zone = (name: string): HTMLElement => document.querySelector(`[data-zone="${name}"]`) as HTMLElement;
const box = (): HTMLElement => document.querySelector('.map') as HTMLElement;
const said = (): string => document.querySelector('.said')?.textContent.trim() ?? '';
const lit = (): (string | undefined)[] => [...document.querySelectorAll<HTMLElement>('[data-node].lit')].map((e) => e.dataset.node);
const asked = async (): Promise<void> => void (await waitFor(() => expect(confirmations.current).not.toBeNull()));
const sent = (path: string): unknown[] => s.sent(path).map((c) => [c.query.get('dry_run'), c.body]);
type Item = Exclude<MenuItem, 'separator'>;
const offered = (): Item[] => ((contextMenus.current as { items: readonly MenuItem[] } | null)?.items ?? []).filter((x): x is Item => x !== 'separator');

describe('the map', () => {
  test('each node is in the box of its zone and rack, and the zones count', async () => {
    await open();
    const where = ['n1', 'n2', 'n3', 'n4'].map((id) => tile(id).closest<HTMLElement>('.rack')?.dataset.zone);
    expect(where).toEqual(['attic', 'cellar', 'attic', 'cellar/rack-2']);
    const [attic, cellar] = [...document.querySelectorAll('section.zone')].map((z) => z.getAttribute('aria-label'));
    expect([attic, cellar]).toEqual([t.zone('attic', t.nodes(2, '2')), t.zone('cellar', t.nodes(2, '2'))]);
    expect(document.querySelectorAll('section.zone header')[1]?.textContent).toContain(t.unhealthy(1, '1'));
    expect(document.querySelectorAll('section.zone header')[0]?.textContent).not.toContain('attention');
  });

  test('a tile says its name and state; a failed disk makes it look wrong', async () => {
    all[0] = node(1, { disks: [{ ...cluster.node(1).disks[0]!, failed: 'gone' }] });
    await open();
    expect(tile('n2').getAttribute('aria-label')).toBe(`loft-2, ${w.node.down}`);
    expect(tile('n2').classList.contains('bad')).toBe(true);
    expect(tile('n1').classList.contains('warn')).toBe(true);
    expect(tile('n1').getAttribute('aria-label')).toContain(t.diskFailed(1, '1'));
    expect(tile('n3').classList.contains('ok')).toBe(true);
  });

  test('nodes without a zone have a box that says so', async () => {
    all = [node(1, { zone: '' })];
    await open();
    expect(document.querySelector('.zone h2')?.textContent).toBe(t.noZone);
  });

  test('the legend counts the states', async () => {
    await open();
    const items = [...document.querySelectorAll('.legend .item')].map((e) => e.textContent.replace(/\s+/g, ' ').trim());
    expect(items).toContain(`${w.node.down} 1`);
    expect(items).toContain(`${w.node.up} 3`);
  });

  test('coloured by a figure, tiles tell it, and the legend its end', async () => {
    all[2] = node(3, { used_bytes: 0, latency_p99_ms: 20 });
    await open();
    await user.selectOptions(screen.getByLabelText(t.metric), 'p99');
    expect(win.params).toEqual({ metric: 'p99' });
    await waitFor(() => expect(tile('n3').textContent).toContain('20 ms'));
    expect(tile('n3').classList.contains('shade4')).toBe(true);
    expect(tile('n1').classList.contains('shade2')).toBe(true);
    expect(document.querySelector('.legend')?.textContent).toContain('20 ms');
  });

  test('what is not heard has no figure, not the lowest', async () => {
    await open({ metric: 'read' });
    expect(tile('n2').classList.contains('nothing')).toBe(true);
    expect(tile('n2').textContent).toContain(t.noFigure);
  });

  test('the usual colour leaves the address', async () => {
    await open({ metric: 'used', volume: '' });
    await user.selectOptions(screen.getByLabelText(t.metric), 'state');
    expect(win.params).toEqual({});
  });

  test('more nodes than have room for names are still told by name and zone', async () => {
    all = Array.from({ length: 49 }, (_, i) => node(i + 1));
    await open({ metric: 'used' });
    expect(tile('n49').textContent.trim()).toBe('48');
    expect(tile('n49').getAttribute('aria-label')).toContain('loft-49');
  });

  test('a node that changes or goes does so over the live stream', async () => {
    await open();
    live.start();
    await vi.waitFor(() => expect(live.state).toBe('live'));
    s.say('nodes', { changed: [node(1, { liveness: 'down', zone: 'shed' })], removed: ['n3'] });
    await waitFor(() => expect(tile('n1').closest<HTMLElement>('.rack')?.dataset.zone).toBe('shed'));
    expect(tile('n1').classList.contains('bad')).toBe(true);
    expect(tile('n3')).toBeNull();
    expect(s.sent('GET /nodes')).toHaveLength(1);
  });
});

describe('the keyboard on the map', () => {
  // two by two: attic 1 3, below it cellar 2 4
  const at: Record<string, [number, number]> = { n1: [0, 0], n3: [140, 0], n2: [0, 100], n4: [140, 100] };
  beforeEach(() => {
    vi.spyOn(HTMLElement.prototype, 'getBoundingClientRect').mockImplementation(function (this: HTMLElement) {
      const [x, y] = at[this.dataset.node ?? ''] ?? [0, 0];
      return new DOMRect(x, y, 132, 60);
    });
  });
  const stops = (): (string | undefined)[] => [...document.querySelectorAll<HTMLElement>('[data-node][tabindex="0"]')].map((e) => e.dataset.node);

  test('has one tab stop, which goes along with the arrows', async () => {
    await open();
    expect(stops()).toEqual(['n1']);
    tile('n1').focus();
    for (const [key, want] of [['ArrowRight', 'n3'], ['ArrowDown', 'n4'], ['ArrowLeft', 'n2'], ['ArrowUp', 'n1'], ['End', 'n4'], ['Home', 'n1'], ['ArrowUp', 'n1']] as const) {
      await user.keyboard(`{${key}}`);
      expect((document.activeElement as HTMLElement).dataset.node, key).toBe(want);
    }
    await user.keyboard('{ArrowDown}');
    await waitFor(() => expect(stops()).toEqual(['n2']));
  });

  test('Alt and an arrow is the browser’s', async () => {
    await open();
    tile('n1').focus();
    expect(fireEvent.keyDown(tile('n1'), { key: 'ArrowRight', altKey: true })).toBeTruthy();
    expect(document.activeElement).toBe(tile('n1'));
  });

  test('when the node at the tab stop goes, another has it', async () => {
    await open();
    tile('n2').focus();
    live.start();
    await vi.waitFor(() => expect(live.state).toBe('live'));
    s.say('nodes', { changed: [], removed: ['n2'] });
    await waitFor(() => expect(stops()).toEqual(['n1']));
  });

  test('Enter opens the node', async () => {
    await open();
    tile('n3').focus();
    await user.keyboard('{Enter}');
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n3' } });
  });

  test('Shift+F10 offers what can be done with the node', async () => {
    await open();
    tile('n4').focus();
    fireEvent.keyDown(tile('n4'), { key: 'F10', shiftKey: true });
    expect(offered().map((x) => [x.label, x.disabled])).toEqual([[t.open, undefined], [parts.zoneMove, false]]);
    offered()[1]?.run();
    expect(zoning.asked).toMatchObject({ node: { id: 'n4' }, zones: ['attic', 'cellar', 'cellar/rack-2'] });
  });

  test('beside the nodes there is no menu', async () => {
    await open();
    fireEvent.contextMenu(document.querySelector('.zone header') as HTMLElement, { button: 2 });
    expect(contextMenus.current).toBeNull();
  });
});

describe('moving a node to another zone', () => {
  const elsewhere = document.createElement('i');
  elsewhere.dataset.zone = 'cellar';
  type How = { pointerType?: string; end?: 'pointerUp' | 'pointerCancel' | 'escape' };
  async function carry(id: string, to: HTMLElement | null, how: How = {}): Promise<void> {
    const { pointerType = 'mouse', end = 'pointerUp' } = how;
    document.elementFromPoint = () => to;
    const from = tile(id);
    fireEvent.pointerDown(from, { button: 0, clientX: 10, clientY: 100, pointerType, pointerId: 1 });
    fireEvent.pointerMove(from, { clientX: 300, clientY: 300, pointerType, pointerId: 1 });
    await new Promise((done) => requestAnimationFrame(done));
    if (end === 'escape') fireEvent.keyDown(document.body, { key: 'Escape' });
    else fireEvent[end](from, { clientX: 300, clientY: 300, pointerType, pointerId: 1 });
  }

  test('dropped on a zone, what it means is asked first, then it is sent once', async () => {
    s.on('POST /nodes/n1/zone', impact);
    await open();
    await carry('n1', zone('cellar'));
    await asked();
    expect(confirmations.current).toMatchObject({ tier: 1, title: parts.zoneTitle('loft-1', 'cellar') });
    expect(await confirmations.current?.preview?.('')).toMatchObject({ sentence: impact.sentence });
    confirmations.current?.answer({ reason: 'moved it', choice: '' });
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([parts.zoneDone('loft-1', 'cellar')]));
    expect(sent('POST /nodes/n1/zone')).toEqual([['true', { zone: 'cellar' }], [null, { zone: 'cellar', reason: 'moved it' }]]);
    await waitFor(() => expect(s.sent('GET /nodes')).toHaveLength(2));
  });

  test('the way shows where it would go', async () => {
    await open();
    document.elementFromPoint = () => zone('cellar/rack-2');
    fireEvent.pointerDown(tile('n1'), { button: 0, clientX: 10, clientY: 100, pointerType: 'mouse', pointerId: 1 });
    fireEvent.pointerMove(tile('n1'), { clientX: 300, clientY: 300, pointerType: 'mouse', pointerId: 1 });
    await waitFor(() => expect(document.querySelector('.carried')?.textContent.trim()).toBe(t.carried('loft-1', 'cellar/rack-2')));
    expect(zone('cellar/rack-2').classList.contains('over')).toBe(true);
    expect(tile('n1').classList.contains('away')).toBe(true);
    fireEvent.pointerCancel(tile('n1'), { pointerId: 1 });
    await waitFor(() => expect(document.querySelector('.carried')).toBeNull());
    expect(zone('cellar/rack-2').classList.contains('over')).toBe(false);
  });

  test.each([
    ['its own zone', () => zone('attic'), {}],
    ['no box at all', () => null, {}],
    ['a zone of another window', () => elsewhere, {}],
    ['a zone, then Escape', () => zone('cellar'), { end: 'escape' }],
    ['a zone, when the pointer is lost', () => zone('cellar'), { end: 'pointerCancel' }],
    ['a zone by a finger, which scrolls', () => zone('cellar'), { pointerType: 'touch' }],
  ] as [string, () => HTMLElement | null, How][])('dropped on %s, nothing is asked', async (_, to, how) => {
    await open();
    await carry('n1', to(), how);
    await Promise.resolve();
    expect(confirmations.current).toBeNull();
    expect(s.sent('POST /nodes/*/zone')).toEqual([]);
  });

  test.each(['viewer', 'writer'] as Role[])('a %s cannot carry it, and the menu says who may', async (role) => {
    signIn(role);
    await open();
    await carry('n1', zone('cellar'));
    expect(confirmations.current).toBeNull();
    fireEvent.contextMenu(tile('n1'), { button: 2 });
    expect(offered()[1]?.disabled).toBe(w.act.needs(w.role.operator));
  });

  test('the click that ends a drag does not open the node, the next one does', async () => {
    await open();
    await carry('n1', null);
    await fireEvent.click(tile('n1'));
    expect(windows.list).toEqual([]);
    await user.click(tile('n1'));
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n1' } });
  });

  test('Cancel moves nothing', async () => {
    await open();
    await carry('n1', zone('cellar'));
    await asked();
    confirmations.current?.answer(null);
    await Promise.resolve();
    expect(s.sent('POST /nodes/n1/zone')).toEqual([]);
  });

  test('a refusal is told, and the map is read again', async () => {
    s.refuse('POST /nodes/n1/zone', 409, 'It is being removed', { detail: 'Wait until it is gone.' });
    await open();
    await carry('n1', zone('cellar'));
    await asked();
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(toasts.list).toMatchObject([{ tone: 'bad', text: 'It is being removed', detail: 'Wait until it is gone.' }]));
    await waitFor(() => expect(s.sent('GET /nodes')).toHaveLength(2));
    expect(tile('n1').closest<HTMLElement>('.rack')?.dataset.zone).toBe('attic');
  });

  test('the dialog takes a zone that is new, without the blanks around it', async () => {
    s.on('POST /nodes/n1/zone', impact);
    const closed = vi.fn();
    render(ZoneDialog, { node: node(1), zones: ['attic', 'cellar'], onclose: closed });
    expect(off(button(parts.zoneNext))).toBe(true);
    await user.type(screen.getByRole('combobox', { hidden: true }), '  shed/rack-1 {Enter}');
    await asked();
    expect(closed).toHaveBeenCalledOnce();
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(sent('POST /nodes/n1/zone')).toEqual([[null, { zone: 'shed/rack-1', reason: '' }]]));
  });

  test('the dialog gives back a zone that was set to what the machine says', async () => {
    s.on('POST /nodes/n1/zone', impact);
    render(ZoneDialog, { node: node(1, { zone_set: true, machine_zone: 'shed' }), zones: [], onclose: () => undefined });
    await user.click(button(parts.zoneBackTo('shed')));
    await asked();
    expect(confirmations.current?.title).toBe(parts.zoneBackTitle('loft-1'));
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(sent('POST /nodes/n1/zone')).toEqual([[null, { zone: '', reason: '' }]]));
  });
});

describe('where copies are', () => {
  const volume = (replicas: Replica[], target = replicas.length): object => ({ id: 'v7', target, replicas });
  const field = (): HTMLElement => screen.getByLabelText(t.find);

  test('a volume is asked for by its number; its nodes light up, the others fade', async () => {
    s.on('GET /volumes/v7', volume([replica(1), replica(2, { liveness: 'down' })]));
    await open();
    await user.type(field(), ' 7 {Enter}');
    expect(win.params).toEqual({ volume: 'v7' });
    await waitFor(() => expect(lit()).toEqual(['n1', 'n2']));
    expect(tile('n3').classList.contains('dim')).toBe(true);
    expect(tile('n1').getAttribute('aria-label')).toContain(t.hasCopy);
    expect(said()).toContain(t.copies('1', '2'));
  });

  test('a file is asked for by its path, and all its volumes count', async () => {
    s.on('GET /fs/blocks', (c: Call) => ({ items: c.query.get('path') === '/a b/c' ? [{ volume: 'v1', target: 1, replicas: [replica(1)] }, { volume: 'v2', target: 1, replicas: [replica(4)] }] : [] }));
    await open();
    await user.type(field(), '/a b/c{Enter}');
    await waitFor(() => expect(lit()).toEqual(['n1', 'n4']));
    expect(said()).toContain(t.fileCopies(t.volumes(2, '2'), t.nodes(2, '2')));
    expect(said()).not.toContain(t.part);
  });

  test('of a file too large to look at it says that only a part was', async () => {
    s.on('GET /fs/blocks', { items: [{ volume: 'v1', target: 1, replicas: [replica(1)] }], next_cursor: 'x' });
    await open({ path: '/big' });
    await waitFor(() => expect(said()).toContain(t.part));
  });

  test('all copies in one place is a warning', async () => {
    s.on('GET /volumes/v7', volume([replica(1), replica(3)]));
    await open({ volume: 'v7' });
    await waitFor(() => expect(said()).toContain(t.oneZone));
  });

  test('an empty file has none', async () => {
    s.on('GET /fs/blocks', { items: [] });
    await open({ path: '/empty' });
    await waitFor(() => expect(said()).toBe(t.noBlocks));
    expect(lit()).toEqual([]);
  });

  test('what is neither a volume nor a path is told, and asked of nobody', async () => {
    await open();
    await user.type(field(), 'loft-1{Enter}');
    await waitFor(() => expect(said()).toBe(t.badTarget));
    expect(field().getAttribute('aria-invalid')).toBe('true');
    expect([win.params, s.calls.map((c) => c.path)]).toEqual([{}, ['/nodes']]);
    await user.clear(field());
    await user.type(field(), '{Enter}');
    await waitFor(() => expect(said()).toBe(''));
  });

  test.each([
    [404, 'There is no such volume'],
    [403, 'You may not see it'],
  ])('a refusal (%i) is told, and the map stays', async (status, title) => {
    s.refuse('GET /volumes/v7', status, title);
    await open({ volume: 'v7' });
    await waitFor(() => expect(said()).toContain(title));
    expect(document.querySelectorAll('.dim, .lit')).toHaveLength(0);
    expect(tile('n1')).toBeTruthy();
  });

  test('until it is known, it says that it looks', async () => {
    const free = s.on('GET /volumes/v7', volume([replica(1)])).hold('GET /volumes/v7');
    await open({ volume: 'v7' });
    expect(said()).toBe(t.looking);
    free();
    await waitFor(() => expect(said()).toContain(t.copies('1', '1')));
  });

  test('cleared, all nodes are equal again, and the rest of the address stays', async () => {
    s.on('GET /volumes/v7', volume([replica(1)]));
    await open({ volume: 'v7', metric: 'used' });
    await waitFor(() => expect(lit()).toEqual(['n1']));
    await user.click(button(t.clear));
    expect(win.params).toEqual({ metric: 'used' });
    await waitFor(() => expect(document.querySelectorAll('.dim, .lit')).toHaveLength(0));
    expect((field() as HTMLInputElement).value).toBe('');
  });

  test('a path takes the place of a volume', async () => {
    s.on('GET /volumes/v7', volume([replica(1)])).on('GET /fs/blocks', { items: [] });
    await open({ volume: 'v7' });
    await user.clear(field());
    await user.type(field(), '/x{Enter}');
    expect(win.params).toEqual({ path: '/x' });
  });
});

describe('as a list', () => {
  const names = (): (string | undefined)[] => rows().filter((r) => r.getAttribute('role') === 'row').map((r) => /loft-\d/.exec(r.textContent)?.[0]);

  test('it has the same nodes, by zone, with zone and rack apart', async () => {
    await open();
    await user.click(button(t.list));
    expect(win.params).toEqual({ view: 'list' });
    await waitFor(() => expect(names()).toEqual(['loft-1', 'loft-3', 'loft-2', 'loft-4']));
    expect(rows().at(-1)?.textContent).toContain('rack-2');
    expect(document.querySelector('.map')).toBeNull();
    await user.click(button(t.map));
    await waitFor(() => expect(box()).toBeTruthy());
    expect(win.params).toEqual({});
  });

  test('with copies asked for, it has their nodes alone', async () => {
    s.on('GET /volumes/v7', { id: 'v7', target: 2, replicas: [replica(2), replica(3)] });
    await open({ view: 'list', volume: 'v7' });
    await waitFor(() => expect(names().toSorted()).toEqual(['loft-2', 'loft-3']));
  });

  test('a failed disk is counted', async () => {
    const [disk] = cluster.node(1).disks;
    all = [node(1, { disks: [{ ...disk!, failed: 'gone' }, { ...disk!, id: 'd9' }] }), node(2, { disks: [], capacity_bytes: 0 })];
    await open({ view: 'list' });
    await waitFor(() => expect(rows()[0]?.textContent).toContain(t.disks('1', '2')));
    expect(text()).not.toContain('NaN');
  });
});

describe('before there is anything to see', () => {
  test('no machine yet invites who may to add one', async () => {
    all = [];
    signIn('admin');
    await open();
    expect(text()).toContain(t.emptyDetail);
    await user.click(button(t.add));
    expect(windows.top).toMatchObject({ app: 'nodes', params: { add: '1' } });
  });

  test('who may not add one is told who may', async () => {
    all = [];
    await open();
    expect([off(button(t.add)), button(t.add).title]).toEqual([true, w.act.needs(w.role.admin)]);
  });

  test('old data says so', async () => {
    old = 300;
    await open();
    expect(text()).toContain('Data from');
  });

  test('a fault names the request, and is tried again', async () => {
    s.refuse('GET /nodes', 503, 'The nameserver does not answer');
    await open();
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
    expect(box()).toBeNull();
    s.on('GET /nodes', { items: all, total: all.length, as_of: ago(1), stale: false });
    await user.click(button('Try again'));
    await waitFor(() => expect(tile('n1')).toBeTruthy());
  });

  test('who may not see the machines is told which role it needs', async () => {
    s.refuse('GET /nodes', 403, 'Denied', { code: 'denied', needs: 'viewer' } as object);
    await open();
    expect(text()).toContain('It needs the role viewer.');
    expect(box()).toBeNull();
    expect(button(t.show)).toBeTruthy();
  });
});

test('in German', async () => {
  await speak('de');
  try {
    await open({ metric: 'used' });
    await open({ view: 'list' });
    expect(text()).not.toMatch(/undefined|\[object|Copies of|attention|No zone|Used space/);
  } finally {
    await speak('en');
  }
});
