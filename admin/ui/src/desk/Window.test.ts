// @vitest-environment happy-dom
import { render, screen } from '@testing-library/svelte';
import { flushSync, tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import type { AppDef } from '../apps/registry';
import { appOf } from '../apps/registry';
import { hands, screenOf, server, signIn } from '../testing';
import { toasts } from '../ui/toast.svelte';
import ContextMenuHost from '../ui/ContextMenuHost.svelte';
import SearchBox from '../ui/SearchBox.svelte';
import Skeleton from '../ui/Skeleton.svelte';
import { closeWindow, focusWindow, minimiseWindow, openApp, shell, windowFor, windows } from './desk.svelte';
import { t } from './strings';
import Window from './Window.svelte';
import type { Win } from './windows.svelte';

const area = { x: 0, y: 0, w: 1280, h: 720 };
const nodes = { ...appOf('nodes')!, load: async () => ({ default: Skeleton }) } as unknown as AppDef;

beforeEach(() => {
  screenOf(1280, 768);
  server();
  signIn('admin');
  for (const w of windows.list) windows.close(w);
  windows.fit(area);
  shell.snapHint = null;
});

function open(id: string, app: AppDef = nodes): { win: Win; element: HTMLElement; bar: HTMLElement } {
  const win = windows.open('nodes', { w: 600, h: 400 }, { id });
  win.title = id;
  render(Window, { win, app });
  flushSync();
  const element = document.getElementById(win.id)!;
  return { win, element, bar: element.querySelector<HTMLElement>('.bar')! };
}

const where = (w: Win): number[] => [w.rect.x, w.rect.y, w.rect.w, w.rect.h];
const menuOf = (title: string): HTMLElement => screen.getByRole('button', { name: t.windowMenu(title) });
const choose = async (title: string, label: string): Promise<void> => {
  await hands().click(menuOf(title));
  const items = [...document.querySelectorAll<HTMLElement>('[role^=menuitem]')];
  await hands().click(items.find((x) => x.textContent!.trim() === label)!);
};

test('a window is a landmark named by its title', () => {
  const { element } = open('dn-7');
  expect(screen.getByRole('region', { name: 'dn-7' })).toBe(element);
});

test('two windows of one app are told apart by their titles', () => {
  open('dn-1');
  open('dn-2');
  expect(screen.getAllByRole('region').map((r) => r.querySelector('h2')!.textContent)).toEqual(['dn-1', 'dn-2']);
});

test('whatever gets the focus inside a window brings it to the front', async () => {
  const a = open('a', { ...nodes, load: async () => ({ default: SearchBox as never }) });
  const b = open('b');
  await vi.waitFor(() => a.element.querySelector('input')!.focus());
  expect(windows.top).toBe(a.win);
  expect(Number(a.element.style.zIndex)).toBeGreaterThan(Number(b.element.style.zIndex));
});

test('a press anywhere in a window brings it to the front', () => {
  const a = open('a');
  open('b');
  a.element.querySelector('.body')!.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  expect(windows.top).toBe(a.win);
});

test('one that stays on top lies above one that was used later', async () => {
  const a = open('a');
  await choose('a', t.onTop);
  const b = open('b');
  flushSync();
  expect(windows.top).toBe(b.win);
  expect(Number(a.element.style.zIndex)).toBeGreaterThan(Number(b.element.style.zIndex));
});

test('Alt and arrows in the title bar move the window by 16 px', async () => {
  const { win, element } = open('a');
  const [x, y, w, h] = where(win) as [number, number, number, number];
  element.focus();
  await hands().keyboard('{Alt>}{ArrowRight}{ArrowRight}{ArrowUp}{/Alt}');
  expect(where(win)).toEqual([x + 32, y - 16, w, h]);
});

test('Alt and arrows inside an app are the app\'s', async () => {
  const { win, element } = open('a', { ...nodes, load: async () => ({ default: SearchBox as never }) });
  await vi.waitFor(() => element.querySelector('input')!.focus());
  const before = where(win);
  await hands().keyboard('{Alt>}{ArrowRight}{/Alt}');
  expect(where(win)).toEqual(before);
});

test('Alt, Shift and arrows snap: to the side, into the corner, and back', async () => {
  const { win, element } = open('a');
  const before = where(win);
  element.focus();
  const user = hands();
  await user.keyboard('{Alt>}{Shift>}{ArrowLeft}{/Shift}{/Alt}');
  expect(where(win)).toEqual([0, 0, 640, 720]);
  await user.keyboard('{Alt>}{Shift>}{ArrowUp}{/Shift}{/Alt}');
  expect(where(win)).toEqual([0, 0, 640, 360]);
  await user.keyboard('{Alt>}{Shift>}{ArrowRight}{/Shift}{/Alt}');
  expect([win.snap, where(win)]).toEqual([null, before]);
});

test('Alt, Shift and down puts a window away that is not snapped', async () => {
  const { win, element } = open('a');
  element.focus();
  await hands().keyboard('{Alt>}{Shift>}{ArrowDown}{/Shift}{/Alt}');
  expect([win.min, element.hidden]).toEqual([true, true]);
});

test('Ctrl+Alt+M opens the window menu from anywhere inside', async () => {
  const { element } = open('a');
  element.focus();
  await hands().keyboard('{Control>}{Alt>}m{/Alt}{/Control}');
  expect(screen.getByRole('menu', { name: t.windowMenu('a'), hidden: true }).contains(document.activeElement)).toBe(true);
});

test('every act of the mouse has an item in the menu', async () => {
  open('a');
  await hands().click(menuOf('a'));
  const said = [...document.querySelectorAll('[role^=menuitem]')].map((x) => x.textContent!.trim());
  expect(said).toEqual([t.move, t.resize, t.maximise, t.minimise, t.snapLeft, t.snapRight, t.snapTopLeft, t.snapTopRight, t.snapBottomLeft, t.snapBottomRight, t.onTop, t.copyLink, t.newWindow, t.close]);
});

test('a right click on the title bar opens the same menu', async () => {
  render(ContextMenuHost);
  const { bar } = open('a');
  await hands().pointer({ keys: '[MouseRight]', target: bar });
  expect(screen.getByRole('menuitem', { name: t.move, hidden: true })).toBeDefined();
});

test('moving by keys: arrows without Alt, Enter ends it', async () => {
  const { win, element } = open('a');
  const [x, y, w, h] = where(win) as [number, number, number, number];
  await choose('a', t.move);
  await tick();
  expect(document.activeElement).toBe(element);
  expect(screen.getByRole('status').textContent).toBe(t.moveHint);
  await hands().keyboard('{ArrowLeft}{ArrowDown}{Enter}');
  expect(where(win)).toEqual([x - 16, y + 16, w, h]);
  expect(screen.queryByText(t.moveHint)).toBeNull();
  await hands().keyboard('{ArrowLeft}');
  expect(win.rect.x).toBe(x - 16);
});

test('resizing by keys: Escape brings the size back', async () => {
  const { win } = open('a');
  const before = where(win);
  await choose('a', t.resize);
  await hands().keyboard('{ArrowRight}{ArrowRight}{ArrowDown}');
  expect(where(win)).toEqual([before[0], before[1], before[2]! + 32, before[3]! + 16]);
  await hands().keyboard('{Escape}');
  expect(where(win)).toEqual(before);
  expect(screen.queryByText(t.resizeHint)).toBeNull();
});

test('Escape after moving a snapped window by keys snaps it again', async () => {
  const { win } = open('a');
  const loose = where(win);
  windows.snap(win, 'left');
  await choose('a', t.move);
  await hands().keyboard('{ArrowRight}{Escape}');
  expect([win.snap, where(win)]).toEqual(['left', [0, 0, 640, 720]]);
  windows.unsnap(win);
  expect(where(win)).toEqual(loose);
});

test('who goes elsewhere has ended moving by keys', async () => {
  const a = open('a');
  const b = open('b');
  await choose('a', t.move);
  await tick();
  b.element.focus();
  flushSync();
  expect(a.element.querySelector('.hint')).toBeNull();
});

test('Escape never closes a window', async () => {
  const { win, element } = open('a');
  element.focus();
  await hands().keyboard('{Escape}{Escape}');
  expect(windows.list).toContain(win);
});

test('the buttons minimise, maximise and bring back, and say which', async () => {
  const { win } = open('a');
  const before = where(win);
  await hands().click(screen.getByRole('button', { name: t.maximise }));
  expect([win.snap, where(win)]).toEqual(['max', [0, 0, 1280, 720]]);
  await hands().click(screen.getByRole('button', { name: t.restore }));
  expect(where(win)).toEqual(before);
  await hands().click(screen.getByRole('button', { name: t.minimise }));
  expect(win.min).toBe(true);
});

test('a maximised window has no edges to pull at', () => {
  const { win, element } = open('a');
  expect(element.querySelectorAll('.grip')).toHaveLength(8);
  windows.snap(win, 'max');
  flushSync();
  expect(element.querySelectorAll('.grip')).toHaveLength(0);
});

test('a link to the window can be copied', async () => {
  toasts.list = [];
  open('dn 7');
  await choose('dn 7', t.copyLink);
  expect(await navigator.clipboard.readText()).toBe(`${location.origin}/d/nodes/dn%207`);
  expect(toasts.list.map((x) => x.text)).toEqual([t.linkCopied]);
});

function pull(handle: HTMLElement, from: [number, number], ...to: [number, number][]) {
  const say = (name: string, [x, y]: [number, number]) =>
    handle.dispatchEvent(new PointerEvent(name, { bubbles: true, pointerId: 1, button: 0, clientX: x, clientY: y }));
  say('pointerdown', from);
  for (const p of to) {
    say('pointermove', p);
    vi.advanceTimersByTime(20);
  }
  return { drop: () => (say('pointerup', to.at(-1)!), vi.advanceTimersByTime(20)) };
}

test('a window follows the pointer that pulls its title bar', () => {
  vi.useFakeTimers();
  const { win, bar } = open('a');
  const [x, y, w, h] = where(win) as [number, number, number, number];
  pull(bar, [500, 100], [520, 130], [560, 150]).drop();
  expect(where(win)).toEqual([x + 60, y + 50, w, h]);
});

test('a press that trembles is no drag', () => {
  vi.useFakeTimers();
  const { win, bar } = open('a');
  const before = where(win);
  pull(bar, [500, 100], [502, 101]).drop();
  expect(where(win)).toEqual(before);
});

test('a window cannot be pulled out of reach', () => {
  vi.useFakeTimers();
  const { win, bar } = open('a');
  pull(bar, [500, 100], [5000, 5000]).drop();
  expect(win.rect.x).toBeLessThanOrEqual(area.w - 120);
  expect(win.rect.y).toBeLessThanOrEqual(area.h - 40);
});

test('at an edge of the screen it shows where the window would go, and goes there', () => {
  vi.useFakeTimers();
  const { win, bar } = open('a');
  const before = where(win);
  const { drop } = pull(bar, [500, 100], [300, 200], [2, 300]);
  expect(shell.snapHint).toEqual({ x: 0, y: 0, w: 640, h: 720 });
  drop();
  expect([shell.snapHint, win.snap, where(win)]).toEqual([null, 'left', [0, 0, 640, 720]]);
  windows.unsnap(win);
  expect(where(win)).toEqual(before);
});

test('Escape while it is pulled puts it back where it was, snapped as it was', () => {
  vi.useFakeTimers();
  const { win, bar } = open('a');
  windows.snap(win, 'right');
  pull(bar, [900, 10], [700, 200]);
  expect(win.snap).toBeNull();
  window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  expect([win.snap, where(win), shell.snapHint]).toEqual(['right', [640, 0, 640, 720], null]);
});

test('a snapped window comes loose in its old size, under the pointer', () => {
  vi.useFakeTimers();
  const { win, bar } = open('a');
  const [, , w, h] = where(win);
  windows.snap(win, 'max');
  pull(bar, [640, 10], [640, 210]).drop();
  expect(where(win).slice(2)).toEqual([w, h]);
  expect(win.rect.x).toBeLessThan(640);
  expect(win.rect.x + win.rect.w).toBeGreaterThan(640);
});

test('an edge is pulled, the opposite one stays; not below the least size', () => {
  vi.useFakeTimers();
  const { win, element } = open('a');
  const [x, y, w] = where(win) as [number, number, number];
  pull(element.querySelector<HTMLElement>('.grip.e')!, [10, 10], [60, 10]).drop();
  expect(where(win).slice(0, 3)).toEqual([x, y, w + 50]);
  pull(element.querySelector<HTMLElement>('.grip.w')!, [10, 10], [3000, 10]).drop();
  expect([win.rect.w, win.rect.x + win.rect.w]).toEqual([320, x + w + 50]);
});

test('two presses on the title bar maximise and bring back, those on its buttons do not', () => {
  const { win, bar } = open('a');
  bar.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
  expect(win.snap).toBe('max');
  bar.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
  expect(win.snap).toBeNull();
  screen.getByRole('button', { name: t.minimise }).dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
  expect(win.snap).toBeNull();
});

test('an app that cannot be loaded keeps its failure to itself and can be loaded again', async () => {
  open('broken', { ...nodes, load: () => Promise.reject(new TypeError('chunk')) });
  open('fine');
  await vi.waitFor(() => screen.getByText(t.appFailed));
  expect(screen.getByRole('button', { name: t.reload })).toBeDefined();
  expect(screen.getAllByRole('region')).toHaveLength(2);
});

test('an app that breaks while it is drawn takes no other window with it', async () => {
  const bad = (() => {
    throw new Error('broken');
  }) as never;
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  open('broken', { ...nodes, load: async () => ({ default: bad }) });
  open('fine');
  await vi.waitFor(() => screen.getByText(t.appFailed));
  expect(screen.getByRole('region', { name: 'fine' })).toBeDefined();
});

test('an app that one may not use says which role may', () => {
  signIn('reader');
  open('users', { ...nodes, needs: 'admin' });
  expect(screen.getByText(t.appRefused(t.roles.admin))).toBeDefined();
});

test('closing gives the focus back to what opened the window', async () => {
  const opener = document.createElement('button');
  document.body.append(opener);
  opener.focus();
  const win = openApp('nodes', { id: 'x' })!;
  render(Window, { win, app: nodes });
  await focusWindow(win);
  expect(document.activeElement!.id).toBe(win.id);
  closeWindow(win);
  expect(document.activeElement).toBe(opener);
  opener.remove();
});

test('where the opener is gone, the next window has the focus', async () => {
  const a = open('a');
  const opener = document.createElement('button');
  document.body.append(opener);
  opener.focus();
  const win = openApp('nodes', { id: 'x' })!;
  render(Window, { win, app: nodes });
  await focusWindow(win);
  opener.remove();
  closeWindow(win);
  await vi.waitFor(() => expect(document.activeElement).toBe(a.element));
});

test('closing a window that one does not work in moves no focus', () => {
  const a = open('a');
  const b = open('b');
  a.element.focus();
  closeWindow(b.win);
  expect(document.activeElement).toBe(a.element);
});

test('who minimises the window they work in goes on at its button', () => {
  const { win, element } = open('a');
  const button = document.createElement('button');
  button.dataset.win = win.id;
  document.body.append(button);
  element.focus();
  minimiseWindow(win);
  expect(document.activeElement).toBe(button);
  button.remove();
});

test('the same place is opened once, another one beside it', () => {
  const a = openApp('nodes', { id: 'n1' });
  expect(openApp('nodes', { id: 'n1' })).toBe(a);
  expect(openApp('nodes', { id: 'n2' })).not.toBe(a);
  expect(openApp('nodes', { id: 'n1' }, { fresh: true })).not.toBe(a);
});

test('an app of one window goes there instead of opening another', () => {
  const a = openApp('settings', { page: 'repair' })!;
  expect(openApp('settings', { page: 'alerts' })).toBe(a);
  expect(a.params).toEqual({ page: 'alerts' });
  expect(openApp('settings')).toBe(a);
  expect(a.params).toEqual({ page: 'alerts' });
});

test('an app may change its title and address, and close itself', () => {
  const win = openApp('nodes')!;
  const inside = windowFor(win);
  inside.setTitle('dn-9');
  inside.setParams({ id: 'dn-9' }, true);
  expect([win.title, inside.params, location.pathname]).toEqual(['dn-9', { id: 'dn-9' }, '/d/nodes/dn-9']);
  expect(inside.visible).toBe(true);
  windows.minimise(win);
  expect(inside.visible).toBe(false);
  inside.close();
  expect(windows.list).toEqual([]);
});

test('a window in the back does not take the address', () => {
  const back = openApp('nodes', { id: 'back' })!;
  const front = openApp('nodes', { id: 'front' })!;
  windowFor(front).setParams({ id: 'front2' });
  windowFor(back).setParams({ id: 'back2' });
  expect(location.pathname).toBe('/d/nodes/front2');
});

test('windows that a small screen made smaller are as large as before on the large one', () => {
  const { win } = open('a');
  windows.place(win, { x: 700, y: 300, w: 500, h: 400 });
  windows.fit({ x: 0, y: 0, w: 400, h: 300 });
  expect(win.rect.w).toBe(400);
  windows.fit({ x: 0, y: 0, w: 360, h: 280 });
  windows.fit(area);
  expect(where(win)).toEqual([700, 300, 500, 400]);
});

test('a window that was moved on the small screen stays as it was put', () => {
  const { win } = open('a');
  windows.place(win, { x: 700, y: 300, w: 500, h: 400 });
  windows.fit({ x: 0, y: 0, w: 800, h: 500 });
  windows.place(win, { x: 10, y: 20, w: 330, h: 210 });
  windows.fit(area);
  expect(where(win)).toEqual([10, 20, 330, 210]);
});
