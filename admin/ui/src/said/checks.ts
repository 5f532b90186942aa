// The words of the catalogue: a check has them by its code, an offered operation
// by its id. One of a newer server is shown as it comes.
import type { components } from '../api/schema';
import { fill } from './render';
import { dictionary, type CheckWords } from './strings';

type S = components['schemas'];

// wordsOf answers what a check is called, means and asks for.
export function wordsOf(check: CheckWords & { code: string }): CheckWords {
  return dictionary.checks?.[check.code as S['CheckCode']] ?? check;
}

// labelOf answers what is on the button of an offered operation.
export function labelOf(action: S['Action']): string {
  const template = dictionary.labels?.[action.op as S['OfferedOperation']];
  return template === undefined ? action.label : fill(template, [{ text: action.name ?? action.target ?? '' }]);
}
