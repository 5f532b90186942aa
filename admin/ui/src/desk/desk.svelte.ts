// The desk's one set of windows, and how everything opens one.
import { appOf, type AppId } from '../apps/registry';
import type { AppWindow } from './app';
import { Windows, type Params, type Win } from './windows.svelte';

export const windows = new Windows();

// openApp opens an app, or brings up the window that shows the same.
// Apps use it to point at each other: openApp('nodes', {id}).
export function openApp(id: AppId, params: Params = {}, options: { fresh?: boolean } = {}): Win | null {
  const def = appOf(id);
  if (!def) return null;
  const opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  return windows.open(id, def.size, params, { ...options, opener });
}

// windowFor is what the app inside a window may do with it.
export function windowFor(win: Win, address: (push: boolean) => void, close: () => void): AppWindow {
  return {
    get params() {
      return win.params;
    },
    get visible() {
      return !win.min;
    },
    setParams: (params, push = false) => {
      win.params = params;
      address(push);
    },
    setTitle: (title) => void (win.title = title),
    close,
  };
}
