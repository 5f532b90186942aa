// What the launcher finds.
import type { LucideIcon } from '@lucide/svelte';
import AppWindow from '@lucide/svelte/icons/app-window';
import Contrast from '@lucide/svelte/icons/contrast';
import File from '@lucide/svelte/icons/file';
import Folder from '@lucide/svelte/icons/folder';
import Keyboard from '@lucide/svelte/icons/keyboard';
import LogOut from '@lucide/svelte/icons/log-out';
import LinkIcon from '@lucide/svelte/icons/link';
import Monitor from '@lucide/svelte/icons/monitor';
import Plus from '@lucide/svelte/icons/plus';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import Server from '@lucide/svelte/icons/server';
import ShieldQuestionMark from '@lucide/svelte/icons/shield-question-mark';
import Upload from '@lucide/svelte/icons/upload';
import UserIcon from '@lucide/svelte/icons/user';
import { apps, appOf, type AppDef } from '../apps/registry';
import { api, client } from '../api/client';
import { session } from '../api/session.svelte';
import { drain } from '../model/acts';
import { focusWindow, openApp, shell, windows } from './desk.svelte';
import { best } from './fuzzy';
import { link } from './layout';
import { layouts } from './layouts.svelte';
import { look } from './look.svelte';
import { signOut } from './signin';
import { t } from './strings';
import { copyText } from '../ui/clipboard';
import { toast } from '../ui/toast.svelte';

type Group = 'windows' | 'apps' | 'nodes' | 'actions' | 'files' | 'people';

export type Found = {
  id: string;
  group: Group;
  label: string;
  about?: string;
  // words that find it besides its label
  also?: string;
  icon?: LucideIcon;
  app?: AppDef;
  run: (fresh: boolean) => void;
};

function fromApps(): Found[] {
  return apps
    .filter((app) => session.can(app.needs ?? 'viewer'))
    .map((app) => ({
      id: `app-${app.id}`,
      group: 'apps',
      label: t.apps[app.id],
      about: t.about[app.id],
      also: `${app.id} ${t.about[app.id]}`,
      app,
      run: (fresh) => void openApp(app.id, {}, { fresh }),
    }));
}

function fromWindows(): Found[] {
  return windows.list.map((w) => ({
    id: `win-${w.id}`,
    group: 'windows',
    label: w.title,
    icon: AppWindow,
    app: appOf(w.app),
    run: () => void focusWindow(w),
  }));
}

function act(id: string, label: string, icon: LucideIcon, run: () => void, also = ''): Found {
  return { id: `act-${id}`, group: 'actions', label, icon, also, run };
}

async function copyLayout(): Promise<void> {
  const to = link(windows.list, windows.area, look.data);
  if (to === null) return void toast(t.layoutTooLarge, { tone: 'warn' });
  if (await copyText(location.origin + to)) toast(t.layoutCopied);
}

// upload asks for files in the Files window used last.
function upload(): void {
  const [last] = windows.list.filter((w) => w.app === 'files').sort((a, b) => b.z - a.z);
  if (!last) return void openApp('files', { do: 'upload' });
  void focusWindow(last);
  last.params = { ...last.params, do: 'upload' };
}

function fromActions(): Found[] {
  const list = [
    act('theme-light', t.actTheme(t.themeLight), Contrast, () => look.set({ theme: 'light' }), 'light'),
    act('theme-dark', t.actTheme(t.themeDark), Contrast, () => look.set({ theme: 'dark' }), 'dark'),
    act('theme-auto', t.actTheme(t.themeAuto), Contrast, () => look.set({ theme: 'auto' }), 'auto'),
    act('desk', t.actShowDesk, Monitor, () => windows.showDesk()),
    act('link', t.actCopyLayout, LinkIcon, () => void copyLayout(), 'share windows'),
    act('reset', t.actResetDesk, RotateCcw, () => layouts.reset()),
    act('keys', t.actShortcuts, Keyboard, () => void (shell.cheat = true)),
    act('out', t.actSignOut, LogOut, () => void signOut(), 'logout'),
  ];
  if (session.can('writer')) list.unshift(act('upload', t.actUpload, Upload, upload));
  if (session.can('admin')) list.unshift(act('add', t.actAddNode, Plus, () => void openApp('nodes', { add: '1' }), 'join'));
  return list;
}

