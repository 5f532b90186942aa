// Addresses that the browser itself opens: downloads, previews, WebDAV links.
import { base as api } from '../../api/client';
import { names } from './paths';

// contentUrl is a file's bytes: an attachment, or shown when inline and harmless.
export function contentUrl(path: string, inline = false): string {
  const q = new URLSearchParams({ path });
  if (inline) q.set('inline', '1');
  return `${api}/fs/content?${q}`;
}

// pictureUrl is a file's bytes to be shown; those of another version have another address.
export function pictureUrl(entry: { path: string; etag: string }): string {
  return `${contentUrl(entry.path, true)}&v=${encodeURIComponent(entry.etag)}`;
}

// archiveUrl is a zip of entries of one folder; without names, of all of it.
export function archiveUrl(dir: string, entries: readonly string[] = []): string {
  const q = new URLSearchParams({ path: dir });
  for (const name of entries) q.append('name', name);
  return `${api}/fs/archive?${q}`;
}

// The longest address that every proxy and server on the way takes.
const longestUrl = 7000;

// archiveFits: a longer choice must be downloaded folder by folder.
export function archiveFits(dir: string, entries: readonly string[]): boolean {
  return entries.length <= 1000 && archiveUrl(dir, entries).length <= longestUrl;
}

// davUrl is an entry's address under a gateway's.
export function davUrl(gateway: string, path: string, dir: boolean): string {
  const tail = names(path).map(encodeURIComponent).join('/');
  return gateway.replace(/\/*$/, '/') + tail + (dir && tail ? '/' : '');
}

// appUrl is the deep link to a folder.
export function appUrl(path: string): string {
  return path === '/' ? '/d/files' : `/d/files?${new URLSearchParams({ path })}`;
}
