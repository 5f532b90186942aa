// The cache of what the server said. All windows that ask for the same thing
// share one entry; messages of the live stream make an entry read itself again
// or change it in place. It knows the states that DataState shows.
import { untrack } from 'svelte';
import { live } from './live.svelte';
import { problemOf, type Problem } from './problem';

type Loader<T> = (signal: AbortSignal) => Promise<T>;

export type Options<T> = {
  // topics of the live stream after which the data is read again
  topics?: readonly string[];
  // merge answers the new data from a live message, or undefined to read again
  merge?: (old: T, topic: string, message: unknown) => T | undefined;
  // every this many ms it is read again, as long as the page is seen
  every?: number;
};

const keepFor = 60_000;
const gather = 250; // live messages within this time cause one reading
const patience = 30_000; // a reading that takes longer than this gives way to the next
const missedMost = 1000; // live messages kept while a reading is under way

// Entry is what is known of one key, and who shows it.
export class Entry<T> {
  data = $state.raw<T | undefined>(undefined);
  error = $state.raw<Problem | null>(null);
  loading = $state(false);
  // at is when the data was read, in ms.
  at = $state(0);
  // loads are those of the components that show it, the newest last: a component
  // that went on to something else must not read for those that stay.
  #loads: Loader<T>[] = [];
  #abort: AbortController | null = null;
  #began = 0;
  // again: what is being read may be old already
  #again = false;
  #missed: [topic: string, message: unknown][] = [];
  #soon: ReturnType<typeof setTimeout> | undefined;
  #drop: ReturnType<typeof setTimeout> | undefined;
  #stops: (() => void)[] = [];

  constructor(
    readonly key: string,
    private options: Options<T>,
  ) {}

  get used(): boolean {
    return this.#loads.length > 0;
  }

  use(load: Loader<T>, options: Options<T> = this.options): void {
    clearTimeout(this.#drop);
    this.#loads.push(load);
    if (this.#loads.length > 1) return;
    this.options = options;
    for (const topic of this.options.topics ?? []) this.#stops.push(live.on(topic, (m) => this.#hear(topic, m)));
    this.#stops.push(live.onReset(() => this.later()));
    if (this.options.every) {
      const timer = setInterval(() => !document.hidden && !this.#reading() && void this.refresh(), this.options.every);
      this.#stops.push(() => clearInterval(timer));
    }
    void this.refresh();
  }

  release(load: Loader<T>): void {
    const at = this.#loads.lastIndexOf(load);
    if (at >= 0) this.#loads.splice(at, 1);
    if (this.used) return;
    for (const stop of this.#stops.splice(0)) stop();
    clearTimeout(this.#soon);
    // Another one may have its key by then.
    this.#drop = setTimeout(() => entries.get(this.key) === (this as unknown) && entries.delete(this.key), keepFor);
  }

  // later reads again soon; after a reading that is under way, never instead of
  // it, or what comes faster than it is read would never be read.
  later(): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => {
      if (this.#reading()) this.#again = true;
      else void this.refresh();
    }, gather);
  }

  #reading(): boolean {
    return this.loading && Date.now() - this.#began < patience;
  }

  async refresh(): Promise<void> {
    const load = this.#loads.at(-1);
    if (!load) return;
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.#began = Date.now();
    this.#again = false;
    this.#missed = [];
    this.loading = true;
    try {
      const data = await load(abort.signal);
      if (this.#abort === abort) this.set(this.#caughtUp(data));
    } catch (cause) {
      if (this.#abort === abort) this.error = problemOf(cause);
    } finally {
      if (this.#abort === abort) {
        this.loading = false;
        if (this.#again && this.used) this.later();
      }
    }
  }

  // caughtUp puts what the stream told meanwhile into data, which may be older.
  #caughtUp(data: T): T {
    for (const [topic, message] of this.#missed) {
      const next = this.options.merge?.(data, topic, message);
      if (next === undefined) this.#again = true;
      else data = next;
    }
    return data;
  }

  set(data: T): void {
    this.data = data;
    this.error = null;
    this.at = Date.now();
  }

  #hear(topic: string, message: unknown): void {
    if (!this.options.merge) return this.later();
    if (this.loading) {
      if (this.#missed.length < missedMost) this.#missed.push([topic, message]);
      else this.#again = true;
      if (this.data === undefined) return;
    }
    const next = this.data === undefined ? undefined : this.options.merge(this.data, topic, message);
    if (next === undefined) this.later();
    else this.set(next);
  }
}

const entries = new Map<string, Entry<unknown>>();

function entry<T>(key: string, options: Options<T>): Entry<T> {
  let e = entries.get(key) as Entry<T> | undefined;
  if (!e) entries.set(key, (e = new Entry<T>(key, options)) as unknown as Entry<unknown>);
  return e;
}

// Query is what DataState wants to know.
export type Query<T> = {
  readonly data: T | undefined;
  readonly error: Problem | null;
  readonly loading: boolean;
  readonly at: number;
  refresh: () => Promise<void>;
  // set shows data before the server confirms it.
  set: (data: T) => void;
};

// query reads key's data while the component that calls it lives. The key is a
// function: when what it reads changes, the query follows. An empty key reads nothing.
export function query<T>(key: () => string, load: Loader<T>, options: Options<T> = {}): Query<T> {
  let e = $state.raw<Entry<T> | null>(null);
  $effect.pre(() => {
    const k = key();
    if (!k) {
      e = null;
      return;
    }
    const mine = untrack(() => entry<T>(k, options));
    e = mine;
    untrack(() => mine.use(load, options));
    return () => mine.release(load);
  });
  return {
    get data() {
      return e?.data;
    },
    get error() {
      return e?.error ?? null;
    },
    get loading() {
      return e?.loading ?? false;
    },
    get at() {
      return e?.at ?? 0;
    },
    refresh: async () => void (await e?.refresh()),
    set: (data) => e?.set(data),
  };
}

// invalidate reads again whatever is on screen whose key starts so.
export function invalidate(prefix: string): void {
  for (const [key, e] of entries) {
    if (!key.startsWith(prefix)) continue;
    if (e.used) e.later();
    else entries.delete(key);
  }
}
