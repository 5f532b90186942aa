// What the menus, keys and buttons of one window do.
import { session } from '../../api/session.svelte';
import { openApp } from '../../desk/desk.svelte';
import { copyText } from '../../ui/clipboard';
import { toast } from '../../ui/toast.svelte';
import { makeFolder, put, remove, report } from './acts';
import type { Browser } from './browser.svelte';
import { clip } from './clip.svelte';
import { look } from './look.svelte';
import type { Acts } from './menu';
import { another, parent, root } from './paths';
import { t } from './strings';
import type { Entry } from './types';
import { archiveFits, archiveUrl, contentUrl } from './urls';

// Stage is what the window shows beside the list.
export type Stage = {
  look: (e: Entry) => void;
  properties: (path: string) => void;
  pickFiles: (folder: boolean) => void;
  focus: (path?: string) => void;
};

export function download(all: readonly Entry[]): void {
  const first = all[0];
  if (!first) return;
  const link = document.createElement('a');
  if (all.length > 1) link.href = archiveUrl(parent(first.path), all.map((e) => e.name));
  else link.href = first.dir ? archiveUrl(first.path) : contentUrl(first.path);
  link.download = all.length === 1 && !first.dir ? first.name : '';
  link.click();
}

function noDownload(all: readonly Entry[]): string | false {
  if (!session.can('reader')) return t.mayNotRead;
  if (all.length < 2) return false;
  if (new Set(all.map((e) => parent(e.path))).size > 1) return t.onePlace;
  return !archiveFits(parent(all[0]?.path ?? root), all.map((e) => e.name)) && t.tooMany;
}

export function acting(browser: Browser, stage: Stage): Acts {
  let creating = false;

  async function create(): Promise<void> {
    if (creating) return; // the name that is free is known when the first one is there
    creating = true;
    try {
      const made = await makeFolder(browser.free(t.newFolder, (n) => another(t.newFolder, n)));
      browser.arrive(made, null);
      stage.focus(made.path);
      browser.renaming = made.path;
    } catch (cause) {
      report(cause);
    }
    creating = false;
  }

  function paste(into: string): void {
    const c = clip.current;
    if (!c) return;
    if (c.mode === 'cut') clip.current = null;
    void put(c.paths, into, c.mode === 'copy').then((left) => {
      // What could not be put here may be put elsewhere.
      if (c.mode === 'cut' && left.length > 0) clip.current ??= { mode: 'cut', paths: left };
    });
  }

  return {
    open: (e) => (e.dir ? browser.go(e.path) : stage.look(e)),
    openWindow: (path) => void openApp('files', path === root ? {} : { path }, { fresh: true }),
    look: stage.look,
    download,
    noDownload,
    cut: (all) => (clip.current = { mode: 'cut', paths: all.map((e) => e.path) }),
    copy: (all) => (clip.current = { mode: 'copy', paths: all.map((e) => e.path) }),
    paste,
    noPaste: () => !clip.current && t.nothingToPaste,
    rename: (e) => (browser.renaming = e.path),
    remove: (all) => void remove(all).then((done) => done && stage.focus()),
    properties: stage.properties,
    copyPath: (all) => void copyText(all.join('\n')).then((done) => done && toast(t.pathCopied)),
    favourite: (path) => look.favourite(path),
    isFavourite: (path) => look.favourites.includes(path),
    create: () => void create(),
    upload: stage.pickFiles,
    refresh: () => void browser.reload(),
    noWrite: () => !session.can('writer') && t.mayNotWrite,
  };
}

// press does what a shortcut stands for; all is what is selected.
export function press(key: string, browser: Browser, acts: Acts, editPath: () => void): void {
  const all = browser.chosen;
  const one = all.length === 1 ? all[0] : undefined;
  const may = !acts.noWrite();
  switch (key) {
    case 'path': return editPath();
    case 'up': return browser.up();
    case 'back': return browser.back();
    case 'forward': return browser.forward();
    case 'refresh': return acts.refresh();
    case 'look': return one && acts.open(one);
    case 'properties': return acts.properties(one?.path ?? browser.path);
    case 'download': return all.length && !acts.noDownload(all) ? acts.download(all) : undefined;
    case 'copy': return may && all.length ? acts.copy(all) : undefined;
    case 'cut': return may && all.length ? acts.cut(all) : undefined;
    case 'paste': return may ? acts.paste(browser.path) : undefined;
    case 'rename': return may && one ? acts.rename(one) : undefined;
    case 'delete': return may && all.length ? acts.remove(all) : undefined;
    case 'create': return may ? acts.create() : undefined;
  }
}
