// @vitest-environment happy-dom
import { configure, render, screen } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { apps } from '../apps/registry';
import { lang, speak, zone } from '../i18n/index.svelte';
import { hands, screenOf, server, signIn, type Server } from '../testing';
import { toasts } from '../ui/toast.svelte';
import { openApp, shell, windows } from './desk.svelte';
import { link, save, type Layout } from './layout';
import { layouts } from './layouts.svelte';
import { look, soundLook } from './look.svelte';
import Preferences from './Preferences.svelte';
import { t } from './strings';

configure({ defaultHidden: true });
const all = apps.map((a) => a.id as string);
let s: Server;

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000 });
  screenOf(1280, 768);
  s = server().on('GET /me/desktop', {}).on('PUT /me/desktop', undefined);
  signIn('admin', { user: 'anna' });
  for (const w of windows.list) windows.close(w);
  windows.fit({ x: 0, y: 0, w: 1280, h: 720 });
  toasts.list = [];
  layouts.icons = all;
  layouts.kept = [];
  look.set(soundLook({}));
  await speak('en');
});

const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const puts = (): Layout[] => s.sent('PUT /me/desktop').map((c) => c.body as Layout);
const open = (): string[] => windows.list.map((w) => w.app);

// stored is an arrangement as somebody left it.
function stored(at: number, ...ids: (typeof apps)[number]['id'][]): Layout {
  for (const w of windows.list) windows.close(w);
  for (const id of ids) openApp(id);
  const layout = save(windows.list, windows.area, all, look.data, at, []);
  for (const w of windows.list) windows.close(w);
  return layout;
}

async function load(): Promise<void> {
  await layouts.load();
  await settle(1100);
  s.calls.length = 0;
}

test('what another machine kept is shown, where it is newer than what this one remembers', async () => {
  localStorage.setItem('ken.desk.anna', JSON.stringify(stored(5, 'files')));
  s.on('GET /me/desktop', stored(9, 'nodes', 'users'));
  await load();
  expect(open()).toEqual(['nodes', 'users']);
});

test('what this browser remembers is shown, where it is newer', async () => {
  localStorage.setItem('ken.desk.anna', JSON.stringify(stored(9, 'files')));
  s.on('GET /me/desktop', stored(5, 'nodes'));
  await load();
  expect(open()).toEqual(['files']);
});

test('without the server this browser\'s own will do', async () => {
  localStorage.setItem('ken.desk.anna', JSON.stringify(stored(9, 'files')));
  s.silent = true;
  await load();
  expect(open()).toEqual(['files']);
});

test('what somebody else kept in this browser is not shown', async () => {
  localStorage.setItem('ken.desk.bert', JSON.stringify(stored(9, 'users')));
  await load();
  expect(open()).toEqual([]);
});

test.each([['not json'], ['{"version":99}'], ['[]'], ['{"version":1,"windows":[{"app":"nonsense"}]}']])('a kept arrangement that is none (%s) gives the bare desk', async (text) => {
  localStorage.setItem('ken.desk.anna', text);
  s.on('GET /me/desktop', { version: 7 });
  await load();
  expect(open()).toEqual([]);
  expect(layouts.icons).toEqual(all);
});

test('who began to work before the server answered keeps what is on the screen', async () => {
  s.on('GET /me/desktop', stored(9, 'users'));
  const free = s.hold('GET /me/desktop');
  const loading = layouts.load();
  await settle();
  openApp('files');
  free();
  await loading;
  expect(open()).toEqual(['files']);
});

test('icons of apps that are new come last, those of apps that are gone go', async () => {
  const layout = stored(9);
  s.on('GET /me/desktop', { ...layout, icons: ['users', 'gone', 'files'] });
  await load();
  expect(layouts.icons.slice(0, 2)).toEqual(['users', 'files']);
  expect([...layouts.icons].sort()).toEqual([...all].sort());
});

test('a second after the last of many changes it is stored once, here and on the server', async () => {
  await load();
  for (let i = 0; i < 20; i++) {
    openApp('nodes', { id: `n${i}` });
    layouts.changed();
    await settle(50);
  }
  await settle(900);
  expect(puts()).toHaveLength(0);
  await settle(150);
  expect(puts().map((l) => l.windows.length)).toEqual([20]);
  expect(JSON.parse(localStorage.getItem('ken.desk.anna')!)).toEqual(puts()[0]);
});

test('what did not change is not stored again', async () => {
  await load();
  openApp('nodes');
  layouts.changed();
  await settle(1100);
  layouts.changed();
  await settle(1100);
  expect(puts()).toHaveLength(1);
});

test('what the server did not take is tried again with the next change', async () => {
  await load();
  s.refuse('PUT /me/desktop', 503, 'Later');
  openApp('topology');
  layouts.changed();
  await settle(1100);
  s.on('PUT /me/desktop', undefined);
  layouts.changed();
  await settle(1100);
  expect(puts()).toHaveLength(2);
  layouts.changed();
  await settle(1100);
  expect(puts()).toHaveLength(2);
});

