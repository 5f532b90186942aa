// The one list of what can be done with entries: the right click, the "…"
// button, the Menu key and the toolbar take theirs from here.
import ClipboardPaste from '@lucide/svelte/icons/clipboard-paste';
import Copy from '@lucide/svelte/icons/copy';
import Download from '@lucide/svelte/icons/download';
import Eye from '@lucide/svelte/icons/eye';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import FolderPlus from '@lucide/svelte/icons/folder-plus';
import Info from '@lucide/svelte/icons/info';
import Link from '@lucide/svelte/icons/link';
import PanelTop from '@lucide/svelte/icons/panel-top-open';
import Pencil from '@lucide/svelte/icons/pencil';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import Scissors from '@lucide/svelte/icons/scissors';
import Star from '@lucide/svelte/icons/star';
import Trash from '@lucide/svelte/icons/trash-2';
import Upload from '@lucide/svelte/icons/upload';
import type { MenuItem } from '../../ui/menu.svelte';
import { t } from './strings';
import type { Entry } from './types';

export type Acts = {
  open: (e: Entry) => void;
  openWindow: (path: string) => void;
  look: (e: Entry) => void;
  download: (all: readonly Entry[]) => void;
  // why not: a sentence
  noDownload: (all: readonly Entry[]) => string | false;
  cut: (all: readonly Entry[]) => void;
  copy: (all: readonly Entry[]) => void;
  paste: (into: string) => void;
  noPaste: () => string | false;
  rename: (e: Entry) => void;
  remove: (all: readonly Entry[]) => void;
  properties: (path: string) => void;
  copyPath: (all: readonly string[]) => void;
  favourite: (path: string) => void;
  isFavourite: (path: string) => boolean;
  create: () => void;
  upload: (folder: boolean) => void;
  refresh: () => void;
  // why the person may not change anything: a sentence
  noWrite: () => string | false;
};

export function entryMenu(all: readonly Entry[], a: Acts): MenuItem[] {
  const one = all.length === 1 ? all[0] : undefined;
  if (!all.length) return [];
  const items: MenuItem[] = [];
  if (one) {
    items.push({ label: t.open, icon: FolderOpen, keys: 'Enter', run: () => a.open(one) });
    if (one.dir) items.push({ label: t.openWindow, icon: PanelTop, run: () => a.openWindow(one.path) });
    else items.push({ label: t.look, icon: Eye, keys: 'Space', run: () => a.look(one) });
  }
  const zip = all.length > 1 || all.some((e) => e.dir);
  items.push(
    { label: zip ? t.downloadZip : t.download, icon: Download, disabled: a.noDownload(all), run: () => a.download(all) },
    'separator',
    { label: t.cut, icon: Scissors, keys: 'Ctrl+X', disabled: a.noWrite(), run: () => a.cut(all) },
    { label: t.copy, icon: Copy, keys: 'Ctrl+C', disabled: a.noWrite(), run: () => a.copy(all) },
  );
  if (one?.dir) items.push({ label: t.pasteInto, icon: ClipboardPaste, disabled: a.noWrite() || a.noPaste(), run: () => a.paste(one.path) });
  items.push('separator');
  if (one) items.push({ label: t.rename, icon: Pencil, keys: 'F2', disabled: a.noWrite(), run: () => a.rename(one) });
  items.push({ label: t.remove, icon: Trash, keys: 'Del', danger: true, disabled: a.noWrite(), run: () => a.remove(all) }, 'separator');
  if (one?.dir) items.push({ label: a.isFavourite(one.path) ? t.removeFavourite : t.addFavourite, icon: Star, run: () => a.favourite(one.path) });
  items.push({ label: t.copyPath, icon: Link, run: () => a.copyPath(all.map((e) => e.path)) });
  if (one) items.push({ label: t.properties, icon: Info, keys: 'Alt+Enter', run: () => a.properties(one.path) });
  return items;
}

// folderMenu is for the folder shown itself: a right click beside the entries.
export function folderMenu(path: string, a: Acts): MenuItem[] {
  return [
    { label: t.create, icon: FolderPlus, disabled: a.noWrite(), run: a.create },
    { label: t.uploadFiles, icon: Upload, disabled: a.noWrite(), run: () => a.upload(false) },
    { label: t.uploadFolder, icon: Upload, disabled: a.noWrite(), run: () => a.upload(true) },
    { label: t.paste, icon: ClipboardPaste, keys: 'Ctrl+V', disabled: a.noWrite() || a.noPaste(), run: () => a.paste(path) },
    'separator',
    { label: a.isFavourite(path) ? t.removeFavourite : t.addFavourite, icon: Star, run: () => a.favourite(path) },
    { label: t.copyPath, icon: Link, run: () => a.copyPath([path]) },
    { label: t.refresh, icon: RefreshCw, run: a.refresh },
    { label: t.properties, icon: Info, run: () => a.properties(path) },
  ];
}
