// The words of the catalogue: a check has them by its code, an offered operation
// by its id, a setting by its name. One of a newer server is shown as it comes.
import type { components } from '../api/schema';
import { fill } from './render';
import { dictionary, type CheckWords } from './strings';

type S = components['schemas'];

// wordsOf answers what a check is called, means and asks for.
export function wordsOf(check: CheckWords & { code: string }): CheckWords {
  return dictionary.checks?.[check.code as S['CheckCode']] ?? check;
}

// settingIn answers a setting with its title and description in the language in use.
export function settingIn<T extends { name: string; title: string; description: string }>(setting: T): T {
  return { ...setting, ...dictionary.settings?.[setting.name as S['SettingName']] };
}

// labelOf answers what is on the button of an offered operation.
export function labelOf(action: S['Action']): string {
  const template = dictionary.labels?.[action.op as S['OfferedOperation']];
  return template === undefined ? action.label : fill(template, [{ text: action.name ?? action.target ?? '' }]);
}