// nodesFor answers the nodes and what one does with them.
export async function nodesFor(): Promise<Found[]> {
  try {
    const list = await api(client.GET('/nodes', { params: { query: { limit: 1000 } } }));
    return list.items.flatMap((n): Found[] => {
      const found: Found[] = [
        { id: `node-${n.id}`, group: 'nodes', label: n.name, about: n.zone || n.addr, also: `${n.id} ${n.addr}`, icon: Server, run: (fresh) => void openApp('nodes', { id: n.id }, { fresh }) },
        { id: `safe-${n.id}`, group: 'actions', label: t.actSafe(n.name), icon: ShieldQuestionMark, run: () => void openApp('nodes', { id: n.id, tab: 'stop' }) },
      ];
      if (session.can('operator')) found.push({ id: `drain-${n.id}`, group: 'actions', label: t.actDrain(n.name), also: 'drain', icon: Server, run: () => void drain({ id: n.id, name: n.name }) });
      return found;
    });
  } catch {
    return []; // The launcher works without them.
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

// idOf names an element of the page by a path: without blanks, and no two paths alike.
function idOf(path: string): string {
  return path.replace(/[\s%]/g, (c) => `%${c.charCodeAt(0).toString(16)};`);
}

// filesFor asks the server: the entries of the folder after a slash, or a
// search by name.
export async function filesFor(query: string): Promise<Found[]> {
  if (!session.can('viewer')) return [];
  try {
    const items = query.startsWith('/') ? await below(query) : await named(query);
    return items.slice(0, 20).map((e) => ({
      id: `file-${idOf(e.path)}`,
      group: 'files',
      label: e.name || '/',
      about: folderOf(e.path),
      also: e.path,
      icon: e.dir ? Folder : File,
      run: (fresh) => void openApp('files', e.dir ? { path: e.path } : { path: folderOf(e.path), select: e.path }, { fresh }),
    }));
  } catch {
    return [];
  }
}

async function below(query: string) {
  const dir = folderOf(query);
  const list = await api(client.GET('/fs/entries', { params: { query: { path: dir, limit: 1000 } } }));
  const name = query.slice(query.lastIndexOf('/') + 1);
  return best(name, list.items, (e) => e.name, 20);
}

async function named(query: string) {
  return (await api(client.GET('/fs/search', { params: { query: { path: '/', text: query } } }))).items;
}

function person(query: string): Found[] {
  const name = query.slice(1);
  return session.can('admin') ? [{ id: 'person', group: 'people', label: name || t.apps.users, icon: UserIcon, run: () => void openApp('users', name ? { user: name } : {}) }] : [];
}

// finds answers what fits, best first within its group.
export function finds(query: string, nodes: readonly Found[], files: readonly Found[]): Found[] {
  if (query.startsWith('/')) return [...files];
  if (query.startsWith('@')) return person(query);
  const local = [...fromWindows(), ...fromApps(), ...nodes, ...fromActions()];
  if (!query.trim()) return [...fromWindows(), ...fromApps(), ...fromActions()];
  return [...best(query, local, (f) => f.label, 30), ...best(query, local, (f) => f.also ?? '', 10), ...files].filter(
    (f, i, all) => all.findIndex((g) => g.id === f.id) === i,
  );
}

// grouped keeps the order of the best of each group.
export function grouped(found: readonly Found[]): { id: Group; title: string; items: Found[] }[] {
  const titles: Record<Group, string> = {
    windows: t.groupWindows,
    apps: t.groupApps,
    nodes: t.groupNodes,
    actions: t.groupActions,
    files: t.groupFiles,
    people: t.groupPeople,
  };
  const groups = new Map<Group, Found[]>();
  for (const f of found) groups.set(f.group, [...(groups.get(f.group) ?? []), f]);
  return [...groups].map(([id, items]) => ({ id, title: titles[id], items }));
}
