// Asking what shall be done when a name is taken: for uploads, moves and copies
// the same question. One dialog at a time.
import { wire, type Entry } from './wire';
import type { Policy } from './transfer.svelte';

export type Decision = Exclude<Policy, 'ask'>;

export type Conflict = {
  path: string;
  // fresh is what wants the name, where something is known of it
  fresh?: { size: number; modified: number };
  existing: Entry | null;
  // many: the decision may be for all that follow
  many: boolean;
  answer: (decision: Decision, all: boolean) => void;
};

export class Conflicts {
  current = $state.raw<Conflict | null>(null);
  // last ends when the question before is answered: two windows may ask at once
  #last: Promise<unknown> = Promise.resolve();

  constructor(private existing: (path: string) => Promise<Entry | null> = (path) => wire.existing(path)) {}

  // batch asks for several names, one after the other, until one answer is for all.
  batch(): { ask: (path: string) => Promise<Decision> } {
    let forAll: Decision | null = null;
    return {
      ask: (path) => {
        const asked = this.#last.then(async () => {
          if (forAll) return forAll;
          const { decision, all } = await this.#one(path);
          if (all) forAll = decision;
          return decision;
        });
        this.#last = asked;
        return asked;
      },
    };
  }

  async #one(path: string): Promise<{ decision: Decision; all: boolean }> {
    const existing = await this.existing(path).catch(() => null);
    return new Promise((resolve) => {
      this.current = {
        path,
        existing,
        many: true,
        answer: (decision, all) => {
          this.current = null;
          resolve({ decision, all });
        },
      };
    });
  }
}

export const conflicts = new Conflicts();
