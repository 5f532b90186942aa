// A folder of more entries than a page can hold. Where its pages begin is asked
// for once; of the pages themselves the last ones looked at are held. It is a
// Source for DataGrid, in the drive's own order.
import type { ReadPage } from './folder.svelte';
import type { Entry } from './types';

export type Index = { count: number; cursors: string[]; next_cursor?: string };
export type ReadIndex = (path: string, cursor: string | undefined, signal: AbortSignal) => Promise<Index>;

export const pageSize = 1000; // as the index counts
export const pagesHeld = 24;
// shownMost: browsers cannot scroll further than 33,554,432 px.
export const shownMost = 1_100_000;
export const rowHeight = 28;
const settle = 60; // ms in sight, so that dragging the bar past a page does not read it
const indexAgain = 10_000; // ms between two counts

export class Large {
  total = $state(0);
  // more: there are more than are shown
  more = $state(false);
  #pages = $state.raw<ReadonlyMap<number, readonly Entry[]>>(new Map());
  #cursors: string[] = [];
  #used: number[] = []; // pages, the last one looked at last
  #wanted: [number, number] = [0, 0];
  #reading = new Map<number, AbortController>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #counted = 0;
  #closed = false;

  constructor(
    readonly path: string,
    private read: ReadPage,
    private index: ReadIndex,
    private now: () => number = Date.now,
  ) {}

  // loaded are the entries that are held now.
  get loaded(): Entry[] {
    return [...this.#pages.keys()].sort((a, b) => a - b).flatMap((k) => this.#pages.get(k) ?? []);
  }

  get held(): number {
    return this.#pages.size;
  }

  // count counts the entries; of fewer than enough it may stop there.
  async count(signal: AbortSignal, enough = 0): Promise<number> {
    const cursors: string[] = [];
    let total = 0;
    let cursor: string | undefined;
    do {
      const part = await this.index(this.path, cursor, signal);
      signal.throwIfAborted();
      total += part.count;
      cursors.push(...part.cursors);
      cursor = part.next_cursor;
    } while (cursor && total < shownMost);
    this.#counted = this.now();
    if (total <= enough) return total;
    this.more = total > shownMost || cursor !== undefined;
    this.#cursors = cursors;
    this.total = Math.min(total, shownMost);
    return total;
  }

  // refresh reads again what is in sight, and counts again now and then.
  async refresh(signal: AbortSignal): Promise<void> {
    if (this.now() - this.#counted >= indexAgain) await this.count(signal);
    const [from, to] = this.#wanted;
    for (const k of this.#used.filter((k) => !this.#inSight(k))) this.#forget(k);
    await Promise.all(this.#pagesOf(from, to).map((k) => this.#load(k)));
  }

  at = (i: number): Entry | undefined => this.#pages.get(Math.floor(i / pageSize))?.[i % pageSize];

  want = (from: number, to: number): void => {
    this.#wanted = [from, to];
    clearTimeout(this.#timer);
    for (const [k, abort] of this.#reading) if (!this.#inSight(k)) abort.abort();
    const missing = this.#pagesOf(from, to).filter((k) => !this.#pages.has(k) && !this.#reading.has(k));
    for (const k of this.#pagesOf(from, to)) this.#touch(k);
    if (missing.length === 0 || this.#closed) return;
    // The first time nothing is on screen yet: at once.
    if (this.#pages.size === 0) missing.forEach((k) => void this.#load(k));
    else this.#timer = setTimeout(() => missing.forEach((k) => this.#inSight(k) && void this.#load(k)), settle);
  };

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const abort of this.#reading.values()) abort.abort();
  }

  #pagesOf(from: number, to: number): number[] {
    const last = Math.min(to, this.total) - 1;
    const out: number[] = [];
    for (let k = Math.floor(from / pageSize); k * pageSize <= last; k++) out.push(k);
    return out;
  }

  #inSight(k: number): boolean {
    return k * pageSize < this.#wanted[1] && (k + 1) * pageSize > this.#wanted[0];
  }

  #touch(k: number): void {
    if (this.#used.at(-1) === k) return;
    this.#used = [...this.#used.filter((x) => x !== k), k];
  }

  #forget(k: number): void {
    const pages = new Map(this.#pages);
    pages.delete(k);
    this.#pages = pages;
    this.#used = this.#used.filter((x) => x !== k);
  }

  async #load(k: number): Promise<void> {
    const cursor = k === 0 ? undefined : this.#cursors[k - 1];
    if (k > 0 && cursor === undefined) return;
    this.#reading.get(k)?.abort();
    const abort = new AbortController();
    this.#reading.set(k, abort);
    try {
      const page = await this.read(this.path, cursor, pageSize, abort.signal);
      abort.signal.throwIfAborted();
      this.#keep(k, page.items);
    } catch {
      // Broken off, or nobody answers: it is read when it is in sight again.
    } finally {
      if (this.#reading.get(k) === abort) this.#reading.delete(k);
    }
  }

  #keep(k: number, items: readonly Entry[]): void {
    const pages = new Map(this.#pages).set(k, items);
    this.#touch(k);
    while (this.#used.length > pagesHeld) pages.delete(this.#used.shift() ?? -1);
    this.#pages = pages;
  }
}
