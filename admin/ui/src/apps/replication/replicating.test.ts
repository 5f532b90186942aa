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
import { button, hands, off, refusal, rows, screenOf, server, signIn, type Call, type Server } from '../../testing';
import { confirmations } from '../../ui/confirm.svelte';
import { contextMenus, type MenuItem } from '../../ui/menu.svelte';
import { toasts } from '../../ui/toast.svelte';
import App from './App.svelte';
import { t } from './strings';

type Report = Schemas['Report'];
type Repair = Schemas['Repair'];
type Volume = Schemas['Volume'];
const GiB = 2 ** 30;
const MiB = 2 ** 20;
const ago = (s: number): string => new Date(Date.now() - s * 1000).toISOString();
const item = (volume: string, more: Partial<Repair> = {}): Repair => ({ volume, class: 'repair', state: 'waiting', live: 1, target: 2, bytes: 4 * GiB, bytes_done: 0, blocks: 900, on: ['n1'], tries: 0, ...more });
const progress = (more: Partial<Report['repair']>): Report['repair'] => ({ ...cluster.report().repair, ...more });
const impact = { dry_run: true, sentence: '380 volumes stay with one copy for that long.', facts: [], blockers: [] };

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;
let queue: Repair[];
let drains: Schemas['Drain'][];

beforeEach(() => {
  screenOf(1100, 800);
  user = hands();
  signIn('operator');
  toasts.list = [];
  confirmations.current = null;
  contextMenus.current = null;
  queue = [];
  drains = [];
  s = server()
    .on('GET /metrics/query', { step_seconds: 10, times: [], columns: [] })
    .on('GET /nodes', { items: [cluster.node(1), cluster.node(2)], total: 2, as_of: ago(1), stale: false })
    .on('GET /replication', () => ({ as_of: ago(1), total: queue.length, queue, drains }));
});
afterEach(() => void (windows.list = []));

