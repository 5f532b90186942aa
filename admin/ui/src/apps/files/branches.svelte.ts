// The folders in folders, for the tree: read once when a branch is opened. A
// folder of very many entries shows the folders among its first ones.
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { api, client } from '../../api/client';
import { comparer, row } from './order';
import type { Entry } from './types';

const most = 1000;

export class Branches {
  #known = new SvelteMap<string, readonly string[]>();
  #reading = new SvelteSet<string>();
  #stale = new Set<string>(); // changed while they were read

  constructor(private read: (path: string) => Promise<readonly Entry[]>) {}

  of(path: string): readonly string[] | undefined {
    return this.#known.get(path);
  }

  // leaf: there is nothing below it, as far as is known.
  leaf(path: string): boolean {
    return this.#known.get(path)?.length === 0;
  }

  want(path: string): void {
    if (!this.#known.has(path)) void this.#load(path);
  }

  // forget drops branches that changed; those in sight are read again.
  forget(folders: Iterable<string>, seen: (path: string) => boolean): void {
    for (const path of folders) {
      if (this.#reading.has(path)) this.#stale.add(path);
      else if (seen(path)) void this.#load(path);
      else this.#known.delete(path);
    }
  }

  async #load(path: string): Promise<void> {
    if (this.#reading.has(path)) return;
    this.#reading.add(path);
    try {
      const folders = (await this.read(path)).filter((e) => e.dir).map(row);
      this.#known.set(path, folders.sort(comparer({ by: 'name', down: false })).map((r) => r.entry.path));
    } catch {
      this.#known.delete(path); // the list beside the tree says why
    } finally {
      this.#reading.delete(path);
    }
    if (this.#stale.delete(path)) await this.#load(path);
  }
}

export const branches = new Branches(async (path) => (await api(client.GET('/fs/entries', { params: { query: { path, limit: most } } }))).items);
