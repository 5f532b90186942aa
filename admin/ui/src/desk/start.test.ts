// @vitest-environment happy-dom
import { configure, render, screen } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import App from '../App.svelte';
import paint from '../first-paint.js?raw';
import { session } from '../api/session.svelte';
import { hands, screenOf, server, signIn, type Server } from '../testing';
import { contextMenus } from '../ui/menu.svelte';
import { t as words } from '../ui/strings';
import { windows } from './desk.svelte';
import { drag } from './drag';
import { parse, format } from './route';
import Icons from './Icons.svelte';
import ContextMenuHost from '../ui/ContextMenuHost.svelte';
import { layouts } from './layouts.svelte';
import { apps } from '../apps/registry';
import { t } from './strings';
import { weak } from './password';

configure({ defaultHidden: true });
let s: Server;

beforeEach(() => {
  screenOf(1280, 768);
  s = server().on('GET /me/desktop', {}).on('PUT /me/desktop', undefined);
  for (const w of windows.list) windows.close(w);
  contextMenus.current = null;
  layouts.icons = apps.map((a) => a.id);
});

test('who is signed in sees the desk', async () => {
  s.on('GET /session', cluster.session());
  render(App);
  await vi.waitFor(() => expect(document.getElementById('icons')).not.toBeNull(), { timeout: 5000 });
});

test('who is not signs in first', async () => {
  s.on('GET /session', cluster.session({ signed_in: false, role: 'none', user: '' }));
  render(App);
  await vi.waitFor(() => screen.getByText(t.signInTitle));
  expect(document.getElementById('icons')).toBeNull();
});

test('without a server it says which commands tell the same, and tries again', async () => {
  s.silent = true;
  render(App);
  await vi.waitFor(() => screen.getByText(t.noServer));
  expect(document.body.textContent).toMatch(/ken status.*ken node list/s);
  expect(document.body.textContent).not.toMatch(/fetch/);
  s.silent = false;
  s.on('GET /session', cluster.session({ signed_in: false, role: 'none', user: '' }));
  await hands().click(screen.getByRole('button', { name: words.retry }));
  await vi.waitFor(() => screen.getByText(t.signInTitle));
});

test('a server that answers with a fault has it shown', async () => {
  s.refuse('GET /session', 503, 'The nameserver is away', { detail: 'Wait a moment.' });
  render(App);
  await vi.waitFor(() => expect(document.body.textContent).toContain('The nameserver is away: Wait a moment.'));
  expect(session.me).toBeUndefined();
});

// What runs before the first paint is no module: it is run as it stands.
function first(stored: string | null): Record<string, string> {
  localStorage.clear();
  if (stored !== null) localStorage.setItem('ken.look', stored);
  for (const key of Object.keys(document.documentElement.dataset)) delete document.documentElement.dataset[key];
  new Function(paint)();
  const shown = { ...document.documentElement.dataset } as Record<string, string>;
  for (const key of Object.keys(shown)) delete document.documentElement.dataset[key];
  return shown;
}

test.each<[string | null, Record<string, string>]>([
  ['{"theme":"dark"}', { theme: 'dark' }],
  ['{"theme":"light","contrast":true}', { theme: 'light', contrast: 'high' }],
  ['{"theme":"pink"}', {}],
  ['{"theme":"auto"}', {}],
  ['not json', {}],
  ['null', {}],
  [null, {}],
])('before the first paint %j gives %j', (stored, want) => expect(first(stored)).toEqual(want));

function held(start: () => { move: (dx: number, dy: number) => void; end?: (cancelled: boolean) => void } | null) {
  vi.useFakeTimers();
  const handle = document.createElement('div');
  document.body.append(handle);
  handle.addEventListener('pointerdown', (e) => drag(e, start));
  const say = (name: string, clientX = 0, more: PointerEventInit = {}) => handle.dispatchEvent(new PointerEvent(name, { bubbles: true, pointerId: 1, button: 0, clientX, ...more }));
  const frame = (): void => void vi.advanceTimersByTime(20);
  return { handle, say, frame };
}

test('a drag is told at most once a frame, and its last place always', () => {
  const moves: number[] = [];
  const ends: boolean[] = [];
  const { say, frame } = held(() => ({ move: (dx) => moves.push(dx), end: (c) => ends.push(c) }));
  say('pointerdown');
  for (const x of [10, 20, 30]) say('pointermove', x);
  expect(moves).toEqual([]);
  frame();
  expect(moves).toEqual([30]);
  say('pointermove', 44);
  say('pointerup', 44);
  expect([moves, ends]).toEqual([[30, 44], [false]]);
});

test('another finger does not move what the first one holds', () => {
  const moves: number[] = [];
  const { say, frame } = held(() => ({ move: (dx) => moves.push(dx) }));
  say('pointerdown');
  say('pointermove', 50, { pointerId: 2 });
  frame();
  say('pointerup', 50, { pointerId: 2 });
  say('pointermove', 20);
  frame();
  expect(moves).toEqual([20]);
  say('pointerup', 20);
});

test('only the first button drags', () => {
  const start = vi.fn(() => null);
  const { say } = held(start);
  say('pointerdown', 0, { button: 2 });
  say('pointermove', 50);
  expect(start).not.toHaveBeenCalled();
});

test('a pointer that is lost cancels the drag once', () => {
  const ends: boolean[] = [];
  const { say, handle } = held(() => ({ move: () => undefined, end: (c) => ends.push(c) }));
  say('pointerdown');
  say('pointermove', 50);
  handle.dispatchEvent(new Event('lostpointercapture'));
  say('pointercancel');
  say('pointerup', 50);
  expect(ends).toEqual([true]);
});

