// Searching the runbooks and the words.
import type { Schemas } from '../../api/client';

export type Kind = Schemas['CheckKind'];

const order = { critical: 0, warning: 1, info: 2 } as const;

export function found(text: string, ...in_: readonly string[]): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = in_.join(' ').toLowerCase();
  return words.every((w) => all.includes(w));
}

// runbooks are those that match, the worst first.
export function runbooks(all: readonly Kind[], text: string): Kind[] {
  return all
    .filter((k) => found(text, k.code, k.title, k.meaning, k.doing, k.remedy))
    .sort((a, b) => order[a.severity] - order[b.severity] || (a.title < b.title ? -1 : 1));
}
