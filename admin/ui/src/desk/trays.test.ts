// @vitest-environment happy-dom
import { configure, render, screen } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import type { Schemas } from '../api/client';
import { live, type LiveState } from '../api/live.svelte';
import { clock } from '../i18n/format';
import { answered, hands, screenOf, server, signIn, type Server } from '../testing';
import { toasts } from '../ui/toast.svelte';
import { transfers } from '../transfers/queue.svelte';
import Badges from './Badges.svelte';
import CheatSheet from './CheatSheet.svelte';
import Clock from './Clock.svelte';
import { shell, windows } from './desk.svelte';
import HealthPill from './HealthPill.svelte';
import LiveDot from './LiveDot.svelte';
import { look } from './look.svelte';
import NotificationsTray from './NotificationsTray.svelte';
import { t } from './strings';
import TasksTray from './TasksTray.svelte';
import TransfersTray from './TransfersTray.svelte';
import TrayButton from './TrayButton.svelte';
import UserMenu from './UserMenu.svelte';
import CapacityWidget from './widgets/CapacityWidget.svelte';
import EventsWidget from './widgets/EventsWidget.svelte';
import HealthWidget from './widgets/HealthWidget.svelte';
import RepairWidget from './widgets/RepairWidget.svelte';

configure({ defaultHidden: true });
const { verdicts, health, report } = cluster;
let s: Server;
let state: LiveState;
let heard: number;

beforeEach(() => {
  screenOf(1280, 768);
  s = server().on('GET /tasks', cluster.tasks()).on('GET /events', cluster.events());
  signIn('admin', { user: 'anna' });
  for (const w of windows.list) windows.close(w);
  toasts.list = [];
  [state, heard] = ['live', Date.parse('2026-11-22T12:00:00Z')];
  vi.spyOn(live, 'state', 'get').mockImplementation(() => state);
  vi.spyOn(live, 'heard', 'get').mockImplementation(() => heard);
});

const text = (): string => document.body.textContent!.replace(/\s+/g, ' ').trim();
const items = (): string[] => [...document.querySelectorAll('[role^=menuitem]')].map((x) => x.textContent!.trim());
const choose = (label: string): Promise<void> => hands().click([...document.querySelectorAll<HTMLElement>('[role^=menuitem]')].find((x) => x.textContent!.trim().startsWith(label))!);
const button = (name: string | RegExp): HTMLElement => screen.getByRole('button', { name });

test.each([
  ['protected', /^Protected$/],
  ['repairing', /^Repairing 11–19 min$/],
  ['at_risk', /^At risk 214$/],
  ['unavailable', /^Data unavailable 12$/],
] as const)('the pill of a cluster that is %s says so in words', (verdict, word) => {
  render(HealthPill, { health: health(verdicts[verdict]()) });
  expect(text()).toMatch(word);
  expect(button(/^Health: /).querySelector('svg')).not.toBeNull();
});

test('before anything is known the pill says that', () => {
  render(HealthPill, { health: undefined });
  expect(text()).toBe('Unknown');
});

test('when the link is lost, the pill says from when its word is, and vouches for nothing', () => {
  state = 'lost';
  render(HealthPill, { health: health(verdicts.protected()) });
  expect(text()).toBe(`Protected · ${clock(heard)}`);
  expect(button(/Protected/).classList.contains('ok')).toBe(false);
});

test('the pill opens the Overview', async () => {
  render(HealthPill, { health: undefined });
  await hands().click(button(/Health/));
  expect(windows.top?.app).toBe('overview');
});

test.each<[LiveState, number, string]>([
  ['live', 1, t.live],
  ['connecting', 0, t.liveConnecting],
  ['lost', 0, t.liveLostNever],
  ['paused', 0, t.livePaused],
])('a stream that is %s is told as %s', (now, at, word) => {
  [state, heard] = [now, at];
  render(LiveDot);
  expect(document.querySelector('button')!.textContent!.trim()).toBe(word);
});

