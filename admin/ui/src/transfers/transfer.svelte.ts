// One file on its way into the drive.
import type { Problem } from '../api/problem';
import { another, base, join, parent } from '../apps/files/paths';
import { Rate } from './rate';
import type { Entry } from './wire';

export type State =
  | 'waiting' // for its turn
  | 'sending'
  | 'asking' // something has its name already
  | 'paused' // by the person
  | 'retrying' // after a break; goes on by itself
  | 'failed' // goes on when the person says so
  | 'done'
  | 'skipped'
  | 'cancelled';

export type Policy = 'ask' | 'replace' | 'both' | 'skip';

// Batch is what was dropped or chosen together; a decision may be for all of it.
export type Batch = { policy: Policy };

export class Transfer {
  state = $state<State>('waiting');
  // path is where it goes; it changes when both files are kept
  path = $state('');
  // sent counts bytes that the server has, and those on the way
  sent = $state(0);
  problem = $state.raw<Problem | null>(null);
  // id of the server's upload, once begun
  upload: string | null = null;
  replace = false;
  // copy counts the names tried to keep both files
  copy = 1;
  tries = 0;
  abort: AbortController | null = null;
  readonly rate = new Rate();
  readonly wanted: string;

  constructor(
    readonly key: number,
    path: string,
    readonly file: File,
    readonly batch: Batch,
  ) {
    this.path = path;
    this.wanted = path;
  }

  // rename takes the next name that may be free.
  rename(): void {
    this.path = join(parent(this.wanted), another(base(this.wanted), ++this.copy));
  }

  get size(): number {
    return this.file.size;
  }

  get over(): boolean {
    return this.state === 'done' || this.state === 'skipped' || this.state === 'cancelled';
  }

  // open: it will still send something, by itself or when told to
  get open(): boolean {
    return !this.over && this.state !== 'failed';
  }
}

// Question is about a transfer whose name is taken.
export type Question = { transfer: Transfer; existing: Entry | null };
