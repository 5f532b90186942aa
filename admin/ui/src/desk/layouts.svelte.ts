// Keeps the arrangement of the desk: in this browser for the next paint, and on
// the server for the next machine.
import { api, client } from '../api/client';
import { session } from '../api/session.svelte';
import { apps } from '../apps/registry';
import { toast } from '../ui/toast.svelte';
import { windows } from './desk.svelte';
import { linked, placed, save, sound, type Layout, type SavedWindow } from './layout';
import { look } from './look.svelte';
import { t } from './strings';
import type { View } from './views';

const wait = 1000;

class Layouts {
  // icons is the order of the icons.
  icons = $state.raw<readonly string[]>(apps.map((a) => a.id));
  // kept are the apps that stay in the taskbar.
  kept = $state.raw<readonly string[]>([]);
  // views are the named views of the list of nodes.
  views = $state.raw<readonly View[]>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stored = '';
  #ready = false;

  #key(): string {
    return `ken.desk.${session.me?.user ?? ''}`;
  }

  // load shows what this browser remembers, then what the server has, if newer.
  async load(): Promise<void> {
    const mine = this.#local();
    if (mine) this.#show(mine);
    const shown = this.#text();
    try {
      const theirs = sound(await api(client.GET('/me/desktop')));
      // Who began to work meanwhile keeps what is on screen.
      if (theirs && theirs.at > (mine?.at ?? 0) && this.#text() === shown) this.#show(theirs);
    } catch {
      // Without the server the browser's own will do.
    }
    this.#ready = true;
    if (this.#text() !== shown) this.changed();
  }

  #save(): Layout {
    return save(windows.list, windows.area, this.icons, look.data, Date.now(), this.kept, this.views);
  }

  #text(): string {
    return JSON.stringify({ ...this.#save(), at: 0 });
  }

  #local(): Layout | null {
    try {
      return sound(JSON.parse(localStorage.getItem(this.#key()) ?? 'null'));
    } catch {
      return null;
    }
  }

  #show(layout: Layout): void {
    this.#open(layout.windows);
    const known = apps.map((a) => a.id as string);
    this.icons = [...layout.icons.filter((i) => known.includes(i)), ...known.filter((i) => !layout.icons.includes(i))];
    this.kept = layout.kept;
    this.views = layout.views;
    look.set(layout.look);
  }

  // keep has an app stay in the taskbar, or no longer.
  keep(id: string): void {
    this.kept = this.kept.includes(id) ? this.kept.filter((x) => x !== id) : [...this.kept, id];
  }

  // follow opens the windows of a link, and offers those that were there.
  follow(search: string): void {
    const found = linked(search);
    if (!found) return;
    const before = this.#save().windows;
    this.#open(found);
    toast(t.layoutOpened(found.length), before.length ? { action: { label: t.undo, run: () => this.#open(before) } } : {});
  }

  #open(saved: readonly SavedWindow[]): void {
    for (const w of windows.list) windows.close(w);
    for (const s of saved) this.#place(s);
  }

  #place(saved: SavedWindow): void {
    const win = windows.open(saved.app, { w: 800, h: 600 }, saved.params, { fresh: true });
    Object.assign(win, placed(saved, windows.area), { pinned: saved.pinned, title: t.apps[saved.app as keyof typeof t.apps] });
    if (saved.snap) windows.snap(win, saved.snap);
    win.min = saved.min;
  }

  // changed is called with every change, sixty times a second while a window
  // moves; a second after the last one it is stored, if it is another.
  changed(): void {
    if (!this.#ready) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#store(), wait);
  }

  async #store(): Promise<void> {
    const layout = this.#save();
    const text = JSON.stringify({ ...layout, at: 0 });
    if (text === this.#stored) return;
    this.#stored = text;
    try {
      localStorage.setItem(this.#key(), JSON.stringify(layout));
    } catch {
      // Storage is off: the server remembers.
    }
    try {
      await api(client.PUT('/me/desktop', { body: layout }));
    } catch {
      this.#stored = ''; // the next change tries again; this browser has it
    }
  }

  // leave keeps what a page that closes has not stored yet.
  leave(): void {
    if (!this.#ready) return;
    try {
      localStorage.setItem(this.#key(), JSON.stringify(this.#save()));
    } catch {
      // Storage is off: the last second is forgotten.
    }
  }

  reset(): void {
    const before = this.#save();
    for (const w of windows.list) windows.close(w);
    this.icons = apps.map((a) => a.id);
    this.kept = [];
    toast(t.resetDone, { action: { label: t.undo, run: () => this.#show(before) } });
  }
}

export const layouts = new Layouts();
