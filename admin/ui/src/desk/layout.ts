// The arrangement of the desk as it is stored. Pure: what comes back from the
// store is checked piece by piece, and what is wrong is left out.
import { appOf } from '../apps/registry';
import { fromShare, toShare, type Rect, type Snap } from './geometry';
import { soundLook, type LookData } from './look.svelte';
import { soundViews, type View } from './views';
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

// kept are the apps that stay in the taskbar, in their order; views are those of
// the list of nodes.
export type Layout = { version: number; at: number; windows: SavedWindow[]; icons: string[]; kept: string[]; look: LookData; views: View[] };

const snaps: readonly string[] = ['left', 'right', 'top-left', 'top-right', 'bottom-left', 'bottom-right', 'max'];

// save writes the windows from the back to the front; the oldest go when there
// is too much of it.
export function save(
  list: readonly Win[],
  area: Rect,
  icons: readonly string[],
  look: LookData,
  at: number,
  kept: readonly string[] = [],
  views: readonly View[] = [],
): Layout {
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
  const layout = { version, at, windows, icons: [...icons], kept: [...kept], look, views: [...views] };
  while (windows.length && sizeOf(layout) > limit) windows.shift();
  return layout;
}

// sizeOf counts as the server does, in bytes: a name in Greek has two a letter.
function sizeOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
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
  const words = (v: unknown): string[] => [...new Set((Array.isArray(v) ? v : []).filter((i): i is string => typeof i === 'string'))];
  const kept = words(o.kept).filter((id) => appOf(id));
  return { version, at: typeof o.at === 'number' ? o.at : 0, windows: windows.slice(-24), icons: words(o.icons), kept, look: soundLook(o.look), views: soundViews(o.views) };
}

const linkMost = 6000; // characters that every browser and messenger takes

// link is an address that opens the same windows elsewhere; null when they are
// too many for one.
export function link(list: readonly Win[], area: Rect, look: LookData): string | null {
  const { windows } = save(list, area, [], look, 0);
  const bytes = new TextEncoder().encode(JSON.stringify({ version, windows }));
  const text = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  return windows.length === list.length && text.length <= linkMost ? `/?layout=${text}` : null;
}

// linked answers the windows of such an address, or null. A link comes from
// anybody: what it names is checked as what is stored is, and asks for nothing
// to be done.
export function linked(search: string): SavedWindow[] | null {
  const text = new URLSearchParams(search).get('layout');
  if (!text || text.length > linkMost) return null;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const found = sound(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))?.windows ?? [];
    const safe = found.map((w) => ({ ...w, params: Object.fromEntries(Object.entries(w.params).filter(([k]) => k !== 'do' && k !== 'add')) }));
    return safe.length ? safe : null;
  } catch {
    return null;
  }
}

// placed answers the rects of a saved window on this screen.
export function placed(w: SavedWindow, area: Rect): { rect: Rect; restore: Rect | null } {
  return { rect: fromShare(w.rect, area), restore: w.restore && fromShare(w.restore, area) };
}
