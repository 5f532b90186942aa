// @vitest-environment happy-dom
import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import type { Schemas } from '../../api/client';
import { live } from '../../api/live.svelte';
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

type Event = Schemas['Event'];
type Task = Schemas['Task'];
type Audit = Schemas['AuditRecord'];
const GiB = 2 ** 30;
const ago = (s: number): string => new Date(Date.now() - s * 1000).toISOString();
const event = (id: number, more: Partial<Event> = {}): Event => ({ id: String(id), time: ago(1000 - id), severity: 'info', code: 'X', text: `event ${id}`, ...more });
const task = (id: string, more: Partial<Task> = {}): Task => ({ id, kind: 'repair', title: `Task ${id}`, state: 'running', done: 112 * GiB, total: 290 * GiB, unit: 'bytes', since: ago(500), ...more });
const record = (id: number, more: Partial<Audit> = {}): Audit => ({ id: String(id), time: ago(1000 - id), user: 'bea', origin: 'admin', action: 'drainNode', outcome: 'ok', text: `bea drained loft-${id}`, ...more });

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;

beforeEach(() => {
  screenOf(1200, 700);
  s = server()
    .on('GET /health', cluster.health(cluster.report()))
    .on('GET /tasks', { as_of: ago(1), items: [] })
    .on('GET /events', { items: [event(2), event(1)] })
    .on('GET /audit', { items: [] });
  user = hands();
  signIn('admin');
  toasts.list = [];
  confirmations.current = null;
  contextMenus.current = null;
});
afterEach(() => void (windows.list = []));

async function open(params: Params = {}): Promise<void> {
  win = new Win('w1', 'activity', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[role=status][aria-busy=true]')).toBeNull());
}
async function listen(): Promise<void> {
  live.start();
  await vi.waitFor(() => expect(live.state).toBe('live'));
}
const text = (): string => document.body.textContent.replace(/\s+/g, ' ');
const lines = (): string[] => rows().map((r) => /(event|Task|loft-)\s?\w+/.exec(r.textContent)?.[0] ?? '');
const row = (name: string): HTMLElement => rows().find((r) => r.textContent.includes(name)) as HTMLElement;
const asked = (of: string): (Record<string, string>)[] => s.sent(`GET ${of}`).map((c) => Object.fromEntries(c.query));

type Item = Exclude<MenuItem, 'separator'>;
function menuOf(name: string): Item[] {
  contextMenus.current = null;
  fireEvent.contextMenu(row(name), { button: 2 });
  return (contextMenus.current as { items: readonly MenuItem[] } | null)?.items.filter((x): x is Item => x !== 'separator') ?? [];
}

describe('tasks', () => {
  test('what failed stands first, then what runs', async () => {
    s.on('GET /tasks', { as_of: ago(1), items: [task('a', { state: 'waiting' }), task('b', { state: 'done' }), task('c'), task('d', { state: 'failed', detail: 'no server has room' })] });
    await open();
    expect(lines()).toEqual(['Task d', 'Task c', 'Task a', 'Task b']);
    expect(row('Task d').textContent).toContain('no server has room');
    expect(row('Task c').textContent).toContain('112 GiB of 290 GiB');
  });

  test('a time that is not known is not made up', async () => {
    s.on('GET /tasks', { as_of: ago(1), items: [task('a'), task('b', { eta_min_seconds: 660, eta_max_seconds: 1140 })] });
    await open();
    expect(row('Task b').textContent).toContain('11–19 min');
    expect(row('Task a').textContent).toContain(t.none);
  });

  test('they are followed over the live stream', async () => {
    await open();
    expect(text()).toContain(t.tasksEmptyHint);
    await listen();
    s.say('tasks', { as_of: ago(0), items: [task('a')] });
    await waitFor(() => expect(lines()).toEqual(['Task a']));
    expect(s.sent('GET /tasks')).toHaveLength(1);
  });

  test('a drain leads to its machine and can be ended; removing is only of one that is done', async () => {
    s.on('GET /tasks', { as_of: ago(1), items: [task('a', { kind: 'drain', target: 'n2', unit: 'volumes', done: 12, total: 602 }), task('b', { kind: 'drain', target: 'n3', state: 'done' })] });
    await open();
    expect(row('Task a').textContent).toContain('12 of 602 volumes');
    expect(menuOf('Task a').map((x) => x.label)).toEqual([t.act.open, t.act.endDrain]);
    expect(menuOf('Task b').map((x) => x.label)).toEqual([t.act.open, t.act.removeNode, t.act.endDrain]);
    await user.dblClick(row('Task a'));
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n2' } });
  });

  test('ending a drain tells the machine by its name', async () => {
    s.on('GET /tasks', { as_of: ago(1), items: [task('a', { kind: 'drain', target: 'n2' })] })
      .on('GET /nodes/n2', { ...cluster.node(2), id: 'n2' })
      .on('POST /nodes/n2/activate', undefined);
    await open();
    menuOf('Task a').find((x) => x.label === t.act.endDrain)?.run();
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([w.act.activated('loft-2')]));
    expect(s.sent('POST /nodes/n2/activate')).toHaveLength(1);
  });

  test('repair can be held, and when it is held it can go on', async () => {
    s.on('GET /tasks', { as_of: ago(1), items: [task('a')] });
    await open();
    expect(menuOf('Task a').map((x) => x.label)).toContain(t.act.pauseRepair);
    menuOf('Task a').find((x) => x.label === t.act.pauseRepair)?.run();
    await waitFor(() => expect(confirmations.current).toMatchObject({ tier: 1, title: w.act.pause }));
    confirmations.current?.answer(null);
  });

  test('held, it says Resume', async () => {
    s.on('GET /health', cluster.health(cluster.report({ repair: { ...cluster.report().repair, paused: true } }))).on('GET /tasks', { as_of: ago(1), items: [task('a')] });
    await open();
    await waitFor(() => expect(menuOf('Task a').map((x) => x.label)).toContain(t.act.resumeRepair));
  });

  test.each(['viewer', 'writer'] as const)('a %s is told who may', async (role) => {
    signIn(role);
    s.on('GET /tasks', { as_of: ago(1), items: [task('a'), task('b', { kind: 'drain', target: 'n3', state: 'done' })] });
    await open();
    expect(menuOf('Task a').find((x) => x.label === t.act.pauseRepair)?.disabled).toBe(w.act.needs(w.role.operator));
    expect(menuOf('Task b').find((x) => x.label === t.act.removeNode)?.disabled).toBe(w.act.needs(w.role.admin));
  });

  test('a fault names the request', async () => {
    s.refuse('GET /tasks', 503, 'The nameserver does not answer');
    await open();
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
  });
});

