// @vitest-environment happy-dom
import { configure, render, screen } from '@testing-library/svelte';
import { flushSync, tick } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import { live } from '../api/live.svelte';
import { session } from '../api/session.svelte';
import { hands, screenOf, server, signIn, type Server } from '../testing';
import { toasts } from '../ui/toast.svelte';
import { contextMenus } from '../ui/menu.svelte';

// The apps themselves are tested elsewhere: here each is an empty place.
vi.mock('../apps/registry', async (original) => {
  const real = await original<typeof import('../apps/registry')>();
  const { default: empty } = await import('../ui/Skeleton.svelte');
  const apps = real.apps.map((a) => ({ ...a, load: async () => ({ default: empty }) }));
  return { ...real, apps, appOf: (id: string) => apps.find((a) => a.id === id) };
});

import { apps } from '../apps/registry';
import { openApp, shell, windows } from './desk.svelte';
import Desktop from './Desktop.svelte';
import { layouts } from './layouts.svelte';
import { look } from './look.svelte';
import { address } from './address.svelte';
import { t } from './strings';

// Whether something is hidden is asked of each element above it, which takes long on a whole desk.
configure({ defaultHidden: true });

let s: Server;

beforeEach(() => {
  screenOf(1280, 768);
  s = server();
  s.on('GET /health', () => cluster.health(cluster.verdicts.protected())).on('GET /tasks', { items: [] }).on('GET /events', cluster.events());
  s.on('GET /me/desktop', {}).on('PUT /me/desktop', undefined).on('GET /nodes', { items: [], total: 0 });
  signIn('admin', { user: 'anna' });
  for (const w of windows.list) windows.close(w);
  Object.assign(shell, { launcher: false, cheat: false, preferences: false, sheet: false });
  toasts.list = [];
  contextMenus.current = null;
  layouts.icons = apps.map((a) => a.id);
  layouts.kept = [];
  look.set({ theme: 'auto', widgets: true, letters: true, notify: false, utc: false });
  document.head.innerHTML = '<link rel="icon" href="x">';
});
afterEach(() => history.replaceState(null, '', '/'));

async function desk(): Promise<void> {
  render(Desktop);
  await vi.waitFor(() => expect(s.sent('GET /me/desktop')).toHaveLength(1), { timeout: 5000 });
  await tick();
}

const icons = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('#icons button')];
const icon = (id: string): HTMLElement => document.querySelector<HTMLElement>(`[data-app="${id}"]`)!;
const bar = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('#taskbar [data-win]')];
const open = (): string[] => windows.list.map((w) => w.app);
const item = (name: string): HTMLElement => [...document.querySelectorAll<HTMLElement>('[role^=menuitem]')].find((x) => x.textContent!.trim() === name)!;

test('an icon is selected by one click and opened by two, or by Enter', async () => {
  await desk();
  const user = hands();
  await user.click(icon('nodes'));
  expect(open()).toEqual([]);
  await user.dblClick(icon('nodes'));
  expect(open()).toEqual(['nodes']);
  icon('files').focus();
  await user.keyboard('{Enter}');
  expect(open()).toEqual(['nodes', 'files']);
});

test('one icon is reached by Tab; arrows move down, up, and to the next column', async () => {
  await desk();
  const user = hands();
  const rows = Math.floor((768 - 48 - 24) / 100);
  expect(icons().filter((b) => b.tabIndex === 0)).toEqual([icons()[0]]);
  icons()[0]!.focus();
  await user.keyboard('{ArrowDown}{ArrowDown}');
  expect(document.activeElement).toBe(icons()[2]);
  await user.keyboard('{ArrowRight}');
  expect(document.activeElement).toBe(icons()[2 + rows]);
  await user.keyboard('{ArrowRight}{ArrowLeft}');
  expect(document.activeElement).toBe(icons()[2]);
  await user.keyboard('{End}{ArrowDown}');
  expect(document.activeElement).toBe(icons().at(-1));
  expect(icons().filter((b) => b.tabIndex === 0)).toEqual([icons().at(-1)]);
});

