// @vitest-environment happy-dom
import { configure, render, screen } from '@testing-library/svelte';
import { flushSync, tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import { confirmations } from '../ui/confirm.svelte';
import { hands, screenOf, server, signIn, type Call, type Server } from '../testing';
import { toasts } from '../ui/toast.svelte';
import { focusWindow, openApp, shell, windows } from './desk.svelte';
import { finds, filesFor, grouped, nodesFor } from './finds.svelte';
import Launcher from './Launcher.svelte';
import { look } from './look.svelte';
import Overlays from './Overlays.svelte';
import { t } from './strings';

configure({ defaultHidden: true });
let s: Server;
const ids = (query: string): string[] => finds(query, [], []).map((f) => f.id);

beforeEach(() => {
  screenOf(1280, 768);
  vi.spyOn(HTMLElement.prototype, 'scrollIntoView').mockImplementation(() => undefined);
  s = server().on('GET /nodes', { items: [1, 2].map(cluster.node), total: 2 });
  s.on('GET /fs/entries', (c: Call) => cluster.entries(c.query.get('path') ?? '/'));
  s.on('GET /fs/search', { items: [cluster.entry('/Photos/cat pictures.jpg', false, 9)], complete: true, seen: 1 });
  signIn('admin');
  for (const w of windows.list) windows.close(w);
  shell.launcher = false;
  toasts.list = [];
});

async function open(): Promise<HTMLInputElement> {
  shell.launcher = true;
  render(Launcher);
  await vi.waitFor(() => expect(s.sent('GET /nodes')).toHaveLength(1));
  await tick();
  return screen.getByRole<HTMLInputElement>('combobox');
}

const options = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[role=option]')];
const current = (): string => document.querySelector('[role=option][aria-selected=true] .label')?.textContent ?? '';
const labels = (): string[] => options().map((o) => o.querySelector('.label')!.textContent!);

test('it opens with the keyboard in its field and everything that one can open below', async () => {
  const field = await open();
  expect(document.activeElement).toBe(field);
  expect(labels()).toEqual(expect.arrayContaining([t.apps.nodes, t.actShowDesk]));
  expect(field.getAttribute('aria-activedescendant')).toBe(options()[0]!.id);
});

test('a few letters find an app, and Enter opens it', async () => {
  const field = await open();
  await hands().type(field, 'repl{Enter}');
  await tick();
  expect([shell.launcher, windows.top?.app]).toEqual([false, 'replication']);
});

test('arrows choose, round both ends, and the field tells which', async () => {
  const field = await open();
  const [first, second] = labels();
  await hands().keyboard('{ArrowDown}');
  expect(current()).toBe(second);
  expect(document.getElementById(field.getAttribute('aria-activedescendant')!)!.textContent).toContain(second);
  await hands().keyboard('{ArrowUp}{ArrowUp}');
  expect(current()).toBe(labels().at(-1));
  await hands().keyboard('{ArrowDown}');
  expect(current()).toBe(first);
});

test('what is typed next begins at the best find again', async () => {
  const field = await open();
  await hands().type(field, 'n{ArrowDown}{ArrowDown}');
  await hands().type(field, 'odes');
  expect(current()).toBe(t.apps.nodes);
});

test('Ctrl+Enter opens a second window of what is open already', async () => {
  openApp('nodes');
  const field = await open();
  await hands().type(field, 'Machines and disks');
  await hands().keyboard('{Control>}{Enter}{/Control}');
  expect(windows.list.map((w) => w.app)).toEqual(['nodes', 'nodes']);
});

test('a window that is open is found by its title', async () => {
  openApp('nodes')!.title = 'dn-0042';
  openApp('files');
  const field = await open();
  await hands().type(field, '0042{Enter}');
  expect(windows.top?.title).toBe('dn-0042');
});

test('a node is found by its name, and what one does with it too', async () => {
  const field = await open();
  await hands().type(field, 'drain loft-2');
  expect(labels()[0]).toBe(t.actDrain('loft-2'));
  await hands().clear(field);
  await hands().type(field, 'loft-1{Enter}');
  expect(windows.top?.params).toEqual({ id: 'n1' });
});

test('to drain from the launcher asks as everywhere', async () => {
  s.on('POST /nodes/*/drain', { sentence: '', facts: [], blockers: [] });
  const field = await open();
  await hands().type(field, 'drain loft-2{Enter}');
  expect(confirmations.current?.tier).toBe(1);
  confirmations.current?.answer(null);
});

test('a slash looks into folders, and a file opens its folder with the file selected', async () => {
  const field = await open();
  await hands().type(field, '/Docs/not');
  await vi.waitFor(() => expect(labels()).toEqual(['notes.txt']));
  expect(s.sent('GET /fs/entries').at(-1)!.query.get('path')).toBe('/Docs');
  await hands().keyboard('{Enter}');
  expect(windows.top?.params).toEqual({ path: '/Docs', select: '/Docs/notes.txt' });
});

test('letters ask the server once one stops typing, not with each', async () => {
  vi.useFakeTimers();
  shell.launcher = true;
  render(Launcher);
  const field = screen.getByRole<HTMLInputElement>('combobox');
  const user = hands();
  for (const letter of 'cats') await user.type(field, letter);
  expect(s.sent('GET /fs/search')).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(160);
  expect(s.sent('GET /fs/search').map((c) => c.query.get('text'))).toEqual(['cats']);
});

test('an answer to what was typed before does not come over the newer', async () => {
  vi.useFakeTimers();
  const slow = s.hold('GET /fs/search');
  shell.launcher = true;
  render(Launcher);
  const field = screen.getByRole<HTMLInputElement>('combobox');
  await hands().type(field, 'cat');
  await vi.advanceTimersByTimeAsync(200);
  await hands().clear(field);
  await hands().type(field, '/');
  await vi.advanceTimersByTimeAsync(200);
  slow();
  await vi.advanceTimersByTimeAsync(10);
  expect(labels()).not.toContain('cat pictures.jpg');
});

test('nothing found is said', async () => {
  const field = await open();
  s.on('GET /fs/search', { items: [], complete: true, seen: 0 });
  await hands().type(field, 'qqqzzz');
  expect(screen.getByRole('status').textContent).toBe(t.launcherNothing('qqqzzz'));
  await hands().keyboard('{Enter}{ArrowDown}');
  expect(shell.launcher).toBe(true);
});

test('Escape and a press beside it close it', async () => {
  await open();
  const dialog = document.querySelector('dialog')!;
  dialog.dispatchEvent(new Event('cancel', { cancelable: true }));
  expect(shell.launcher).toBe(false);
  shell.launcher = true;
  document.querySelector('.sheet')!.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  expect(shell.launcher).toBe(true);
  dialog.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  expect(shell.launcher).toBe(false);
});

test('who closes it goes on where they were', async () => {
  const button = document.createElement('button');
  document.body.append(button);
  button.focus();
  render(Overlays);
  shell.launcher = true;
  flushSync();
  expect(document.activeElement).toBe(screen.getByRole('combobox'));
  shell.launcher = false;
  flushSync();
  await vi.waitFor(() => expect(document.activeElement).toBe(button));
  button.remove();
});

test('what it opens gives the focus back to where one was before', async () => {
  const button = document.createElement('button');
  document.body.append(button);
  button.focus();
  render(Overlays);
  shell.launcher = true;
  flushSync();
  await hands().type(screen.getByRole('combobox'), 'replication{Enter}');
  await vi.waitFor(() => expect(windows.top?.app).toBe('replication'));
  expect(windows.top!.opener).toBe(button);
  button.remove();
});

test('a press on a find does it, the pointer chooses it', async () => {
  await open();
  const help = options().find((o) => o.textContent!.includes(t.apps.help))!;
  help.dispatchEvent(new PointerEvent('pointermove', { bubbles: true }));
  flushSync();
  expect(current()).toBe(t.apps.help);
  await hands().click(help);
  await vi.waitFor(() => expect(windows.top?.app).toBe('help'));
});

test('without a server it still finds what the desk knows', async () => {
  s.silent = true;
  expect([await nodesFor(), await filesFor('/a'), await filesFor('abc')]).toEqual([[], [], []]);
  expect(ids('files')).toContain('app-files');
});

test('what a role may not do is not offered', async () => {
  signIn('viewer');
  expect(ids('')).not.toEqual(expect.arrayContaining(['act-upload']));
  expect(ids('')).not.toEqual(expect.arrayContaining(['act-add']));
  expect((await nodesFor()).map((f) => f.id)).toEqual(['node-n1', 'safe-n1', 'node-n2', 'safe-n2']);
  expect(finds('@anna', [], [])).toEqual([]);
});

test('an at sign is for people', () => {
  const [found] = finds('@anna', [], []);
  found!.run(false);
  expect([found!.label, windows.top?.app, windows.top?.params]).toEqual(['anna', 'users', { user: 'anna' }]);
});

test('each find is there once, though it fits by more than one of its words', () => {
  for (const query of ['n', 'node', 'machine', 'e', 'dark']) {
    const found = ids(query);
    expect(new Set(found).size, query).toBe(found.length);
  }
});

test('finds stand in groups in the order of the best of each', () => {
  const groups = grouped(finds('dark', [], []));
  expect(groups[0]!.title).toBe(t.groupActions);
  expect(groups[0]!.items[0]!.label).toBe(t.actTheme(t.themeDark));
});

test('acts of the desk are done from it', () => {
  const run = (id: string) => finds('', [], []).find((f) => f.id === `act-${id}`)!.run(false);
  run('theme-dark');
  expect(look.data.theme).toBe('dark');
  run('theme-auto');
  openApp('nodes');
  run('desk');
  expect(windows.top).toBeNull();
  run('keys');
  expect(shell.cheat).toBe(true);
  shell.cheat = false;
});

test('to upload takes the Files window that was used last', () => {
  const upload = () => finds('upload', [], []).find((f) => f.id === 'act-upload')!.run(false);
  upload();
  expect(windows.top?.params).toEqual({ do: 'upload' });
  const last = openApp('files', { path: '/Photos' })!;
  openApp('nodes');
  void focusWindow(windows.list[0]!);
  windows.focus(last);
  upload();
  expect(last.params).toEqual({ path: '/Photos', do: 'upload' });
});

test('a link to all windows can be copied, unless they are too many for one', async () => {
  hands();
  openApp('nodes', { id: 'n1' });
  const copy = () => finds('', [], []).find((f) => f.id === 'act-link')!.run(false);
  copy();
  await vi.waitFor(() => expect(toasts.list.at(-1)?.text).toBe(t.layoutCopied));
  expect(await navigator.clipboard.readText()).toContain('/?layout=');
  for (let i = 0; i < 20; i++) openApp('files', { path: `/${'x'.repeat(900)}${i}` });
  copy();
  expect(toasts.list.at(-1)?.text).toBe(t.layoutTooLarge);
});