describe('events', () => {
  test('the filters stand in the address and in the request', async () => {
    await open({ tab: 'events', text: 'disk', severity: 'warning', range: '24h', node: 'n7' });
    const query = asked('/events')[0] ?? {};
    expect(query).toMatchObject({ text: 'disk', severity: 'warning', node: 'n7', limit: '200' });
    expect(Math.round((Date.now() - Date.parse(query.since ?? '')) / 3_600_000)).toBe(24);
    expect(text()).toContain(t.onlyNode('n7'));
  });

  test('without a time there is none in the request', async () => {
    await open({ tab: 'events' });
    expect(asked('/events')[0]).not.toHaveProperty('since');
  });

  test('what is typed is asked for once, when one stops', async () => {
    await open({ tab: 'events' });
    await user.type(screen.getByLabelText(t.find), 'disk');
    await waitFor(() => expect(asked('/events').map((q) => q.text)).toEqual([undefined, 'disk']));
    expect(win.params).toEqual({ tab: 'events', text: 'disk' });
  });

  test('choosing a severity keeps the rest of the filter', async () => {
    await open({ tab: 'events', text: 'disk', node: 'n7' });
    await user.selectOptions(screen.getByLabelText(t.severity), 'critical');
    expect(win.params).toEqual({ tab: 'events', text: 'disk', severity: 'critical', node: 'n7' });
    await waitFor(() => expect(asked('/events').at(-1)?.severity).toBe('critical'));
  });

  test('nothing found lets one clear the filters', async () => {
    s.on('GET /events', { items: [] });
    await open({ tab: 'events', text: 'zzz', node: 'n7' });
    await waitFor(() => expect(text()).toContain(t.eventsEmpty));
    await user.click(document.querySelector('.notice button, [role=alert] button') ?? (screen.getAllByText(t.showAll).at(-1) as HTMLElement));
    await waitFor(() => expect(win.params).toEqual({ tab: 'events' }));
  });

  test('a longer log is read page by page', async () => {
    s.on('GET /events', (c: Call) => {
      const from = Number(c.query.get('cursor') ?? 20);
      return { items: Array.from({ length: 5 }, (_, i) => event(from - i)), ...(from > 5 && { next_cursor: String(from - 5) }) };
    });
    await open({ tab: 'events' });
    await waitFor(() => expect(lines().at(-1)).toBe('event 1'));
    expect(asked('/events').map((q) => q.cursor)).toEqual([undefined, '15', '10', '5']);
    expect(new Set(lines()).size).toBe(20);
  });

  test('a page that cannot be read leaves the others', async () => {
    s.on('GET /events', (c: Call) => (c.query.get('cursor') ? refusal(503, 'Not now') : { items: [event(2), event(1)], next_cursor: '9' }));
    await open({ tab: 'events' });
    await waitFor(() => expect(text()).toContain('Not now'));
    expect(lines().slice(0, 2)).toEqual(['event 2', 'event 1']);
    expect(s.sent('GET /events')).toHaveLength(2); // and is not asked for again and again
  });

  test('new ones appear on top, those that do not match do not', async () => {
    await open({ tab: 'events', severity: 'warning' });
    await listen();
    s.say('event', event(3, { severity: 'critical' }));
    s.say('event', event(4));
    await waitFor(() => expect(lines()).toEqual(['event 3', 'event 2', 'event 1']));
    expect(s.sent('GET /events')).toHaveLength(1);
  });

  test('held still, new ones wait and are counted, and come when one asks', async () => {
    await open({ tab: 'events' });
    await listen();
    await user.click(button(t.tailPause));
    s.say('event', event(3));
    s.say('event', event(4));
    await waitFor(() => expect(button(t.waiting('2'))).toBeTruthy());
    expect(lines()).toEqual(['event 2', 'event 1']);
    await user.click(button(t.waiting('2')));
    await waitFor(() => expect(lines()).toEqual(['event 4', 'event 3', 'event 2', 'event 1']));
    s.say('event', event(5));
    await waitFor(() => expect(button(t.waiting('1'))).toBeTruthy()); // still held
    await user.click(button(t.tailResume));
    await waitFor(() => expect(lines()[0]).toBe('event 5'));
  });

  test('the same event is shown once, however often it is told', async () => {
    await open({ tab: 'events' });
    await listen();
    s.say('event', event(3));
    s.say('event', event(3));
    s.say('event', event(2));
    await waitFor(() => expect(lines()).toContain('event 3'));
    expect(lines()).toEqual(['event 3', 'event 2', 'event 1']);
  });

  test('an event leads to its machine', async () => {
    s.on('GET /events', { items: [event(1, { node: 'n7' })] });
    await open({ tab: 'events' });
    await waitFor(() => expect(rows()).toHaveLength(1));
    await user.dblClick(row('event 1'));
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n7' } });
  });

  test('it says when nothing comes by itself', async () => {
    await open({ tab: 'events' });
    await listen();
    s.fetch = () => Promise.reject(new TypeError('Failed to fetch'));
    vi.stubGlobal('fetch', s.fetch);
    for (const x of [...s.streams]) x.end();
    await waitFor(() => expect(text()).toContain(t.lost));
  });
});

