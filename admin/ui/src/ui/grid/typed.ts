// What is being typed to find a row: letters that follow each other quickly are
// one word.
const pause = 800; // ms

export class Typed {
  #word = '';
  #at = -Infinity;

  // add answers the word so far, in small letters.
  add(letter: string, now: number = Date.now()): string {
    this.#word = now - this.#at > pause ? letter : this.#word + letter;
    this.#at = now;
    return this.#word.toLowerCase();
  }
}