test('icons are rearranged from their menu, without dragging, and keep the focus', async () => {
  await desk();
  const user = hands();
  await user.pointer({ keys: '[MouseRight]', target: icon('nodes') });
  await user.click(item(t.moveUp));
  await vi.waitFor(() => expect(icons().map((b) => b.dataset.app).slice(0, 2)).toEqual(['nodes', 'overview']));
  await vi.waitFor(() => expect(document.activeElement).toBe(icon('nodes')));
});

test('who may not use an app has no icon of it', async () => {
  signIn('viewer');
  await desk();
  for (const a of apps.filter((x) => !session.can(x.needs ?? 'viewer'))) expect(icon(a.id)).toBeNull();
  expect(icons().length).toBeGreaterThan(0);
});

test('the taskbar has a button for each window: it brings up, and puts away what is in front', async () => {
  await desk();
  const user = hands();
  openApp('nodes');
  openApp('files');
  flushSync();
  expect(bar().map((b) => `${b.textContent!.trim()} ${b.getAttribute('aria-pressed')}`)).toEqual([`${t.apps.nodes} false`, `${t.apps.files} true`]);
  await user.click(bar()[0]!);
  expect(windows.top?.app).toBe('nodes');
  await user.click(bar()[0]!);
  expect([windows.top?.app, bar()[0]!.getAttribute('aria-label')]).toEqual(['files', t.runningWindow(t.apps.nodes, true)]);
  await user.click(bar()[0]!);
  expect(windows.top?.app).toBe('nodes');
});

test('an app that is kept in the taskbar has one place, open or not', async () => {
  await desk();
  layouts.keep('nodes');
  flushSync();
  await hands().click(screen.getByRole('navigation', { name: t.taskbar }).querySelector<HTMLElement>('[data-kept=nodes]')!);
  expect([open(), document.querySelector('[data-kept]')]).toEqual([['nodes'], null]);
  windows.close(windows.list[0]!);
  flushSync();
  expect(document.querySelector('[data-kept=nodes]')).not.toBeNull();
});

test('Ctrl+K opens the launcher and closes it', async () => {
  await desk();
  await hands().keyboard('{Control>}k{/Control}');
  expect(shell.launcher).toBe(true);
  flushSync();
  await hands().keyboard('{Control>}k{/Control}');
  expect(shell.launcher).toBe(false);
});

test('no key of the desk works behind a dialog', async () => {
  await desk();
  openApp('nodes');
  openApp('files');
  const dialog = document.createElement('dialog');
  dialog.open = true;
  document.body.append(dialog);
  await hands().keyboard('{Control>}k`{/Control}?{F6}');
  expect([shell.launcher, shell.cheat, windows.top?.app]).toEqual([false, false, 'files']);
  dialog.remove();
});

test('? opens the list of shortcuts, but not while one types, and not when it is turned off', async () => {
  await desk();
  const input = document.createElement('input');
  document.body.append(input);
  input.focus();
  await hands().keyboard('?');
  expect([shell.cheat, input.value]).toEqual([false, '?']);
  input.remove();
  look.set({ letters: false });
  await hands().keyboard('?');
  expect(shell.cheat).toBe(false);
  look.set({ letters: true });
  await hands().keyboard('?');
  expect(shell.cheat).toBe(true);
});

test('Ctrl+backquote goes through the windows, with Shift back', async () => {
  await desk();
  for (const id of ['nodes', 'files', 'users'] as const) openApp(id);
  flushSync();
  const fire = (shift: boolean): string | undefined => {
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '`', code: 'Backquote', ctrlKey: true, shiftKey: shift, bubbles: true }));
    return windows.top?.app;
  };
  expect([fire(false), fire(false), fire(true), fire(true)]).toEqual(['nodes', 'files', 'nodes', 'users']);
});