async function open(params: Params = {}, report: Partial<Report> = {}): Promise<string> {
  s.on('GET /health', cluster.health(cluster.report(report)));
  win = new Win('w1', 'replication', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[aria-busy=true]')).toBeNull());
  return text();
}
const text = (): string => document.body.textContent.replace(/\s+/g, ' ');
const tab = (name: string): HTMLElement => [...document.querySelectorAll<HTMLElement>('[role=tab]')].find((x) => x.textContent.startsWith(name)) as HTMLElement;
const figure = (label: string): string => [...document.querySelectorAll('.figures dt')].find((d) => d.textContent === label)?.nextElementSibling?.textContent.trim() ?? '';
const speed = (name: string): HTMLElement => [...document.querySelectorAll<HTMLElement>('.throttle button')].find((b) => b.textContent === name) as HTMLElement;
const row = (name: string): HTMLElement => rows().find((r) => r.textContent.includes(name)) as HTMLElement;
const asked = async (): Promise<void> => void (await waitFor(() => expect(confirmations.current).not.toBeNull()));

type Item = Exclude<MenuItem, 'separator'>;
function menuOf(name: string): Item[] {
  fireEvent.contextMenu(row(name), { button: 2 });
  return (contextMenus.current as { items: readonly MenuItem[] } | null)?.items.filter((x): x is Item => x !== 'separator') ?? [];
}

describe('the matrix of copies', () => {
  const copies = [
    { live: 2, target: 2, volumes: 1204, bytes: 4096 * GiB },
    { live: 1, target: 2, volumes: 214, bytes: 38.2 * GiB },
    { live: 0, target: 3, volumes: 12, bytes: 4.1 * GiB },
    { live: 4, target: 3, volumes: 1, bytes: GiB },
  ];
  const cells = (): string[][] => [...document.querySelectorAll('tbody tr')].map((r) => [...r.querySelectorAll('td')].map((c) => c.querySelector('.top')?.textContent.trim() ?? c.textContent.trim()));

  test('each wanted number against each that lives, with sums', async () => {
    await open({}, { copies });
    expect([...document.querySelectorAll('thead th')].map((h) => h.textContent)).toEqual([t.wanted, ...['0', '1', '2', '3', '4'].map(t.live), t.total]);
    const [two, three] = cells() as [string[], string[]];
    expect(two.slice(0, 5)).toEqual(['–', '214', '1,204', '–', '–']);
    expect(three.slice(0, 5)).toEqual(['12', '–', '–', '–', '1']);
    expect(two[5]).toContain(w.volumes(1418, '1,418'));
  });

  test('each cell says in words what it means, also to who does not see it', async () => {
    await open({}, { copies });
    expect(text()).toContain(t.cell(w.volumes(12, '12'), '4.1 GiB', w.safety.lost));
    expect(text()).toContain(t.cell(w.volumes(214, '214'), '38.2 GiB', w.safety.single));
    expect(text()).toContain(t.cell(w.volumes(1, '1'), '1 GiB', w.safety.surplus));
  });

  test('a cell leads to its volumes', async () => {
    s.on('GET /volumes', { items: [], as_of: ago(1), stale: false });
    await open({}, { copies });
    await user.click([...document.querySelectorAll<HTMLElement>('.figure')].find((f) => f.textContent.includes('214')) as HTMLElement);
    expect(win.params).toEqual({ tab: 'volumes', live: '1', target: '2' });
    await waitFor(() => expect(s.sent('GET /volumes').map((c) => [c.query.get('live'), c.query.get('target')])).toEqual([['1', '2']]));
  });

  test('volumes with no live copy are found, too: nought is a number', async () => {
    s.on('GET /volumes', { items: [], as_of: ago(1), stale: false });
    await open({ tab: 'volumes', live: '0', target: '3' });
    await waitFor(() => expect(s.sent('GET /volumes').map((c) => c.query.get('live'))).toEqual(['0']));
    expect(text()).toContain(t.noMatch);
  });

  test('volumes that are being written are not counted as lacking', async () => {
    expect(await open({}, { copies, fencing_volumes: 3, leased_volumes: 4 })).toContain(t.unsettled(w.volumes(7, '7')));
  });

  test('without data it says what will be here', async () => {
    expect(await open({}, { copies: [] })).toContain(t.noVolumes);
  });
});

describe('repair now', () => {
  test('how much, how fast, how long and how many at once', async () => {
    await open({}, { repair: progress({ running: 6, failing: 2, bytes_left: 290 * GiB, bytes_per_second: 410 * MiB, eta_min_seconds: 660, eta_max_seconds: 1140 }) });
    expect(figure(t.left)).toBe('290 GiB');
    expect(figure(t.rate)).toBe('410 MiB/s');
    expect(figure(t.eta)).toBe('11–19 min');
    expect(figure(t.copies)).toContain('6');
    expect(figure(t.copies)).toContain(t.failing('2'));
  });

  test('a time that is not known is not made up', async () => {
    await open({}, { repair: progress({ running: 6, bytes_left: GiB, bytes_per_second: 5 }) });
    expect(figure(t.eta)).toBe(t.noEta);
  });

  test.each([
    ['stalled', { bytes_left: GiB, stalled: 'no server has room' }, t.stalledWhy('no server has room')],
    ['braked', { bytes_left: GiB, paused: true, paused_by: 'brake' }, t.braked],
    ['idle', {}, t.idle],
  ] as const)('%s says why', async (state, change, why) => {
    const said = await open({}, { repair: progress(change) });
    expect(said).toContain(w.repair[state]);
    expect(said).toContain(why);
  });

  test('a pause tells when it ends by itself, with the hour also when that is tomorrow', async () => {
    const said = await open({}, { repair: progress({ bytes_left: GiB, paused: true, paused_until: new Date(Date.now() + 86_400_000).toISOString() }) });
    expect(said).toMatch(/Goes on by itself at .*\d\d:\d\d/);
  });
});

describe('pausing', () => {
  test('asks for how long, tries each choice, and sends the one taken with its reason', async () => {
    s.on('POST /replication/pause', impact);
    await open({}, { repair: progress({ bytes_left: GiB, running: 1 }) });
    await user.click(button(t.pause));
    await asked();
    expect(confirmations.current).toMatchObject({ tier: 1, title: w.act.pause });
    expect(confirmations.current?.choice?.options.map((o) => o.value)).toEqual(['900', '1800', '3600', '14400']);
    expect((await confirmations.current?.preview?.('3600'))?.sentence).toBe(impact.sentence);
    confirmations.current?.answer({ reason: 'backup window', choice: '3600' });
    await waitFor(() => expect(toasts.list).toHaveLength(1));
    expect(s.sent('POST /replication/pause').map((c) => [c.query.get('dry_run'), c.body])).toEqual([
      ['true', { seconds: 3600 }],
      [null, { seconds: 3600, reason: 'backup window' }],
    ]);
  });

  test('Cancel pauses nothing', async () => {
    await open({}, { repair: progress({ bytes_left: GiB, running: 1 }) });
    await user.click(button(t.pause));
    await asked();
    confirmations.current?.answer(null);
    await Promise.resolve();
    expect(s.sent('POST /replication/pause')).toHaveLength(0);
  });

  test('what is paused goes on without being asked', async () => {
    s.on('POST /replication/resume', undefined);
    await open({}, { repair: progress({ bytes_left: GiB, paused: true }) });
    await user.click(button(t.resume));
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([w.act.resumed]));
    expect(s.sent('POST /replication/resume')).toHaveLength(1);
  });

  test('afterwards the judgement is read again', async () => {
    s.on('POST /replication/resume', undefined);
    await open({}, { repair: progress({ bytes_left: GiB, paused: true }) });
    s.on('GET /health', cluster.health(cluster.report({ repair: progress({ bytes_left: GiB, running: 2 }) })));
    await user.click(button(t.resume));
    await waitFor(() => expect(button(t.pause)).toBeTruthy());
  });

  test('a refusal is told', async () => {
    s.refuse('POST /replication/resume', 409, 'The brake holds it', { detail: 'Look at the network first.' });
    await open({}, { repair: progress({ bytes_left: GiB, paused: true }) });
    await user.click(button(t.resume));
    await waitFor(() => expect(toasts.list).toMatchObject([{ tone: 'bad', text: 'The brake holds it', detail: 'Look at the network first.' }]));
  });

  test.each(['viewer', 'writer'] as Role[])('a %s is told who may', async (role) => {
    signIn(role);
    await open({}, { repair: progress({ bytes_left: GiB, running: 1 }) });
    expect([off(button(t.pause)), button(t.pause).title]).toEqual([true, w.act.needs(w.role.operator)]);
    await user.click(speed(w.preset.gentle));
    expect(confirmations.current).toBeNull();
  });
});

