// Asking before something disruptive (tier 1) or destructive (tier 2) is done.
// Tier 0 is not asked: it is done, and a toast offers Undo.

import type { components } from '../api/schema';

// Preview is the server's dry run (its Impact).
export type Preview = Pick<components['schemas']['Impact'], 'sentence' | 'sentence_phrase' | 'facts' | 'blockers' | 'blocker_phrases'>;

export type Question = {
  tier: 1 | 2;
  title: string;
  body?: string;
  // verb is on the button: "Drain dn-07"
  verb: string;
  // choice is one thing to decide on the way: for how long, how fast
  choice?: { label: string; options: readonly { value: string; label: string }[]; value: string };
  // preview asks the server for the dry run, again for each choice; the dialog
  // shows it as it arrives
  preview?: (choice: string) => Promise<Preview>;
  // typed is what must be typed (tier 2 must have one)
  typed?: string;
  // reason: false where the audit log takes none
  reason?: false;
  // danger: the button says by its colour that something is lost (tier 2 always does)
  danger?: boolean;
};

export type Answer = { reason: string; choice: string };

type Pending = Question & { answer: (a: Answer | null) => void };

class Confirmations {
  current = $state.raw<Pending | null>(null);

  ask(question: Question): Promise<Answer | null> {
    this.current?.answer(null);
    return new Promise((resolve) => {
      this.current = {
        ...question,
        answer: (a) => {
          this.current = null;
          resolve(a);
        },
      };
    });
  }
}

export const confirmations = new Confirmations();

// confirm shows the dialog and answers the reason and the choice, or null for Cancel.
export function confirm(question: Question): Promise<Answer | null> {
  return confirmations.ask(question);
}