test('F6 goes from the desk to the window in front, to the taskbar, and round', async () => {
  await desk();
  const win = openApp('nodes')!;
  flushSync();
  icons()[0]!.focus();
  const user = hands();
  const at = (): string => ['icons', win.id, 'taskbar'].find((id) => document.getElementById(id)!.contains(document.activeElement)) ?? 'nowhere';
  await user.keyboard('{F6}');
  await tick();
  expect(at()).toBe(win.id);
  await user.keyboard('{F6}');
  expect(at()).toBe('taskbar');
  await user.keyboard('{F6}');
  expect(at()).toBe('icons');
  await user.keyboard('{Shift>}{F6}{/Shift}');
  expect(at()).toBe('taskbar');
});

test('F6 leaves out what is not there', async () => {
  await desk();
  icons()[0]!.focus();
  await hands().keyboard('{F6}');
  expect(document.getElementById('taskbar')!.contains(document.activeElement)).toBe(true);
});

test('a file that is dropped beside every target is not opened in place of the desk', async () => {
  await desk();
  const drop = (types: string[]): boolean => {
    const e = new Event('drop', { bubbles: true, cancelable: true }) as DragEvent;
    Object.defineProperty(e, 'dataTransfer', { value: { types, dropEffect: 'copy' } });
    window.dispatchEvent(e);
    return e.defaultPrevented;
  };
  expect([drop(['Files']), drop(['text/plain'])]).toEqual([true, false]);
});

test('a deep link opens its window over the arrangement that was kept', async () => {
  vi.spyOn(address, 'first').mockReturnValueOnce({ app: 'nodes', params: { id: 'dn-7', tab: 'disks' } });
  await desk();
  await vi.waitFor(() => expect(windows.top?.params).toEqual({ id: 'dn-7', tab: 'disks' }));
  expect(location.pathname + location.search).toBe('/d/nodes/dn-7?tab=disks');
});

test('a link to an app that there is not opens the launcher and says so', async () => {
  vi.spyOn(address, 'first').mockReturnValueOnce({ app: 'nonsense', params: {} });
  await desk();
  await vi.waitFor(() => expect(shell.launcher).toBe(true));
  expect(toasts.list.map((x) => x.text)).toEqual([t.appUnknown('nonsense')]);
});

test('the address follows the window in front, and is bare when none is', async () => {
  await desk();
  openApp('nodes', { id: 'n1' });
  openApp('files', { path: '/a b' });
  await vi.waitFor(() => expect(location.pathname + location.search).toBe('/d/files?path=/a+b'));
  windows.focus(windows.list[0]!);
  await vi.waitFor(() => expect(location.pathname).toBe('/d/nodes/n1'));
  windows.showDesk();
  await vi.waitFor(() => expect(location.pathname).toBe('/'));
});

test('Back brings back what a window showed', async () => {
  await desk();
  const win = openApp('nodes', { id: 'n2' })!;
  await vi.waitFor(() => expect(location.pathname).toBe('/d/nodes/n2'));
  history.replaceState({ win: win.id }, '', '/d/nodes/n1');
  window.dispatchEvent(new PopStateEvent('popstate', { state: { win: win.id } }));
  expect(win.params).toEqual({ id: 'n1' });
  expect(windows.list).toHaveLength(1);
});

test('Back to a window that is closed opens it again', async () => {
  await desk();
  history.replaceState({ win: 'w999' }, '', '/d/nodes/n1');
  window.dispatchEvent(new PopStateEvent('popstate', { state: { win: 'w999' } }));
  expect(windows.list.map((w) => [w.app, w.params])).toEqual([['nodes', { id: 'n1' }]]);
});

test('the title and the icon of the page follow the verdict, by live message too', async () => {
  await desk();
  await vi.waitFor(() => expect(document.title).toBe('Protected – attic'));
  const calm = document.querySelector<HTMLLinkElement>('link[rel=icon]')!.href;
  await vi.waitFor(() => expect(live.state).toBe('live'));
  s.say('health', cluster.health(cluster.verdicts.at_risk()));
  await vi.waitFor(() => expect(document.title).toMatch(/^\(!\) .*214 – attic$/));
  expect(document.querySelector<HTMLLinkElement>('link[rel=icon]')!.href).not.toBe(calm);
});

