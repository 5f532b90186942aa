// The arrangement of the desk as it is stored. Pure: what comes back from the
// store is checked piece by piece, and what is wrong is left out.
import { appOf } from '../apps/registry';
import { fromShare, toShare, type Rect, type Snap } from './geometry';
import { soundLook, type LookData } from './look.svelte';
import type { Params, Win } from './windows.svelte';

export const version = 1;
export const limit = 16 * 1024; // the server takes no more

export type SavedWindow = {
  app: string;
  params: Params;
  // rect and restore as shares of the area
  rect: Rect;
  restore: Rect | null;
  snap: Snap | null;
  min: boolean;
  pinned: boolean;
};

export type Layout = { version: number; at: number; windows: SavedWindow[]; icons: string[]; look: LookData };

const snaps: readonly string[] = ['left', 'right', 'top-left', 'top-right', 'bottom-left', 'bottom-right', 'max'];

// save writes the windows from the back to the front; the oldest go when there
// is too much of it.
export function save(list: readonly Win[], area: Rect, icons: readonly string[], look: LookData, at: number): Layout {
  const windows = [...list]
    .sort((a, b) => a.z - b.z)
    .map((w) => ({
      app: w.app,
      params: w.params,
      rect: toShare(w.rect, area),
      restore: w.restore && toShare(w.restore, area),
      snap: w.snap,
      min: w.min,
      pinned: w.pinned,
    }));
  const layout = { version, at, windows, icons: [...icons], look };
  while (windows.length && JSON.stringify(layout).length > limit) windows.shift();
  return layout;
}

function object(v: unknown): Record<string, unknown> | null {
  return v && typeof v === 'object' && !Array.isArray(v) ? (v as Record<string, unknown>) : null;
}

function rectOf(v: unknown): Rect | null {
  const o = object(v);
  const n = (k: string): number => (typeof o?.[k] === 'number' && Number.isFinite(o[k]) ? o[k] : NaN);
  const r = { x: n('x'), y: n('y'), w: n('w'), h: n('h') };
  return Object.values(r).every((x) => Math.abs(x) <= 10) ? r : null;
}

function windowOf(v: unknown): SavedWindow | null {
  const o = object(v);
  const rect = rectOf(o?.rect);
  if (!o || !rect || typeof o.app !== 'string' || !appOf(o.app)) return null;
  const params: Record<string, string> = {};
  for (const [k, p] of Object.entries(object(o.params) ?? {})) if (typeof p === 'string') params[k] = p;
  const snap = snaps.includes(o.snap as string) ? (o.snap as Snap) : null;
  return { app: o.app, params, rect, restore: rectOf(o.restore), snap, min: o.min === true, pinned: o.pinned === true };
}

// sound answers a stored layout, or null when it is not one of ours.
export function sound(value: unknown): Layout | null {
  const o = object(value);
  if (!o || o.version !== version) return null;
  const windows = (Array.isArray(o.windows) ? o.windows : []).map(windowOf).filter((w) => w !== null);
  const icons = (Array.isArray(o.icons) ? o.icons : []).filter((i): i is string => typeof i === 'string');
  return { version, at: typeof o.at === 'number' ? o.at : 0, windows: windows.slice(-24), icons, look: soundLook(o.look) };
}

// placed answers the rects of a saved window on this screen.
export function placed(w: SavedWindow, area: Rect): { rect: Rect; restore: Rect | null } {
  return { rect: fromShare(w.rect, area), restore: w.restore && fromShare(w.restore, area) };
}
