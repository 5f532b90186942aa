// Addresses of windows: /d/<app>/<one parameter>?<the others>. Pure.
import { appOf } from '../apps/registry';
import type { Params } from './windows.svelte';

export type Place = { app: string; params: Params };

// parse answers what an address names, or null for the bare desk. An app that
// is not known is answered too: the desk says so.
export function parse(path: string, search: string): Place | null {
  const [, d, app, ...rest] = path.split('/');
  if (d !== 'd' || !app) return null;
  const params: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(search)) params[key] = value;
  const name = appOf(app)?.path;
  const tail = rest.filter(Boolean).map(decode).join('/');
  if (name && tail) params[name] = tail;
  return { app, params };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

// format is the address of a place.
export function format(place: Place): string {
  const name = appOf(place.app)?.path;
  // In a path . and .. mean other folders, to every browser and however they are written.
  const inPath = name && !/^\.{1,2}$/.test(place.params[name] ?? '') ? name : undefined;
  const query = new URLSearchParams();
  for (const key of Object.keys(place.params).sort()) {
    if (key !== inPath && place.params[key]) query.set(key, place.params[key]);
  }
  const tail = inPath && place.params[inPath] ? `/${encodeURIComponent(place.params[inPath])}` : '';
  const search = query.size ? `?${query.toString().replaceAll('%2F', '/')}` : '';
  return `/d/${place.app}${tail}${search}`;
}