describe('the audit', () => {
  test('only administrators have it', async () => {
    signIn('operator');
    await open();
    expect([...document.querySelectorAll('[role=tab]')].map((x) => x.textContent)).toEqual([t.tabs.tasks, t.tabs.events]);
  });

  test('who follows a link to it is told whom it is for', async () => {
    signIn('operator');
    s.refuse('GET /audit', 403, 'Forbidden', { code: 'forbidden' });
    await open({ tab: 'audit' });
    expect(text()).toContain(w.role.admin);
  });

  test('who did what, and whether it was let through', async () => {
    s.on('GET /audit', { items: [record(2), record(1, { outcome: 'denied', reason: 'old disk', target: 'n1' })] });
    await open({ tab: 'audit' });
    await waitFor(() => expect(rows()).toHaveLength(2));
    expect(row('loft-1').querySelector('.warn')).toBeTruthy();
    expect(row('loft-2').querySelector('.ok')).toBeTruthy();
    expect(row('loft-1').textContent).toContain('old disk');
  });

  test('a record opens with all that is known of it', async () => {
    s.on('GET /audit', { items: [record(1, { remote: '192.0.2.9', request_id: 'r-77', reason: 'old disk' })] });
    await open({ tab: 'audit' });
    await waitFor(() => expect(rows()).toHaveLength(1));
    await user.dblClick(row('loft-1'));
    const facts = await waitFor(() => document.querySelector('dialog dl') as HTMLElement);
    for (const want of ['192.0.2.9', 'r-77', 'old disk', 'drainNode']) expect(facts.textContent).toContain(want);
    expect(facts.textContent).not.toContain(t.col.target); // what is not known has no line
    await user.click(button(t.close));
    expect(document.querySelector('dialog')).toBeNull();
  });

  test('it is not followed live: it is read again when one asks', async () => {
    s.on('GET /audit', { items: [record(1)] });
    await open({ tab: 'audit' });
    await waitFor(() => expect(rows()).toHaveLength(1));
    s.on('GET /audit', { items: [record(2), record(1)] });
    await user.click(button(t.refresh));
    await waitFor(() => expect(rows()).toHaveLength(2));
  });

  test('the filters of the log of events do not hide its records for ever', async () => {
    s.on('GET /audit', (c: Call) => ({ items: c.query.get('text') ? [] : [record(1)] }));
    await open({ tab: 'audit', text: 'zzz', severity: 'critical', node: 'n7' });
    await waitFor(() => expect(text()).toContain(t.auditEmpty));
    await user.click(button(t.showAll));
    await waitFor(() => expect(rows()).toHaveLength(1));
  });
});