test('who cannot see the dot is told when it is lost, and not that all is well', () => {
  const { unmount } = render(LiveDot);
  expect(screen.getByRole('status').textContent).toBe('');
  unmount();
  state = 'lost';
  render(LiveDot);
  expect(screen.getByRole('status').textContent).toBe(t.liveLost(clock(heard)));
});

test('live updates can be paused, and tried at once where they are lost', async () => {
  const [pause, resume, retry] = (['pause', 'resume', 'retry'] as const).map((name) => vi.spyOn(live, name).mockImplementation(() => undefined));
  const { unmount } = render(LiveDot);
  await hands().click(document.querySelector('button')!);
  expect(items()).toEqual([t.livePause]);
  await choose(t.livePause);
  expect([pause!.mock.calls.length, document.activeElement === document.querySelector('button')]).toEqual([1, true]);
  unmount();
  state = 'lost';
  const lost = render(LiveDot);
  await hands().click(document.querySelector('button')!);
  await choose(t.liveRetry);
  expect(retry).toHaveBeenCalled();
  lost.unmount();
  state = 'paused';
  render(LiveDot);
  await hands().click(document.querySelector('button')!);
  await choose(t.liveResume);
  expect(resume).toHaveBeenCalled();
});

test('the clock turns to UTC by a click, and all times with it', async () => {
  look.set({ utc: false });
  render(Clock);
  expect(text()).not.toContain(t.utc);
  await hands().click(document.querySelector('button')!);
  expect([look.data.utc, text().includes(t.utc)]).toEqual([true, true]);
  look.set({ utc: false });
});

test('the menu of the person says who it is and as what', async () => {
  render(UserMenu);
  await hands().click(button(t.userMenu('anna')));
  expect(items()[0]).toBe(t.signedInAs('anna', t.roles.admin));
  expect(document.querySelector('[role=menuitem]')!.getAttribute('aria-disabled')).toBe('true');
});

test('the menu of the person changes the theme and says which it is', async () => {
  look.set({ theme: 'auto' });
  render(UserMenu);
  await hands().click(button(t.userMenu('anna')));
  await choose(t.themeDark);
  expect(look.data.theme).toBe('dark');
  await hands().click(button(t.userMenu('anna')));
  expect([...document.querySelectorAll('[role=menuitemcheckbox][aria-checked=true]')].map((x) => x.textContent!.trim())).toEqual([t.themeDark]);
  look.set({ theme: 'auto' });
});

test.each([
  [t.preferences, 'preferences'],
  [t.changePassword, 'password'],
  [t.actShortcuts, 'cheat'],
] as const)('%s is in the menu of the person', async (label, what) => {
  shell[what] = false;
  render(UserMenu);
  await hands().click(button(t.userMenu('anna')));
  await choose(label);
  expect(shell[what]).toBe(true);
  shell[what] = false;
});

test('the list of shortcuts names a key for each line', () => {
  shell.cheat = true;
  render(CheatSheet);
  const lines = [...document.querySelectorAll('dl > div')];
  expect(lines.length).toBe(Object.keys(t.cheat).length);
  for (const line of lines) expect(line.querySelectorAll('kbd').length).toBeGreaterThan(0);
  shell.cheat = false;
});

test('plain HTTP and made-up figures cannot be overlooked, and nothing is said where all is well', () => {
  const { unmount } = render(Badges);
  expect(text()).toBe('');
  unmount();
  signIn('admin', { encrypted: false, demo: true });
  render(Badges);
  expect(text()).toMatch(new RegExp(`${t.notEncrypted}.*${t.demo}`));
});

test('a tray counts to 99', () => {
  const count = (n: number): string => {
    const { container, unmount } = render(TrayButton, { icon: (() => undefined) as never, label: 'Tasks', count: n });
    const said = container.querySelector('.count')?.textContent ?? '';
    unmount();
    return said;
  };
  expect([0, 1, 99, 100].map(count)).toEqual(['', '1', '99', '99+']);
});

function bell(checks: Schemas['Check'][]): void {
  render(NotificationsTray, { health: health(report({ checks })) });
}