test('the empty desk answers at once: the widgets say how the cluster is', async () => {
  await desk();
  await vi.waitFor(() => expect(screen.getByRole('group', { name: t.widgetHealth }).textContent).toContain('Any one more node may fail.'));
  expect(screen.getByRole('group', { name: t.widgetCapacity }).textContent).toContain('8.2 TiB');
  look.set({ widgets: false });
  flushSync();
  expect(screen.queryByRole('group', { name: t.widgetHealth })).toBeNull();
});

test('behind the lock the desk is out of reach, and its windows survive', async () => {
  await desk();
  openApp('nodes');
  session.locked = true;
  flushSync();
  const behind = document.querySelector<HTMLElement & { inert: boolean }>('.desk')!;
  expect(behind.inert || behind.hasAttribute('inert')).toBe(true);
  session.unlock(session.me!);
  flushSync();
  expect(behind.inert || behind.hasAttribute('inert')).toBe(false);
  expect(open()).toEqual(['nodes']);
});

test('the live stream is opened with the desk and let go with it', async () => {
  const { unmount } = render(Desktop);
  await vi.waitFor(() => expect(live.state).toBe('live'));
  unmount();
  expect(live.state).toBe('idle');
});

test('what gets worse while nobody looks is told by the browser, to who asked for it', async () => {
  const told: string[] = [];
  class Note {
    static permission = 'granted';
    constructor(title: string, { body }: { body: string }) {
      told.push(`${title}: ${body.slice(0, 11)}`);
    }
  }
  vi.stubGlobal('Notification', Note);
  vi.stubGlobal('isSecureContext', true);
  await desk();
  await vi.waitFor(() => expect(live.state).toBe('live'));
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  s.say('health', cluster.health(cluster.verdicts.at_risk()));
  await vi.waitFor(() => expect(document.title).toContain('214'));
  expect(told).toEqual([]);
  look.set({ notify: true });
  flushSync();
  s.say('health', cluster.health(cluster.verdicts.unavailable()));
  await vi.waitFor(() => expect(told).toEqual([expect.stringMatching(/ – attic: 12 volumes/)]));
});

test('on a narrow screen there is one app over all, and a bar to others', async () => {
  screenOf(390, 800);
  await desk();
  expect(document.getElementById('icons')).toBeNull();
  await hands().click([...document.querySelectorAll<HTMLElement>('#taskbar button')].find((b) => b.textContent === t.apps.nodes)!);
  const main = screen.getByRole('main', { name: t.apps.nodes });
  expect(main.querySelector('.win')).toBeNull();
  expect(document.querySelector('#taskbar [aria-current=page]')!.textContent).toBe(t.apps.nodes);
  expect(screen.getByRole('heading', { level: 2, name: t.apps.nodes })).toBeDefined();
});

test('the sheet of a phone has everything else; Escape closes it and gives the focus back', async () => {
  screenOf(390, 800);
  await desk();
  const more = document.getElementById('more')!;
  await hands().click(more);
  const sheet = screen.getByRole('region', { name: t.phoneMore });
  expect(more.getAttribute('aria-expanded')).toBe('true');
  sheet.querySelector<HTMLElement>('button')!.focus();
  await hands().keyboard('{Escape}');
  expect([shell.sheet, document.activeElement]).toEqual([false, more]);
});

test('an app that is chosen from the sheet takes its place', async () => {
  screenOf(390, 800);
  await desk();
  await hands().click(document.getElementById('more')!);
  const sheet = screen.getByRole('region', { name: t.phoneMore });
  await hands().click([...sheet.querySelectorAll<HTMLElement>('button.app')].find((b) => b.textContent === t.apps.help)!);
  expect([shell.sheet, windows.top?.app]).toEqual([false, 'help']);
});

test('closing an app on the phone shows the one below, then the status', async () => {
  screenOf(390, 800);
  await desk();
  openApp('nodes');
  openApp('help');
  flushSync();
  await hands().click(screen.getByRole('button', { name: t.close }));
  expect(screen.getByRole('main').getAttribute('aria-label')).toBe(t.apps.nodes);
  await hands().click(screen.getByRole('button', { name: t.close }));
  expect(screen.getByRole('group', { name: t.widgetHealth })).toBeDefined();
});