describe('a log as a file', () => {
  const saved = (): [string, string, string][] => vi.mocked(files.save).mock.calls.map(([name, data, type]) => [name, String(data), type]);
  beforeEach(() => void vi.spyOn(files, 'save').mockImplementation(() => undefined));

  async function take(what: string): Promise<void> {
    await user.click(button(t.export));
    await user.click(await screen.findByText(what));
  }

  test('CSV has the columns as they are named, and no formula in it', async () => {
    s.on('GET /events', { items: [event(1, { text: '=HYPERLINK("http://evil")', subject: 'a,b' }), event(2, { severity: 'critical' })] });
    await open({ tab: 'events' });
    await waitFor(() => expect(rows()).toHaveLength(2));
    await take(t.exportCsv);
    const [name, data, type] = saved()[0] as [string, string, string];
    expect([name, type]).toEqual(['events.csv', 'text/csv']);
    const [head, one, two] = data.split('\r\n');
    expect(head?.split(',')).toHaveLength(5);
    expect(one).toMatch(/^"'=HYPERLINK\(""http:\/\/evil""\)"/);
    expect(one).toContain('"a,b"');
    expect(two).toContain(w.severity.critical);
  });

  test('JSON lines are the records of the server, one a line', async () => {
    const all = [record(2), record(1, { reason: 'line\nbreak' })];
    s.on('GET /audit', { items: all });
    await open({ tab: 'audit' });
    await waitFor(() => expect(rows()).toHaveLength(2));
    await take(t.exportJson);
    const [name, data] = saved()[0] as [string, string, string];
    expect(name).toBe('audit.jsonl');
    expect(data.trimEnd().split('\n').map((l) => JSON.parse(l) as unknown)).toEqual(all);
  });

  test('an empty log is no file', async () => {
    s.on('GET /events', { items: [] });
    await open({ tab: 'events' });
    await waitFor(() => expect(text()).toContain(t.eventsEmpty));
    expect(off(button(t.export))).toBe(true);
  });
});

test('in German', async () => {
  await speak('de');
  try {
    for (const tab of ['tasks', 'events', 'audit']) await open({ tab });
    expect(text()).not.toMatch(/undefined|\[object|Nothing is being|Last hour|Export As/);
  } finally {
    await speak('en');
  }
});
