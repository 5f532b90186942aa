// The log as it grows: new events go on top, or wait while the list is held still.
import type { Schemas } from '../../api/client';

type Event = Schemas['Event'];

// List is the paged list that is followed.
export type List = {
  readonly data: { items: readonly Event[] } | undefined;
  readonly loading: boolean;
  prepend: (e: Event) => void;
  refresh: () => Promise<void>;
};

// most bounds what waits; after that the list is read again.
export const most = 500;

export class Tail {
  following = $state(true);
  held = $state.raw<readonly Event[]>([]);
  // missed: more happened than is held here
  missed = $state(false);
  #late: Event[] = [];

  constructor(
    private readonly list: List,
    private readonly wanted: (e: Event) => boolean,
  ) {}

  // take is called with each event of the stream. One that comes while the list is
  // being read may be in the answer or not: it waits for the answer.
  take(e: Event): void {
    if (!this.wanted(e)) return;
    if (this.list.loading || !this.list.data) this.#late = [...this.#late, e].slice(-most);
    else this.#put(e);
  }

  // settle is called when a reading ended.
  settle(): void {
    for (const e of this.#late.splice(0)) this.#put(e);
  }

  // restart forgets what waits: something else is asked for now.
  restart(): void {
    this.held = [];
    this.missed = false;
    this.#late = [];
  }

  // reset: the stream had a gap. A list that is held still stays so until it is let go.
  reset(): void {
    if (this.following) void this.list.refresh();
    else this.missed = true;
  }

  // release shows what waits.
  release(): void {
    const { held, missed } = this;
    this.restart();
    if (missed) void this.list.refresh();
    else for (const e of held.toReversed()) if (!this.#has(e)) this.list.prepend(e);
  }

  toggle(): void {
    this.following = !this.following;
    if (this.following) this.release();
  }

  #has(e: Event): boolean {
    return !!this.list.data?.items.some((x) => x.id === e.id) || this.held.some((x) => x.id === e.id);
  }

  #put(e: Event): void {
    if (this.#has(e)) return;
    if (this.following) return this.list.prepend(e);
    this.missed ||= this.held.length >= most;
    this.held = [e, ...this.held].slice(0, most);
  }
}
