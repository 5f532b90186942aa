// What is in one folder: read in pages, each shown as soon as it is there, in
// the order that the person chose.
import { problemOf, type Problem } from '../../api/problem';
import { comparer, merge, row, type Order, type Row } from './order';
import { Large, type ReadIndex } from './large.svelte';
import type { Entry } from './types';

export type Page = { dir: Entry; items: Entry[]; next_cursor?: string };
export type ReadPage = (path: string, cursor: string | undefined, limit: number, signal: AbortSignal) => Promise<Page>;

const firstPage = 200; // soon on screen
// wholeMost is what is held and sorted here; of a larger folder only what is looked at is held.
export const wholeMost = 100_000;
const otherPages = 1000;

export class Folder {
  rows = $state.raw<readonly Row<Entry>[]>([]);
  dir = $state.raw<Entry | undefined>(undefined);
  error = $state.raw<Problem | null>(null);
  loading = $state(false);
  // complete: rows is all there is
  complete = $state(false);
  at = $state(0);
  // large: the folder has too many entries to hold; they come in the order of the drive
  large = $state.raw<Large | null>(null);
  path = $state('');
  #abort: AbortController | null = null;
  #order = $state.raw<Order>({ by: 'name', down: false });

  constructor(
    private read: ReadPage,
    private index: ReadIndex | null = null,
  ) {}

  // data is what DataState wants to see: the rows, once there is a first page.
  get data(): readonly Row<Entry>[] | undefined {
    return this.dir ? this.rows : undefined;
  }

  get order(): Order {
    return this.#order;
  }

  // open leaves the folder shown for another one.
  open(path: string): Promise<void> {
    this.path = path;
    this.rows = [];
    this.dir = undefined;
    this.error = null;
    this.complete = false;
    this.#leave();
    return this.refresh();
  }

  close(): void {
    this.#abort?.abort();
    this.#leave();
  }

  #leave(): void {
    this.large?.close();
    this.large = null;
  }

  // refresh reads again; what is on screen stays until all is read.
  refresh = async (): Promise<void> => {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    const fresh = this.dir === undefined;
    this.loading = true;
    try {
      if (this.large) await this.large.refresh(abort.signal);
      else await this.#pages(abort.signal, fresh);
      this.error = null;
      this.at = Date.now();
    } catch (cause) {
      if (!abort.signal.aborted) this.error = problemOf(cause);
    } finally {
      if (this.#abort === abort) this.loading = false;
    }
  };

  async #pages(signal: AbortSignal, fresh: boolean): Promise<void> {
    let rows: Row<Entry>[] = [];
    let cursor: string | undefined;
    let counted = !fresh;
    let uncounted: Problem | null = null;
    do {
      const page = await this.read(this.path, cursor, cursor ? otherPages : firstPage, signal);
      signal.throwIfAborted();
      const compare = comparer<Entry>(this.#order);
      rows = merge(rows, page.items.map(row).sort(compare), compare);
      cursor = page.next_cursor || undefined;
      if (!fresh && cursor) continue;
      this.rows = rows;
      this.dir = page.dir;
      if (cursor && !counted && this.index) {
        counted = true;
        const answer = await this.#tooLarge(signal);
        if (answer === true) return;
        if (answer !== false) uncounted = answer;
      }
      if (uncounted && rows.length > wholeMost) throw uncounted;
    } while (cursor);
    this.complete = true;
  }

  // tooLarge counts the entries, and shows a folder of too many by parts. What
  // could not be counted is read as far as it can be held.
  async #tooLarge(signal: AbortSignal): Promise<boolean | Problem> {
    const large = new Large(this.path, this.read, this.index as ReadIndex);
    try {
      if ((await large.count(signal, wholeMost)) <= wholeMost) return false;
    } catch (cause) {
      signal.throwIfAborted();
      return problemOf(cause);
    }
    this.large = large;
    this.rows = [];
    this.complete = true;
    return true;
  }

  // set shows rows before the server confirms them.
  set = (rows: readonly Row<Entry>[]): void => void (this.rows = rows);

  sort(order: Order): void {
    const changed = order.by !== this.#order.by || order.down !== this.#order.down;
    this.#order = order;
    if (!changed) return;
    if (this.large) return;
    this.rows = [...this.rows].sort(comparer(order));
    if (this.loading) void this.refresh(); // pages under way are in the old order
  }

  // replace changes one row in place, before the server is read again.
  replace(path: string, entry: Entry | null): void {
    const rows = this.rows.filter((r) => r.entry.path !== path);
    const compare = comparer<Entry>(this.#order);
    this.rows = entry ? merge(rows, [row(entry)], compare) : rows;
  }

  has(name: string): boolean {
    return this.large ? this.large.loaded.some((e) => e.name === name) : this.rows.some((r) => r.entry.name === name);
  }
}
