// One window of Files: where it is, what it shows and what is selected.
import { api, client } from '../../api/client';
import { problemOf, type Problem } from '../../api/problem';
import { Folder, type ReadPage } from './folder.svelte';
import type { ReadIndex } from './large.svelte';
import { onChanged } from './changes';
import { comparer, row } from './order';
import { base, join, parent, root } from './paths';
import { back, begin, forward, go, type Trail } from './trail';
import type { Entry } from './types';

export type Found = { text: string; items: readonly Entry[]; complete: boolean; seen: number };

const entriesOf: ReadPage = (path, cursor, limit, signal) => api(client.GET('/fs/entries', { params: { query: { path, limit, cursor } }, signal }));

const indexOf: ReadIndex = (path, cursor, signal) => api(client.GET('/fs/index', { params: { query: { path, cursor } }, signal }));

export class Browser {
  folder = new Folder(
    (...of) => this.read(...of),
    (...of) => this.index(...of),
  );
  trail = $state.raw<Trail>(begin(root));
  // selected holds paths
  selected = $state.raw<ReadonlySet<string>>(new Set<string>());
  // renaming is the path whose name is being edited
  renaming = $state<string | null>(null);
  text = $state('');
  found = $state.raw<Found | null>(null);
  searching = $state(false);
  searchError = $state.raw<Problem | null>(null);
  // entries are what is on screen, in its order
  entries = $derived<readonly Entry[]>(
    this.folder.large && !this.found ? this.folder.large.loaded : (this.found ? this.found.items.map(row).sort(comparer<Entry>(this.folder.order)) : this.folder.rows).map((r) => r.entry),
  );
  chosen = $derived<readonly Entry[]>(this.selected.size === 0 ? [] : this.entries.filter((e) => this.selected.has(e.path)));
  #abort: AbortController | null = null;
  #after: string | null = null;
  #dirty = false;
  #following = false;

  // large: the folder on screen is shown by parts
  large = $derived(this.found ? null : this.folder.large);

  constructor(
    private read: ReadPage = entriesOf,
    private index: ReadIndex = indexOf,
  ) {}

  get path(): string {
    return this.trail.here;
  }

  // listen follows changes made anywhere on this page.
  listen(): () => void {
    const stop = onChanged((folders) => {
      if (folders.has(this.path)) void this.#follow();
    });
    return () => {
      stop();
      this.folder.close();
      this.#abort?.abort();
    };
  }

  go(path: string): void {
    // Where a window begins is no step that one could take back.
    this.#to(this.folder.path ? go(this.trail, path) : begin(path));
  }

  back(): void {
    this.#to(back(this.trail));
  }

  forward(): void {
    this.#to(forward(this.trail));
  }

  // up goes to the folder above and selects the one it came from.
  up(): void {
    if (this.path === root) return;
    this.#after = this.path;
    this.go(parent(this.path));
  }

  // show goes to an entry's folder and selects it.
  show(path: string): void {
    this.#after = path;
    this.go(parent(path));
    this.#settle();
  }

  #to(trail: Trail): void {
    if (trail === this.trail && this.folder.path === trail.here) return this.endSearch();
    this.trail = trail;
    this.selected = new Set();
    this.renaming = null;
    this.endSearch();
    void this.folder.open(trail.here).then(() => this.#settle());
  }

  #settle(): void {
    const path = this.#after;
    if (path === null || parent(path) !== this.path || this.folder.loading) return;
    this.#after = null;
    if (this.folder.has(base(path))) this.selected = new Set([path]);
  }

  // follow reads the folder again, and once more for what changed meanwhile: a
  // hundred arriving files must not start a long reading over a hundred times.
  async #follow(): Promise<void> {
    this.#dirty = true;
    if (this.#following) return;
    this.#following = true;
    while (this.#dirty) {
      this.#dirty = false;
      await this.reload();
    }
    this.#following = false;
  }

  async reload(): Promise<void> {
    if (this.found) void this.search(this.found.text);
    await this.folder.refresh();
    this.#keepShown();
    this.#settle();
  }

  // What is not on screen is not selected: it would be dragged along unseen.
  #keepShown(): void {
    const there = new Set(this.entries.map((e) => e.path));
    const left = [...this.selected].filter((p) => there.has(p));
    if (left.length !== this.selected.size) this.selected = new Set(left);
  }

  // arrive makes an entry that was just made or renamed the selected one.
  arrive(entry: Entry, was: string | null): void {
    if (!this.found && parent(entry.path) === this.path) {
      if (was) this.folder.replace(was, null);
      this.folder.replace(entry.path, entry);
    }
    this.selected = new Set([entry.path]);
  }

  free(name: string, another: (n: number) => string): string {
    let n = 1;
    let out = name;
    while (this.folder.has(out)) out = another(++n);
    return join(this.path, out);
  }

  async search(text: string): Promise<void> {
    this.#abort?.abort();
    if (text.trim() === '') return this.endSearch();
    const abort = (this.#abort = new AbortController());
    this.searching = true;
    try {
      const r = await api(client.GET('/fs/search', { params: { query: { path: this.path, text } }, signal: abort.signal }));
      if (abort.signal.aborted) return;
      this.found = { text, ...r };
      this.#keepShown();
      this.searchError = null;
    } catch (cause) {
      if (!abort.signal.aborted) this.searchError = problemOf(cause);
    } finally {
      if (this.#abort === abort) this.searching = false;
    }
  }

  endSearch(): void {
    this.#abort?.abort();
    this.searching = false;
    this.searchError = null;
    this.text = '';
    if (this.found) this.selected = new Set();
    this.found = null;
  }
}