const check = (code: string, severity: Schemas['Check']['severity'], change: Partial<Schemas['Check']> = {}): Schemas['Check'] => ({
  ...verdicts.repairing().checks[0]!,
  code,
  severity,
  title: `title of ${code}`,
  doing: `doing of ${code}`,
  ...change,
});
const ahead = (): string => new Date(Date.now() + 3_600_000).toISOString();

test('the bell counts what needs attention: not what is muted, not what only informs', () => {
  bell([check('A', 'critical'), check('B', 'warning', { muted_until: ahead() }), check('C', 'info'), check('D', 'warning')]);
  expect(button(t.notificationsCount(2)).textContent).toContain('2');
});

test('a mute that is over counts again', () => {
  bell([check('A', 'warning', { muted_until: '2020-01-01T00:00:00Z' })]);
  expect(button(t.notificationsCount(1))).toBeDefined();
});

test('the worst stands first, and what is muted says so', async () => {
  bell([check('A', 'info'), check('B', 'warning', { muted_until: ahead() }), check('C', 'critical')]);
  await hands().click(button(t.notificationsCount(1)));
  expect([...document.querySelectorAll('.title')].map((x) => x.textContent)).toEqual(['title of C', 'title of B', 'title of A']);
  expect(document.querySelectorAll('li')[1]!.textContent).toContain(t.muted);
});

test('when nothing needs attention, that is said', async () => {
  bell([]);
  await hands().click(button(t.notifications));
  expect(text()).toContain(t.notificationsNone);
});

test('an operator mutes a check for a while, and it is sent so', async () => {
  s.on('PUT /health/checks/*/mute', undefined);
  bell([check('SCRUB_LATE', 'warning')]);
  await hands().click(button(t.notificationsCount(1)));
  await hands().click(button(t.mute));
  await choose(t.muteShift);
  await vi.waitFor(() => expect(s.sent('PUT /health/checks/SCRUB_LATE/mute').map((c) => c.body)).toEqual([{ seconds: 28_800 }]));
});

test('what is muted can be heard again', async () => {
  s.on('DELETE /health/checks/*/mute', undefined);
  bell([check('SCRUB_LATE', 'warning', { muted_until: ahead() })]);
  await hands().click(button(t.notifications));
  await hands().click(button(t.mute));
  expect(items()).toEqual([t.unmute]);
  await choose(t.unmute);
  await vi.waitFor(() => expect(s.sent('DELETE /health/checks/SCRUB_LATE/mute')).toHaveLength(1));
});

test('who may not mute is not offered it', async () => {
  signIn('viewer');
  bell([check('A', 'warning')]);
  await hands().click(button(t.notificationsCount(1)));
  expect(screen.queryByRole('button', { name: t.mute })).toBeNull();
});

test('details of a check are in the Overview, and the panel makes room', async () => {
  bell([check('A', 'warning')]);
  await hands().click(button(t.notificationsCount(1)));
  await hands().click(button(t.details));
  expect([windows.top?.app, windows.top?.params, document.querySelector('[role=dialog]')]).toEqual(['overview', { check: 'A' }, null]);
});

test('tasks say how far they are, of how much, and how long it takes', async () => {
  render(TasksTray);
  await vi.waitFor(() => button(t.tasksRunning(2)));
  await hands().click(button(t.tasksRunning(2)));
  expect(text()).toContain('112 GiB of 290 GiB · 11–19 min left');
  expect(text()).toContain('12 of 602 · waits for the repair');
  expect(screen.getByRole('progressbar', { name: 'Repair of 380 volumes' }).getAttribute('aria-valuetext')).toBe('39%');
  expect(screen.getByRole('meter', { name: 'Drain of loft-2' })).toBeDefined();
});

test('a task that is over is listed and not counted', async () => {
  const list = cluster.tasks();
  s.on('GET /tasks', { ...list, items: list.items.map((x) => ({ ...x, state: 'done' })) });
  render(TasksTray);
  await vi.waitFor(() => expect(s.sent('GET /tasks')).toHaveLength(1));
  await hands().click(button(t.tasks));
  await vi.waitFor(() => expect(text()).toContain('Repair of 380 volumes'));
});

