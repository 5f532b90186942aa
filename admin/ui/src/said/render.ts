// Saying a phrase of the server in the language in use.
import type { components } from '../api/schema';
import { bytes, capital, count, date, span, spanRange, stamp } from '../i18n/format';
import { plural, zone } from '../i18n/index.svelte';
import { dictionary } from './strings';

export type Phrase = components['schemas']['Phrase'];
type Arg = components['schemas']['PhraseArg'];

// said answers a text of the server in the language in use: by its phrase if the
// dictionary has it, else as the server wrote it, in English.
export function said(text: string, phrase: Phrase | null | undefined): string {
  const template = phrase && dictionary.phrases?.[phrase.id];
  return template === undefined || template === null ? text : fill(template, phrase?.args);
}

// saidAll is said for lists that stand side by side.
export function saidAll(texts: readonly string[] | undefined, phrases: readonly Phrase[] | undefined): string[] {
  return (texts ?? []).map((text, i) => said(text, phrases?.[i]));
}

const hole = /\{(\^?)(\d)(?:\|([^|{}]*)\|([^|{}]*))?\}/g;

// fill puts arguments into a template.
export function fill(template: string, args: readonly Arg[] = []): string {
  return template.replace(hole, (_, large: string, which: string, one?: string, other?: string) => {
    const arg = args[Number(which)] ?? {};
    if (one !== undefined && other !== undefined) return plural(arg.count ?? 0, { one, other });
    return large ? capital(spoken(arg)) : spoken(arg);
  });
}

function spoken(arg: Arg): string {
  if (arg.bytes !== undefined) return bytes(arg.bytes);
  if (arg.count !== undefined) return count(arg.count);
  if (arg.seconds !== undefined) return span(arg.seconds);
  if (arg.span) return spanRange(arg.span[0] ?? 0, arg.span[1] ?? 0);
  if (arg.time) return date(arg.time);
  if (arg.clock) return stamp(arg.clock) + (zone() ? ' UTC' : '');
  if (arg.list) return arg.list.map(spoken).join('; ');
  return said(arg.text ?? '', arg.phrase);
}