test('Escape is the drag\'s only while something is dragged', () => {
  const around = vi.fn();
  document.body.addEventListener('keydown', around);
  const { say } = held(() => ({ move: () => undefined }));
  const escape = () => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  say('pointerdown');
  escape();
  expect(around).toHaveBeenCalledTimes(1);
  say('pointermove', 50);
  escape();
  expect(around).toHaveBeenCalledTimes(1);
  escape();
  document.body.removeEventListener('keydown', around);
  expect(around).toHaveBeenCalledTimes(2);
});

test('a drag that is refused at its start is no drag', () => {
  const { say, frame, handle } = held(() => null);
  say('pointerdown');
  say('pointermove', 50);
  frame();
  expect(handle.hasPointerCapture(1)).toBe(false);
});

function icons(): HTMLElement[] {
  signIn();
  render(Icons, { height: 720 });
  render(ContextMenuHost);
  return [...document.querySelectorAll<HTMLElement>('#icons button')];
}
const order = (): string[] => [...document.querySelectorAll<HTMLElement>('#icons button')].map((b) => b.dataset.app!);
const menu = (): string[] => [...document.querySelectorAll('[role^=menuitem]')].map((x) => x.textContent!.trim());

test('an icon that is dragged stands where it was dropped', async () => {
  const [first] = icons() as [HTMLElement];
  const before = order();
  const say = (name: string, x: number, y: number) => first.dispatchEvent(new PointerEvent(name, { bubbles: true, pointerId: 1, button: 0, clientX: x, clientY: y }));
  say('pointerdown', 50, 50);
  say('pointermove', 50, 120);
  say('pointermove', 50, 250); // the third of the first column
  say('pointerup', 50, 250);
  await vi.waitFor(() => expect(order().slice(0, 3)).toEqual([before[1], before[2], before[0]]));
});

test('an icon that is dragged and let go by Escape stays', async () => {
  const [first] = icons() as [HTMLElement];
  const before = order();
  const say = (name: string, y: number) => first.dispatchEvent(new PointerEvent(name, { bubbles: true, pointerId: 1, button: 0, clientX: 50, clientY: y }));
  say('pointerdown', 50);
  say('pointermove', 250);
  window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
  say('pointerup', 250);
  flushSync();
  expect(order()).toEqual(before);
});

test('the menu of an icon opens, opens another, keeps, and moves; the first cannot go up', async () => {
  const [first] = icons() as [HTMLElement];
  await hands().pointer({ keys: '[MouseRight]', target: first });
  expect(menu()).toEqual(expect.arrayContaining([t.open, t.newWindow, t.keep, t.moveUp, t.moveDown]));
  const up = [...document.querySelectorAll<HTMLElement>('[role=menuitem]')].find((x) => x.textContent!.trim() === t.moveUp)!;
  expect(up.getAttribute('aria-disabled')).toBe('true');
});

test('the menu of the last icon cannot go down', async () => {
  const last = icons().at(-1)!;
  await hands().pointer({ keys: '[MouseRight]', target: last });
  const down = [...document.querySelectorAll<HTMLElement>('[role=menuitem]')].find((x) => x.textContent!.trim() === t.moveDown)!;
  expect(down.getAttribute('aria-disabled')).toBe('true');
});

test('icons are arranged by name from any of their menus', async () => {
  const [first] = icons() as [HTMLElement];
  await hands().pointer({ keys: '[MouseRight]', target: first });
  await hands().click([...document.querySelectorAll<HTMLElement>('[role=menuitem]')].find((x) => x.textContent!.trim() === t.arrange)!);
  await vi.waitFor(() => {
    const names = order().map((id) => t.apps[id as keyof typeof t.apps]);
    expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b)));
  });
});

test('a finger opens by one tap', () => {
  const [first] = icons() as [HTMLElement];
  first.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerType: 'touch', pointerId: 1 }));
  first.dispatchEvent(new MouseEvent('click', { bubbles: true, detail: 1 }));
  expect(windows.list.map((x) => x.app)).toEqual([order()[0]]);
});

test('every address that the desk writes it can read, whatever is in it', () => {
  let x = 11;
  const chance = (n: number): number => ((x = (x * 1103515245 + 12345) >>> 0), (x >>> 8) % n);
  const signs = ['a', '/', ' ', '%', '?', '#', '&', '=', 'ü', '😀', '+', '..', '\\', '"', '\u202e'];
  for (let round = 0; round < 1000; round++) {
    const app = apps[chance(apps.length)]!;
    const text = (): string => Array.from({ length: 1 + chance(8) }, () => signs[chance(signs.length)]).join('');
    const params: Record<string, string> = { q: text(), other: text() };
    if (app.path) params[app.path] = text();
    const url = new URL(format({ app: app.id, params }), 'http://admin.test');
    const back = parse(url.pathname, url.search);
    expect(back?.app).toBe(app.id);
    expect([back?.params.q, back?.params.other]).toEqual([params.q, params.other]);
  }
});

test('a new password counts signs, not the units of the browser', () => {
  const twelve = '😀'.repeat(12);
  expect(weak(twelve, twelve)).toBe('');
  expect(weak('😀'.repeat(11), '😀'.repeat(11))).toContain(t.passwordShort);
});

afterEach(() => document.querySelectorAll('body > div').forEach((d) => d.childElementCount === 0 && d.remove()));
