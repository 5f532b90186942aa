// Uploads that are over: the last ones are kept to be shown, of all others the
// number. A hundred thousand files would fill the page's memory otherwise, and
// each holds on to a file of the person's disk.
import type { Transfer } from './transfer.svelte';

export const kept = 200;
const slack = 50; // so that the list is not made anew for each file

export class Over {
  // bytes that have arrived, also of those that are forgotten
  bytes = 0;
  #items: Transfer[] = [];

  // add takes one that is over and answers those to forget, now and then.
  add(t: Transfer): ReadonlySet<Transfer> | null {
    if (t.state === 'done') this.bytes += t.size;
    this.#items.push(t);
    if (this.#items.length <= kept + slack) return null;
    return new Set(this.#items.splice(0, this.#items.length - kept));
  }

  clear(): void {
    this.#items = [];
    this.bytes = 0;
  }
}