test('nothing is stored before what was kept is known', async () => {
  const free = s.hold('GET /me/desktop');
  const fresh = new (layouts.constructor as new () => typeof layouts)();
  const loading = fresh.load();
  openApp('nodes');
  fresh.changed();
  fresh.leave();
  await settle(2000);
  expect([puts().length, localStorage.getItem('ken.desk.anna')]).toEqual([0, null]);
  free();
  await loading;
});

test('a page that closes within the second keeps the last change in the browser', async () => {
  await load();
  openApp('users');
  layouts.leave();
  expect((JSON.parse(localStorage.getItem('ken.desk.anna')!) as Layout).windows.map((w) => w.app)).toEqual(['users']);
});

test('a link with windows opens them, and Undo brings back those that were there', async () => {
  const there = (openApp('users'), openApp('help'), link(windows.list, windows.area, look.data)!);
  for (const w of windows.list) windows.close(w);
  openApp('files');
  layouts.follow(there.slice(1));
  expect(open()).toEqual(['users', 'help']);
  toasts.list[0]!.action!.run();
  expect(open()).toEqual(['files']);
});

test('a link opens the window in the snap and the place that it had', async () => {
  const win = openApp('nodes', { id: 'n1' })!;
  windows.snap(win, 'right');
  const there = link(windows.list, windows.area, look.data)!;
  windows.fit({ x: 0, y: 0, w: 1000, h: 600 });
  layouts.follow(there.slice(1));
  expect(windows.top).toMatchObject({ snap: 'right', rect: { x: 500, y: 0, w: 500, h: 600 }, params: { id: 'n1' } });
});

test('to reset closes all, brings the icons back, empties the taskbar, and can be undone', async () => {
  await load();
  openApp('files');
  layouts.icons = [...all].reverse();
  layouts.keep('nodes');
  layouts.reset();
  expect([open(), layouts.icons, layouts.kept]).toEqual([[], all, []]);
  toasts.list[0]!.action!.run();
  expect([open(), layouts.icons, layouts.kept]).toEqual([['files'], [...all].reverse(), ['nodes']]);
});

test('to keep in the taskbar twice is not to keep', () => {
  layouts.keep('nodes');
  layouts.keep('files');
  layouts.keep('nodes');
  expect(layouts.kept).toEqual(['files']);
});

test('the look is on the page at once and remembered', () => {
  look.set({ theme: 'dark', contrast: true, density: 'compact', utc: true });
  expect({ ...document.documentElement.dataset }).toMatchObject({ theme: 'dark', contrast: 'high', density: 'compact' });
  expect(zone()).toBe('UTC');
  expect(soundLook(JSON.parse(localStorage.getItem('ken.look')!))).toEqual(look.data);
  look.set({ theme: 'auto', contrast: false, density: 'default', utc: false });
  expect(Object.keys(document.documentElement.dataset)).toEqual([]);
});

test('what the browser remembers wrongly of the look is the default', async () => {
  localStorage.setItem('ken.look', '{"theme":"pink","lang":"xx"');
  await look.load();
  expect(look.data).toEqual(soundLook({}));
});

test('the language is the one chosen, else the one the browser asks for', async () => {
  look.set({ lang: 'de' });
  await vi.waitFor(() => expect(lang()).toBe('de'));
  vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['fr', 'en-US']);
  look.set({ lang: '' });
  await vi.waitFor(() => expect(lang()).toBe('en'));
});

async function preferences(): Promise<void> {
  vi.useRealTimers();
  shell.preferences = true;
  render(Preferences);
}

test('preferences show what is chosen and change it at once', async () => {
  look.set({ theme: 'dark' });
  await preferences();
  expect(screen.getByLabelText<HTMLSelectElement>(t.theme).value).toBe('dark');
  await hands().selectOptions(screen.getByLabelText(t.theme), t.themeLight);
  await hands().selectOptions(screen.getByLabelText(t.density), t.densityCompact);
  await hands().click(screen.getByRole('switch', { name: t.contrast }));
  expect(look.data).toMatchObject({ theme: 'light', density: 'compact', contrast: true });
});

test('where the browser has no notifications, the switch says why and does not move', async () => {
  await preferences();
  const it = screen.getByRole<HTMLInputElement>('switch', { name: new RegExp(t.notify) });
  expect([it.disabled, it.closest('label')!.textContent!.includes(t.notifyNone)]).toEqual([true, true]);
});

test.each(['denied', 'default'])('a person who answers the browser with %s sees the switch stay off', async (answer) => {
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('Notification', { permission: 'default', requestPermission: async () => answer });
  await preferences();
  const it = screen.getByRole<HTMLInputElement>('switch', { name: new RegExp(t.notify) });
  await hands().click(it);
  await vi.waitFor(() => expect(it.checked).toBe(false));
  flushSync();
  expect([look.data.notify, it.checked, it.disabled]).toEqual([false, false, answer === 'denied']);
});

test('a person who allows it is told', async () => {
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('Notification', { permission: 'default', requestPermission: async () => 'granted' });
  await preferences();
  const it = screen.getByRole<HTMLInputElement>('switch', { name: new RegExp(t.notify) });
  await hands().click(it);
  await vi.waitFor(() => expect(look.data.notify).toBe(true));
  expect(it.checked).toBe(true);
});
