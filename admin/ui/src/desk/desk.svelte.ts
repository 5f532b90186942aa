// The desk's one set of windows, and how everything opens one.
import { tick } from 'svelte';
import { appOf, type AppId } from '../apps/registry';
import type { AppWindow } from './app';
import { address } from './address.svelte';
import { t } from './strings';
import { Windows, type Params, type Win } from './windows.svelte';

export const windows = new Windows();

// shell is what is open of the desk's own parts.
class Shell {
  launcher = $state(false);
  cheat = $state(false);
  preferences = $state(false);
  password = $state(false);
  phone = $state(false);
  // sheet is the phone's list of everything else, over the app
  sheet = $state(false);
  // snapHint is where a window that is being dragged would go.
  snapHint = $state.raw<{ x: number; y: number; w: number; h: number } | null>(null);
}

export const shell = new Shell();

// openApp opens an app, or brings up the window that shows the same.
// Apps use it to point at each other: openApp('nodes', {id}).
export function openApp(id: AppId, params: Params = {}, options: { fresh?: boolean } = {}): Win | null {
  const def = appOf(id);
  if (!def) return null;
  shell.sheet = false;
  const opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  const old = def.single && !options.fresh ? windows.list.find((w) => w.app === id) : undefined;
  if (old) {
    void focusWindow(old);
    if (Object.keys(params).length) windowFor(old).setParams(params, true);
    return old;
  }
  const win = windows.open(id, def.size, params, { ...options, opener });
  win.title ||= t.apps[id];
  void focusWindow(win);
  return win;
}

// focusWindow brings a window up and gives it the keyboard.
export async function focusWindow(win: Win): Promise<void> {
  shell.sheet = false;
  windows.focus(win);
  await tick();
  const element = document.getElementById(win.id);
  if (element && !element.contains(document.activeElement)) element.focus({ preventScroll: true });
}

// closeWindow closes it; the focus goes to what opened it, or the next window.
// Its button in the taskbar goes with it, and may have had the focus, too.
export function closeWindow(win: Win): void {
  const had = [document.getElementById(win.id), buttonOf(win)].some((x) => x?.contains(document.activeElement));
  windows.close(win);
  if (!had) return;
  if (win.opener?.isConnected && win.opener !== document.body) win.opener.focus({ preventScroll: true });
  else if (windows.top) void focusWindow(windows.top);
  else document.getElementById('icons')?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
}

// minimiseWindow puts it away; who worked in it goes on at its button.
export function minimiseWindow(win: Win): void {
  const had = document.getElementById(win.id)?.contains(document.activeElement);
  windows.minimise(win);
  if (had) buttonOf(win)?.focus();
}

const buttonOf = (win: Win): HTMLElement | null => document.querySelector(`[data-win="${win.id}"]`);

// windowFor is what the app inside a window may do with it.
export function windowFor(win: Win): AppWindow {
  return {
    get params() {
      return win.params;
    },
    get visible() {
      return !win.min;
    },
    setParams: (params, push = false) => {
      win.params = params;
      if (windows.top === win) address.follow(win, push);
    },
    setTitle: (title) => void (win.title = title),
    close: () => closeWindow(win),
  };
}