describe('how fast', () => {
  const limited = (bytes: number): Partial<Report> => ({ repair: progress({ limit_bytes_per_second: bytes }) });

  test('the speed that is set is marked, in words and in figures', async () => {
    expect(await open({}, limited(100 * MiB))).toContain(t.now(w.perServer('100 MiB/s')));
    expect(['gentle', 'normal', 'fast'].map((p) => speed(w.preset[p as 'fast']).getAttribute('aria-pressed'))).toEqual(['false', 'true', 'false']);
  });

  test('a speed of one’s own is none of the three', async () => {
    expect(await open({}, limited(33 * MiB))).toContain(t.now(w.perServer('33 MiB/s')));
    expect(document.querySelector('.throttle [aria-pressed=true]')).toBeNull();
  });

  test('another one is tried, asked and sent in bytes', async () => {
    s.on('PUT /replication/limit', impact);
    await open({}, limited(100 * MiB));
    await user.click(speed(w.preset.gentle));
    await asked();
    await confirmations.current?.preview?.('');
    confirmations.current?.answer({ reason: 'day', choice: '' });
    await waitFor(() => expect(s.sent('PUT /replication/limit').map((c) => [c.query.get('dry_run'), c.body])).toEqual([
      ['true', { bytes_per_second: 20 * MiB }],
      [null, { bytes_per_second: 20 * MiB, reason: 'day' }],
    ]));
  });

  test('no limit is nought', async () => {
    s.on('PUT /replication/limit', impact);
    await open({}, limited(100 * MiB));
    await user.click(speed(w.preset.fast));
    await asked();
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(s.sent('PUT /replication/limit')[0]?.body).toEqual({ bytes_per_second: 0, reason: '' }));
  });

  test('the one that is set already asks nothing', async () => {
    await open({}, limited(100 * MiB));
    await user.click(speed(w.preset.normal));
    expect(confirmations.current).toBeNull();
  });
});

describe('what is left', () => {
  beforeEach(() => {
    queue = [
      item('v1', { state: 'running', from: 'n1', to: 'n2', bytes_done: GiB }),
      item('v2', { live: 2, target: 3, state: 'running', from: 'n1', to: 'n9' }),
      item('v3', { class: 'drain', live: 2, target: 2 }),
    ];
  });

  test('by urgency, single copies first, without what is copied already', async () => {
    await open();
    const lines = [...document.querySelectorAll('.classes li')].map((l) => [l.children[0]?.textContent, l.children[1]?.textContent]);
    expect(lines).toEqual([
      [w.class.single, t.classOf(w.volumes(1, '1'), '3 GiB')],
      [w.class.repair, t.classOf(w.volumes(1, '1'), '4 GiB')],
      [w.class.drain, t.classOf(w.volumes(1, '1'), '4 GiB')],
    ]);
  });

  test('the busiest servers by their names, and they lead there', async () => {
    await open();
    const from = [...document.querySelectorAll('section')].find((x) => x.textContent.includes(t.sources)) as HTMLElement;
    await waitFor(() => expect(from.textContent).toContain('loft-1'));
    expect(from.textContent).toContain(t.copiesAt('2'));
    expect(text()).toContain('n9'); // one that the list does not know keeps its id
    await user.click(from.querySelector('button') as HTMLElement);
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n1' } });
  });

  test('when only a part is told, it says of how many', async () => {
    s.on('GET /replication', { as_of: ago(1), total: 5000, queue, drains: [] });
    expect(await open()).toContain(t.firstOnly('3', '5,000'));
    expect(tab(t.tabs.queue).textContent).toContain('5000');
  });
});

