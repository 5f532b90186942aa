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

class Conflicts {
  current = $state.raw<Conflict | null>(null);

  // batch asks for several names, one after the other, until one answer is for all.
  batch(): { ask: (path: string) => Promise<Decision> } {
    let forAll: Decision | null = null;
    return {
      ask: async (path) => {
        if (forAll) return forAll;
        const existing = await wire.existing(path).catch(() => null);
        return new Promise((resolve) => {
          this.current = {
            path,
            existing,
            many: true,
            answer: (decision, all) => {
              this.current = null;
              if (all) forAll = decision;
              resolve(decision);
            },
          };
        });
      },
    };
  }
}

export const conflicts = new Conflicts();
