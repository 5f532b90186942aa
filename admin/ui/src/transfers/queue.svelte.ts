// All uploads of this page: three at a time, in the order they were given. It
// pauses, goes on where the server says that it is, waits out breaks and asks
// when a name is taken.
import { Problem, problemOf } from '../api/problem';
import { backoff } from '../api/sse';
import { changed } from '../apps/files/changes';
import { fault, join, names, parent } from '../apps/files/paths';
import { passing, told } from './failure';
import { makeFolders } from './folders';
import { Over } from './over';
import { Rate } from './rate';
import { Transfer, type Policy, type Question } from './transfer.svelte';
import { Turns } from './turns';
import { OffsetProblem, wire as real, type Upload, type Wire } from './wire';
import type { Found } from './walk';

const atOnce = 3;
const piece = 8 << 20;
const triesMost = 10;
const namesMost = 1000;

export class Transfers {
  // list has all that are not over, and the last of those that are
  list = $state.raw<readonly Transfer[]>([]);
  // question is the one that waits for decide
  question = $state.raw<Question | null>(null);
  total = $state(0);
  sent = $state(0);
  counts = $state<Record<string, number>>({});
  readonly rate = new Rate();
  #running = 0;
  #next = 1;
  #turns = new Turns<Transfer>();
  #over = new Over();
  #asking: Transfer[] = [];
  #timers = new Map<Transfer, ReturnType<typeof setTimeout>>();

  constructor(
    private wire: Wire = real,
    private now: () => number = () => performance.now(),
  ) {}

  // open counts what is not over: what leaving the page would break off.
  get open(): number {
    const c = this.counts;
    return (c.waiting ?? 0) + (c.sending ?? 0) + (c.asking ?? 0) + (c.paused ?? 0) + (c.retrying ?? 0);
  }

  // left is the time until all is sent, in seconds; null while it is not known.
  left = (): number | null => this.rate.left(this.total - this.sent, this.now());

  // add takes what was dropped on, or chosen for, the folder dir.
  add(dir: string, found: Pick<Found, 'files' | 'folders'>): void {
    const batch = { policy: 'ask' as Policy };
    const fresh = found.files.map(({ path, file }) => new Transfer(this.#next++, join(dir, path), file, batch));
    for (const t of fresh) {
      this.total += t.size;
      this.#count('waiting', 1);
    }
    this.list = [...this.list, ...fresh];
    if (found.folders.length) void makeFolders(this.wire, dir, found.folders);
    this.#pump();
  }

  pause(t: Transfer): void {
    if (t.state !== 'sending' && t.state !== 'waiting' && t.state !== 'retrying') return;
    this.#set(t, 'paused');
    this.#stop(t);
  }

  // resume goes on with what was paused or has failed.
  resume(t: Transfer): void {
    if (t.state !== 'paused' && t.state !== 'failed' && t.state !== 'retrying') return;
    t.tries = 0;
    t.problem = null;
    this.#wait(t);
    this.#pump();
  }

  cancel(t: Transfer): void {
    this.#cancel(t);
    this.#unask(t);
    this.#pump();
  }

  #cancel(t: Transfer): void {
    if (t.over) return;
    this.#set(t, 'cancelled');
    this.#stop(t);
    this.total -= t.size;
    this.#progress(t, 0);
    if (t.upload) void this.wire.cancel(t.upload).catch(() => undefined); // the server gives it up by itself
    t.upload = null;
  }

  pauseAll = (): void => this.list.forEach((t) => this.pause(t));
  resumeAll = (): void => this.list.forEach((t) => this.resume(t));

  cancelAll(): void {
    for (const t of this.list) this.#cancel(t);
    this.#asking = [];
    this.question = null;
  }

  // retryNow is for when the network came back.
  retryNow(): void {
    for (const t of this.list) if (t.state === 'retrying') this.resume(t);
  }

  // clear forgets what is over.
  clear(): void {
    for (const state of ['done', 'skipped', 'cancelled']) this.counts[state] = 0;
    this.total -= this.#over.bytes;
    this.sent -= this.#over.bytes;
    this.#over.clear();
    this.#keep((t) => !t.over);
  }

  #keep(which: (t: Transfer) => boolean): void {
    this.list = this.list.filter(which);
    this.#turns.restart();
  }

  // decide answers the question, for this file or for all of its batch.
  decide(policy: Exclude<Policy, 'ask'>, all: boolean): void {
    const q = this.question;
    if (!q) return;
    if (all) q.transfer.batch.policy = policy;
    const answered = this.#asking.filter((t) => t === q.transfer || (all && t.batch === q.transfer.batch));
    this.#unask(...answered);
    for (const t of answered) this.#apply(t, policy);
    this.#pump();
  }