describe('the queue', () => {
  beforeEach(() => {
    queue = [
      item('v1', { state: 'running', from: 'n1', to: 'n2', bytes_done: GiB }),
      item('v2', { state: 'failed', last_error: 'checksum differs on loft-2', wait_reason: 'waits', tries: 3, next_try: ago(-60) }),
      item('v3', { live: 2, target: 3, wait_reason: 'no server has room' }),
    ];
  });

  test('each with how far it is, or why it waits', async () => {
    await open({ tab: 'queue' });
    await waitFor(() => expect(row('v1').textContent).toContain('loft-2'));
    expect(row('v1').textContent).toContain(t.ofBytes('1 GiB', '4 GiB'));
    expect(row('v1').textContent).toContain(w.class.single);
    expect(row('v2').textContent).toContain('Checksum differs on loft-2');
    expect(row('v3').textContent).toContain('No server has room');
    expect(row('v3').textContent).toContain(t.ofWanted('2', '3'));
  });

  test('it is followed over the live stream', async () => {
    await open({ tab: 'queue' });
    live.start();
    await vi.waitFor(() => expect(live.state).toBe('live'));
    const before = s.sent('GET /replication').length;
    s.say('repairs', { as_of: ago(0), total: 1, order: ['v3'], done: [0], changed: [item('v3', { live: 2, target: 3 })], drains: [], queue: [item('v3', { live: 2, target: 3 })] });
    await waitFor(() => expect(rows()).toHaveLength(1));
    expect(s.sent('GET /replication').length).toBe(before);
  });

  test('one can be put first by who may', async () => {
    s.on('POST /volumes/v3/prioritise', undefined);
    await open({ tab: 'queue' });
    menuOf('v3').find((x) => x.label === t.prioritise)?.run();
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([w.act.prioritised('v3')]));
    signIn('viewer');
    await waitFor(() => expect(menuOf('v3').find((x) => x.label === t.prioritise)?.disabled).toBe(w.act.needs(w.role.operator)));
  });

  test('its menu leads to both ends of a copy', async () => {
    await open({ tab: 'queue' });
    await waitFor(() => expect(menuOf('v1').map((x) => x.label)).toEqual([t.prioritise, t.show, t.node('loft-1'), t.node('loft-2')]));
    menuOf('v1').at(-1)?.run();
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n2' } });
  });

  test('nothing waits is good news', async () => {
    queue = [];
    expect(await open({ tab: 'queue' })).toContain(t.queueEmptyHint);
  });

  test('a fault names the request', async () => {
    s.refuse('GET /replication', 503, 'The nameserver does not answer');
    await open({ tab: 'queue' });
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
  });
});

describe('drains', () => {
  test('what is left, what is in the way, and which are ready', async () => {
    drains = [
      { node: 'n1', name: 'loft-1', volumes: 590, bytes: 900 * GiB, ready: false, blockers: ['the others have too little room'] },
      { node: 'n2', name: 'loft-2', volumes: 0, bytes: 0, ready: true },
    ];
    await open({ tab: 'drains' });
    const [one, two] = [...document.querySelectorAll<HTMLElement>('li.card')] as [HTMLElement, HTMLElement];
    expect(one.textContent).toContain(t.classOf(w.volumes(590, '590'), '900 GiB'));
    expect(one.textContent).toContain('The others have too little room');
    expect(two.textContent).toContain(w.node.ready);
    await user.click(two.querySelector('button') as HTMLElement);
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n2' } });
    expect(tab(t.tabs.drains).textContent).toContain('2');
  });

  test('none leads to the machines', async () => {
    expect(await open({ tab: 'drains' })).toContain(t.drainsEmptyHint);
    await user.click(button(t.toNodes));
    expect(windows.top?.app).toBe('nodes');
  });
});

