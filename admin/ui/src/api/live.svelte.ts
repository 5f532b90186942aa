// The live stream: one per tab, shared by everything on screen. It is read with
// fetch and not with EventSource, because the page must see the server's pings
// to know that it is not blind, must send Last-Event-ID after its own back-off,
// and must see a 401.
import { base } from './client';
import { session } from './session.svelte';
import { backoff, Parser, type Event } from './sse';

export type LiveState = 'idle' | 'connecting' | 'live' | 'lost' | 'paused';

type Listener = (data: unknown) => void;

const silentAfter = 35_000; // two pings of 15 s are missing
const hiddenFor = 5 * 60_000;
const settle = 200; // a window that opens adds its topic: wait for its neighbours

export class Live {
  state = $state<LiveState>('idle');
  // awake: it is heard even while nobody sees the page, for who wants to be told
  awake = false;
  // heard is when the server last said anything, in ms.
  heard = $state(0);
  #listeners = new Map<string, Set<Listener>>();
  #everything = new Set<() => void>();
  #abort: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #hidden: ReturnType<typeof setTimeout> | undefined;
  #lastId = '';
  #tries = 0;
  #wanted = false;
  #broken = false;
  #sleeping = false;

  // on calls fn with each message of a topic; the answer ends it.
  on(topic: string, fn: Listener): () => void {
    const set = this.#listeners.get(topic) ?? new Set();
    const fresh = set.size === 0;
    this.#listeners.set(topic, set.add(fn));
    if (fresh && this.#wanted) this.#soon(settle);
    return () => {
      set.delete(fn);
      if (set.size === 0) this.#listeners.delete(topic);
    };
  }

  // onReset calls fn when messages were missed: everything must be read again.
  onReset(fn: () => void): () => void {
    this.#everything.add(fn);
    return () => this.#everything.delete(fn);
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    document.addEventListener('visibilitychange', this.#visibility);
    this.#soon(0);
  }

  stop(): void {
    this.#wanted = false;
    document.removeEventListener('visibilitychange', this.#visibility);
    clearTimeout(this.#hidden);
    this.#sleeping = false;
    this.#close();
    this.state = 'idle';
  }

  pause(): void {
    this.#close();
    this.state = 'paused';
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'connecting';
    this.#reset();
    this.#soon(0);
  }

  // retry does not wait for the back-off.
  retry(): void {
    this.#tries = 0;
    this.#soon(0);
  }

  #visibility = (): void => {
    clearTimeout(this.#hidden);
    if (document.hidden) {
      this.#hidden = setTimeout(() => {
        if (this.awake) return;
        this.#sleeping = true;
        this.#close();
        if (this.state !== 'paused') this.state = 'lost';
      }, hiddenFor);
    } else if (this.#sleeping) {
      this.#sleeping = false;
      if (this.state !== 'paused') this.#soon(0);
    }
  };

  #close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    this.#abort?.abort();
    this.#abort = null;
  }

  #soon(wait: number): void {
    if (this.state === 'paused' || !this.#wanted || this.#sleeping) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), wait);
  }

  async #run(): Promise<void> {
    this.#close();
    const abort = (this.#abort = new AbortController());
    // What was lost stays lost until it is live again: a try is no proof.
    if (this.state === 'idle') this.state = 'connecting';
    try {
      await this.#read(abort);
    } catch (cause) {
      if (this.#abort !== abort) return; // replaced or closed on purpose
      if (!(cause instanceof TypeError) && !(cause instanceof DOMException)) console.warn('live updates:', cause);
    }
    if (this.#abort !== abort) return;
    this.#abort = null;
    clearTimeout(this.#watchdog);
    this.state = 'lost';
    this.#broken = true;
    this.#soon(backoff(this.#tries++));
  }

  async #read(abort: AbortController): Promise<void> {
    const topics = [...this.#listeners.keys()].sort().join(',');
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (this.#lastId) headers['Last-Event-ID'] = this.#lastId;
    this.#watch(abort);
    const response = await fetch(`${base}/live?topics=${encodeURIComponent(topics)}`, { headers, signal: abort.signal });
    if (response.status === 401 && session.me?.signed_in) await session.lock();
    if (!response.ok || !response.body) throw new TypeError(`live: ${response.status}`);
    const parser = new Parser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    // After a break, or when there is nothing to resume from, whatever is on
    // screen is read again: the server may be another one by now.
    if (this.#broken || (this.heard && !this.#lastId)) this.#reset();
    this.#broken = false;
    this.state = 'live';
    this.#tries = 0;
    for (;;) {
      this.heard = Date.now();
      this.#watch(abort);
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of parser.push(value)) this.#take(event);
    }
  }

  #watch(abort: AbortController): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => abort.abort(), silentAfter);
  }

  #take(event: Event): void {
    if (event.id) this.#lastId = event.id;
    if (event.topic === 'reset') return this.#reset();
    const data = JSON.parse(event.data) as unknown;
    for (const fn of this.#listeners.get(event.topic) ?? []) fn(data);
  }

  #reset(): void {
    for (const fn of this.#everything) fn();
  }
}

export const live = new Live();