  #apply(t: Transfer, policy: Exclude<Policy, 'ask'>): void {
    if (policy === 'skip') {
      this.total -= t.size;
      return this.#set(t, 'skipped');
    }
    if (policy === 'replace') t.replace = true;
    else t.rename();
    this.#wait(t);
  }

  #count(state: string, by: number): void {
    this.counts[state] = (this.counts[state] ?? 0) + by;
  }

  #set(t: Transfer, state: Transfer['state']): void {
    this.#count(t.state, -1);
    this.#count(state, 1);
    t.state = state;
    const forget = t.over && this.#over.add(t);
    if (forget) this.#keep((x) => !forget.has(x));
    if (!this.counts.sending) this.rate.stop();
  }

  #wait(t: Transfer): void {
    clearTimeout(this.#timers.get(t));
    this.#timers.delete(t);
    this.#set(t, 'waiting');
    this.#turns.back(t);
  }

  #stop(t: Transfer): void {
    clearTimeout(this.#timers.get(t));
    this.#timers.delete(t);
    t.abort?.abort();
    t.rate.stop();
  }

  #progress(t: Transfer, sent: number): void {
    const step = sent - t.sent;
    t.sent = sent;
    this.sent += step;
    if (t.state !== 'sending') return;
    t.rate.add(Math.max(0, step), this.now());
    this.rate.add(Math.max(0, step), this.now());
  }

  // What was broken off keeps its place: while nobody answers, three wait and
  // not a hundred thousand.
  #pump(): void {
    while (this.#running + (this.counts.retrying ?? 0) < atOnce) {
      const t = this.#turns.next(this.list, (x) => x.state === 'waiting');
      if (!t) return;
      void this.#run(t);
    }
  }

  async #run(t: Transfer): Promise<void> {
    this.#running++;
    this.#set(t, 'sending');
    const abort = (t.abort = new AbortController());
    this.#progress(t, t.sent); // starts the clocks
    try {
      await this.#send(t, abort.signal);
      if (t.state !== 'cancelled') this.#set(t, 'done'); // one that arrived while it was cancelled is there
      t.upload = null;
      changed(parent(t.path));
    } catch (cause) {
      if (!abort.signal.aborted) this.#failed(t, cause);
    } finally {
      this.#running--;
      t.rate.stop();
      this.#pump();
    }
  }

  async #send(t: Transfer, signal: AbortSignal): Promise<void> {
    const bad = names(t.path).map(fault).find((f) => f !== null);
    if (bad) throw new Problem(400, `name_${bad}`, '', `name_${bad}`);
    let up = await this.#begin(t, signal);
    for (;;) {
      if (up.done) return void (t.state !== 'cancelled' && this.#progress(t, t.size));
      signal.throwIfAborted();
      this.#progress(t, up.offset);
      const from = up.offset;
      const blob = t.file.slice(from, Math.min(from + piece, t.size));
      try {
        up = await this.wire.send(up.id, from, blob, (n) => !signal.aborted && this.#progress(t, from + Math.min(n, blob.size)), signal);
        if (up.offset > from) t.tries = 0;
      } catch (cause) {
        // A file that changed or went away looks like a broken line: reading tells.
        if (cause instanceof Problem && cause.unreachable) await blob.slice(0, 1).arrayBuffer();
        if (!(cause instanceof OffsetProblem) || ++t.tries > triesMost) throw cause;
        up = { ...up, offset: cause.offset };
      }
    }
  }

  async #begin(t: Transfer, signal: AbortSignal): Promise<Upload> {
    if (t.upload) {
      try {
        return await this.wire.status(t.upload);
      } catch (cause) {
        if (!problemOf(cause).missing) throw cause;
        t.upload = null; // given up by the server: from the start
      }
    }
    const up = await this.wire.begin(t.path, t.file, t.replace);
    // Cancelled, or begun a second time meanwhile: this one is nobody's.
    const left = t.state === 'cancelled' || t.abort?.signal !== signal;
    if (left) void this.wire.cancel(up.id).catch(() => undefined);
    else t.upload = up.id;
    return up;
  }

  #failed(t: Transfer, cause: unknown): void {
    const p = told(cause);
    t.problem = p;
    if (p.code === 'exists') return this.#taken(t);
    // Where nobody answers, nothing was refused: that is waited out for as long as it takes.
    if (passing(p) && !(p.missing && !t.upload) && (++t.tries <= triesMost || p.unreachable)) {
      this.#set(t, 'retrying');
      this.#timers.set(t, setTimeout(() => this.#again(t), backoff(t.tries - 1)));
      return;
    }
    this.#set(t, 'failed');
  }

  #again(t: Transfer): void {
    if (t.state !== 'retrying') return;
    this.#wait(t);
    this.#pump();
  }

  #taken(t: Transfer): void {
    // What may be replaced and still is in the way, and a thousand taken names:
    // asking the server again would not end.
    if (t.replace || t.copy >= namesMost) return this.#set(t, 'failed');
    t.problem = null;
    if (t.copy > 1) {
      t.rename();
      return this.#wait(t);
    }
    const { policy } = t.batch;
    if (policy !== 'ask') return this.#apply(t, policy);
    this.#set(t, 'asking');
    this.#asking.push(t);
    if (this.#asking.length === 1) void this.#ask(t);
  }

  async #ask(t: Transfer): Promise<void> {
    const existing = await this.wire.existing(t.path).catch(() => null);
    if (this.#asking[0] === t) this.question = { transfer: t, existing };
  }

  #unask(...answered: Transfer[]): void {
    const first = this.#asking[0];
    const gone = new Set(answered);
    this.#asking = this.#asking.filter((a) => !gone.has(a));
    if (this.question && gone.has(this.question.transfer)) this.question = null;
    const next = this.#asking[0];
    if (next && next !== first) void this.#ask(next);
  }
}

export const transfers = new Transfers();
