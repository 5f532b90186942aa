// What the server says, in other languages. In English the server's own text is
// shown, so there is nothing here for it: the page and `ken status` cannot differ.
import type { components } from '../api/schema';
import { messages } from '../i18n/index.svelte';

type S = components['schemas'];
export type CheckWords = { title: string; meaning: string; doing: string; remedy: string };

// Some are the phrases whose ids begin so.
export type Some<P extends string> = { [K in S['PhraseId'] as K extends P | `${P}.${string}` ? K : never]: string };

// A dictionary has all that the document of the API enumerates. The templates are
// those of package metadata/phrase: {0} is the first argument, {^0} has a capital,
// {0|Kopie|Kopien} is the word for one or another number of it.
export type Dictionary = {
  phrases: Record<S['PhraseId'], string>;
  checks: Record<S['CheckCode'], CheckWords>;
  // what an offered operation is called, {0}: the name of its target
  labels: Record<S['OfferedOperation'], string>;
  settings: Record<S['SettingName'], { title: string; description: string }>;
};

export const dictionary = messages<Partial<Dictionary>>({}, { de: async () => (await import('./de')).de });
