// Whose turn it is in a long list, without looking at all of it each time: what
// comes back goes first, then the list in its order.

export class Turns<T> {
  // from is the first in the list that may never have had its turn
  #from = 0;
  #back: T[] = [];

  // back has one take another turn.
  back(item: T): void {
    this.#back.push(item);
  }

  // restart looks at the list from its beginning: it has become another one.
  restart(): void {
    this.#from = 0;
  }

  // next is the first that waits; it stays the next one while it does.
  next(list: readonly T[], waits: (item: T) => boolean): T | null {
    for (let first = this.#back[0]; first !== undefined; this.#back.shift(), first = this.#back[0]) {
      if (waits(first)) return first;
    }
    for (; this.#from < list.length; this.#from++) {
      const item = list[this.#from];
      if (item !== undefined && waits(item)) return item;
    }
    return null;
  }
}