test('the menu of a taskbar button minimises, brings back, opens another, keeps and closes', async () => {
  await desk();
  const user = hands();
  const win = openApp('nodes', { id: 'n1' })!;
  flushSync();
  const act = async (label: string): Promise<void> => {
    await user.pointer({ keys: '[MouseRight]', target: bar()[0]! });
    await user.click(item(label));
    await tick();
  };
  await act(t.minimise);
  expect(win.min).toBe(true);
  await act(t.restore);
  expect(win.min).toBe(false);
  await act(t.newWindow);
  expect(windows.list.map((w) => w.params)).toEqual([{ id: 'n1' }, { id: 'n1' }]);
  await act(t.keep);
  expect(layouts.kept).toEqual(['nodes']);
  await act(t.unkeep);
  expect(layouts.kept).toEqual([]);
  await act(t.close);
  expect(windows.list).toHaveLength(1);
});

test('a window that is closed in the taskbar by keys hands the focus on', async () => {
  await desk();
  const user = hands();
  openApp('help');
  openApp('nodes', { id: 'n1' });
  await vi.waitFor(() => expect(document.activeElement!.id).toBe(windows.top!.id));
  bar()[1]!.focus();
  await user.keyboard('{Shift>}{F10}{/Shift}');
  item(t.close).focus();
  await user.keyboard('{Enter}');
  await tick();
  expect(open()).toEqual(['help']);
  await vi.waitFor(() => expect(document.activeElement!.id).toBe(windows.top!.id));
});

test('a kept app is taken from the taskbar by its menu', async () => {
  await desk();
  layouts.keep('nodes');
  flushSync();
  await hands().pointer({ keys: '[MouseRight]', target: document.querySelector<HTMLElement>('[data-kept]')! });
  await hands().click(item(t.unkeep));
  expect([layouts.kept, document.querySelector('[data-kept]')]).toEqual([[], null]);
});

test('a kept app that one may no longer use is not shown', async () => {
  signIn('viewer');
  layouts.kept = apps.map((a) => a.id);
  await desk();
  const shown = [...document.querySelectorAll<HTMLElement>('[data-kept]')].map((b) => b.dataset.kept!);
  expect(shown).toEqual(apps.filter((a) => session.can(a.needs ?? 'viewer')).map((a) => a.id));
});

test('a change of the arrangement is stored a second later', async () => {
  await desk();
  openApp('nodes');
  await vi.waitFor(() => expect(s.sent('PUT /me/desktop').at(-1)?.body).toMatchObject({ windows: [{ app: 'nodes' }] }), { timeout: 4000 });
});

test('what was kept is shown under the address that the page was opened with', async () => {
  openApp('files');
  const kept = { ...(await import('./layout')).save(windows.list, windows.area, [], look.data, Date.now() + 1000, []) };
  windows.close(windows.list[0]!);
  s.on('GET /me/desktop', kept);
  vi.spyOn(address, 'first').mockReturnValueOnce({ app: 'nodes', params: { id: 'n1' } });
  await desk();
  await vi.waitFor(() => expect(open()).toEqual(['files', 'nodes']));
  expect(windows.top?.app).toBe('nodes');
});

test('on the phone the same windows are there as on the desk', async () => {
  await desk();
  openApp('nodes', { id: 'n1' });
  flushSync();
  vi.stubGlobal('innerWidth', 390);
  window.dispatchEvent(new Event('resize'));
  await vi.waitFor(() => expect(document.getElementById('icons')).toBeNull());
  expect(screen.getByRole('main').getAttribute('aria-label')).toBe(t.apps.nodes);
  vi.stubGlobal('innerWidth', 1280);
  window.dispatchEvent(new Event('resize'));
  await vi.waitFor(() => expect(document.getElementById('icons')).not.toBeNull());
  expect(windows.list.map((w) => [w.app, w.rect.w > 600])).toEqual([['nodes', true]]);
});
