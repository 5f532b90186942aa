// How fast it goes and when it is over. The rate is an exponential average over
// about ten seconds of bytes, so that one slow piece does not make it jump.

const memory = 10_000; // ms
const settled = 2_000; // ms before an estimate is worth saying

export class Rate {
  #rate = 0;
  #bytes = 0;
  #since: number | null = null;
  #last = 0;
  #measured = 0;

  // add tells that so many bytes went, at time now (ms).
  add(bytes: number, now: number): void {
    if (this.#since === null) {
      this.#since = this.#last = now;
    }
    this.#bytes += bytes;
    const step = now - this.#last;
    if (step < 250) return;
    const sample = (this.#bytes * 1000) / step;
    const weight = this.#measured === 0 ? 1 : 1 - Math.exp(-step / memory);
    this.#rate += (sample - this.#rate) * weight;
    this.#measured += step;
    this.#bytes = 0;
    this.#last = now;
  }

  // stop forgets the clock but not the rate: a pause is no slowness.
  stop(): void {
    this.#since = null;
    this.#bytes = 0;
  }

  // perSecond is 0 until it is known, and falls to 0 when nothing goes any more.
  perSecond(now: number): number {
    if (this.#since === null) return 0;
    const silent = now - this.#last;
    return silent > 3 * memory ? 0 : this.#rate;
  }

  // seconds left for so many bytes; null while it cannot be said.
  left(bytes: number, now: number): number | null {
    const rate = this.perSecond(now);
    return rate > 0 && this.#measured >= settled ? bytes / rate : null;
  }
}