test('no tasks are told in words; all of them are in Activity', async () => {
  s.on('GET /tasks', { items: [], as_of: new Date().toISOString() });
  render(TasksTray);
  await hands().click(button(t.tasks));
  await vi.waitFor(() => expect(text()).toContain(t.tasksNone));
  await hands().click(button(t.tasksAll));
  expect(windows.top?.params).toEqual({ tab: 'tasks' });
});

test('uploads are counted in every app\'s sight', () => {
  vi.spyOn(transfers, 'open', 'get').mockReturnValue(3);
  render(TransfersTray);
  expect(button(t.transfersActive(3)).textContent).toContain('3');
});

const widget = (component: typeof HealthWidget, change: Parameters<typeof report>[0]): string => {
  const { container, unmount } = render(component, { health: answered(health(report(change))) });
  const said = container.textContent!.replace(/\s+/g, ' ').trim();
  unmount();
  return said;
};

test('the health widget says the word, the sentence and what may still fail', () => {
  expect(widget(HealthWidget, {})).toMatch(/Protected.*All 1,204 volumes.*Can lose any 1 more node\./);
  expect(widget(HealthWidget, { can_lose: 0 })).toContain(t.canLose(0));
  expect(widget(HealthWidget, { can_lose: -1 })).toContain(t.canLose(-1));
});

test('an empty drive cannot lose anything, so nothing is claimed', () => {
  expect(widget(HealthWidget, { volumes: { volumes: 0, bytes: 0 } })).not.toMatch(/lose/);
});

test('the capacity widget says how full, how much is free and when it is full', () => {
  expect(widget(CapacityWidget, {})).toMatch(/49% full ?8\.2 TiB free.*7\.8 TiB of 16 TiB · Full in about 143 days/);
  expect(widget(CapacityWidget, { days_to_full: undefined })).toContain(t.daysUnknown);
  expect(widget(CapacityWidget, { capacity_bytes: 0, free_bytes: 0 })).toContain(t.capacityNone);
});

test.each([
  [{ bytes_left: 0 }, t.repairIdle],
  [{ bytes_left: 2 ** 30, eta_min_seconds: 660, eta_max_seconds: 1140, bytes_per_second: 2 ** 20 }, '11–19 min left 1 GiB left at 1 MiB/s'],
  [{ bytes_left: 2 ** 30 }, t.repairCounting],
  [{ bytes_left: 2 ** 30, stalled: 'no source is reachable' }, `${t.repairStalled} No source is reachable`],
  [{ bytes_left: 2 ** 30, paused: true }, `${t.repairPaused('')} 1 GiB left`],
])('the repair widget of %j says %s', (change, said) => {
  const idle = report().repair;
  expect(widget(RepairWidget as typeof HealthWidget, { repair: { ...idle, ...change } as typeof idle })).toContain(said);
});

test('a paused repair says until when, also when nothing is left to do', () => {
  const until = new Date(Date.now() + 60_000).toISOString();
  const said = widget(RepairWidget as typeof HealthWidget, { repair: { ...report().repair, paused: true, paused_until: until } });
  expect(said).toMatch(/Paused until \d\d:\d\d/);
});

test('the newest events are shown, as many as fit, and one that comes live is on top', async () => {
  state = 'live';
  vi.restoreAllMocks();
  render(EventsWidget, { most: 2 });
  await vi.waitFor(() => expect(document.querySelectorAll('li')).toHaveLength(2));
  live.start();
  await vi.waitFor(() => expect(live.state).toBe('live'));
  s.say('event', { ...cluster.events().items[2]!, id: '200', text: 'loft-3 is back.' });
  await vi.waitFor(() => expect(document.querySelector('li')!.textContent).toContain('loft-3 is back.'));
  s.say('event', { ...cluster.events().items[2]!, id: '200', text: 'loft-3 is back.' });
  flushSync();
  expect([...document.querySelectorAll('li')].filter((x) => x.textContent!.includes('is back'))).toHaveLength(1);
});

test('an event that is bad says so by more than its colour', async () => {
  render(EventsWidget, { most: 6 });
  await vi.waitFor(() => expect(document.querySelectorAll('li')).toHaveLength(6));
  expect(document.querySelector('li')!.textContent).toContain('ritical');
});