describe('volumes', () => {
  const replica = (name: string, liveness: 'up' | 'down' = 'up', zone = 'attic') => ({ node: `id-${name}`, name, disk: `d-${name}`, liveness, zone });
  const volume = (id: string, more: Partial<Volume> = {}): Volume => ({ id, state: 'full', epoch: 7, target: 2, live: 2, blocks: 1200, bytes: 4 * GiB, replicas: [replica('loft-1'), replica('loft-2', 'up', 'cellar')], ...more });

  test('a list of more than a page is read on as one scrolls', async () => {
    const all = Array.from({ length: 60 }, (_, i) => volume(`v${i}`));
    s.on('GET /volumes', (c: Call) => {
      const from = Number(c.query.get('cursor') ?? 0);
      return { items: all.slice(from, from + 20), as_of: ago(1), stale: false, ...(from + 20 < 60 && { next_cursor: String(from + 20) }) };
    });
    await open({ tab: 'volumes' });
    await waitFor(() => expect(rows().length).toBeGreaterThan(20));
    expect(s.sent('GET /volumes').map((c) => c.query.get('cursor')).slice(0, 2)).toEqual([null, '20']);
    expect(row('v3').textContent).toContain('4 GiB');
  });

  test('a filter can be taken away', async () => {
    s.on('GET /volumes', { items: [volume('v1')], as_of: ago(1), stale: false });
    await open({ tab: 'volumes', live: '2', target: '2' });
    expect(text()).toContain(t.volumesOf(t.list('2', '2')));
    await user.click(button(t.showAll));
    await waitFor(() => expect(s.sent('GET /volumes').at(-1)?.query.get('live')).toBeNull());
  });

  test('nonsense in the address filters nothing', async () => {
    s.on('GET /volumes', { items: [volume('v1')], as_of: ago(1), stale: false });
    await open({ tab: 'volumes', live: '1e9', target: '-2' });
    expect([...(s.sent('GET /volumes')[0]?.query.keys() ?? [])]).toEqual([]);
  });

  test('one volume: its copies, where they are, and what repair means to do', async () => {
    queue = [item('v1', { wait_reason: 'no server has room' })];
    s.on('GET /volumes/v1', volume('v1', { live: 1, replicas: [replica('loft-1'), replica('loft-2', 'down')] }));
    const said = await open({ volume: 'v1' });
    expect(said).toContain(t.volume('v1'));
    expect(said).toContain(w.safety.single);
    expect(said).toContain('4 GiB');
    expect(said).toContain('1,200');
    expect(said).toContain('d-loft-2');
    await waitFor(() => expect(text()).toContain('No server has room'));
  });

  test('copies in one zone are warned of, in two they are not', async () => {
    s.on('GET /volumes/v1', volume('v1', { replicas: [replica('loft-1'), replica('loft-2')] })).on('GET /volumes/v2', volume('v2'));
    expect(await open({ volume: 'v1' })).toContain(t.oneZone);
    win.params = { volume: 'v2' };
    await waitFor(() => expect(text()).toContain(t.zones('2')));
    expect(text()).not.toContain(t.oneZone);
  });

  test('a volume that has all its copies is not put first', async () => {
    s.on('GET /volumes/v1', volume('v1'));
    await open({ volume: 'v1' });
    expect(text()).not.toContain(t.prioritise);
    await user.click(button(t.topology));
    expect(windows.top).toMatchObject({ app: 'topology', params: { volume: 'v1' } });
  });

  test('one that lacks copies can be', async () => {
    s.on('GET /volumes/v1', volume('v1', { live: 1 })).on('POST /volumes/v1/prioritise', refusal(409, 'Repair is paused'));
    await open({ volume: 'v1' });
    await user.click(button(t.prioritise));
    await waitFor(() => expect(toasts.list).toMatchObject([{ tone: 'bad', text: 'Repair is paused' }]));
  });

  test('one that does not exist says so, and leads back', async () => {
    s.refuse('GET /volumes/v404', 404, 'There is no such volume').on('GET /volumes', { items: [], as_of: ago(1), stale: false });
    expect(await open({ volume: 'v404' })).toContain('There is no such volume');
    await user.click(button(t.back));
    expect(win.params).toEqual({ tab: 'volumes' });
  });
});

test('the tabs are in the address', async () => {
  await open();
  await user.click(tab(t.tabs.queue));
  expect(win.params).toEqual({ tab: 'queue' });
  await user.click(tab(t.tabs.now));
  expect(win.params).toEqual({});
});

test('in German', async () => {
  await speak('de');
  try {
    queue = [item('v1')];
    await open();
    await open({ tab: 'queue' });
    expect(text()).not.toMatch(/undefined|\[object|Copies wanted|Left to copy|Pause…/);
  } finally {
    await speak('en');
  }
});
