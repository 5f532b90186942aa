// A list that the server gives in pages, read on as one scrolls. It is a Query
// for DataState and a Source for DataGrid.
import { problemOf, type Problem } from '../api/problem';
import type { Query } from '../api/query.svelte';
import type { Source } from '../ui/grid/types';

export type Page<T> = { items: T[]; next_cursor?: string; as_of?: string; stale?: boolean };
type Load<T> = (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>;

// most bounds what one list holds; who wants more filters.
const most = 20_000;

export class Pages<T> implements Query<Page<T>> {
  data = $state.raw<Page<T> | undefined>(undefined);
  error = $state.raw<Problem | null>(null);
  loading = $state(false);
  at = $state(0);
  #abort: AbortController | null = null;

  constructor(private readonly load: Load<T>) {}

  set(data: Page<T>): void {
    this.data = data;
    this.error = null;
    this.at = Date.now();
  }

  // refresh reads the first page again.
  async refresh(): Promise<void> {
    await this.#read(undefined);
  }

  // restart forgets what was read: something else is asked for now.
  restart(): void {
    this.data = undefined;
    this.error = null;
    void this.#read(undefined);
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.loading = false;
  }

  // more reads the next page, when there is one. After a fault it waits for
  // somebody to ask: a list that is in sight would ask again without end.
  more(): void {
    if (!this.loading && !this.error && !this.complete) void this.#read(this.data?.next_cursor);
  }

  get complete(): boolean {
    return !this.data?.next_cursor || this.data.items.length >= most;
  }

  async #read(cursor: string | undefined): Promise<void> {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.loading = true;
    try {
      const page = await this.load(cursor, abort.signal);
      if (this.#abort !== abort) return;
      const before = cursor ? (this.data?.items ?? []) : [];
      this.set({ ...page, items: [...before, ...page.items] });
    } catch (cause) {
      if (this.#abort === abort) this.error = problemOf(cause);
    } finally {
      if (this.#abort === abort) this.loading = false;
    }
  }

  // prepend puts a new item on top: a list that is followed live.
  prepend(item: T): void {
    if (this.data) this.set({ ...this.data, items: [item, ...this.data.items].slice(0, most) });
  }

  // source has one row more than was read while there is more to read.
  source(): Source<T> {
    const items = this.data?.items ?? [];
    return {
      count: items.length + (this.complete ? 0 : 1),
      at: (i) => items[i],
      want: (_, to) => {
        if (to > items.length) this.more();
      },
    };
  }
}

// pages reads a list while its component lives; when the key changes it starts
// over, when the key is empty it reads nothing.
export function pages<T>(key: () => string, load: Load<T>): Pages<T> {
  const list = new Pages(load);
  $effect(() => {
    if (!key()) return;
    list.restart();
    return () => list.stop();
  });
  return list;
}
