// The dictionary. Each app has a slice: en.ts is its type, the others are typed
// against it, so a missing or a wrong key does not compile. English is always
// loaded; another language is loaded when it is chosen.

export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Lang = keyof typeof languages;

const locales: Record<Lang, string> = { en: 'en-GB', de: 'de-DE' };

let current = $state<Lang>('en');
const slices: Slice<object>[] = [];

class Slice<T extends object> {
  others = $state.raw<Partial<Record<Lang, T>>>({});

  constructor(
    readonly en: T,
    readonly load: Record<Exclude<Lang, 'en'>, () => Promise<T>>,
  ) {}

  async ready(lang: Lang): Promise<void> {
    if (lang === 'en' || this.others[lang]) return;
    const loaded = await this.load[lang]();
    this.others = { ...this.others, [lang]: loaded };
  }
}

// messages makes a slice of the dictionary. What it answers is read like the
// English object itself, and everything that reads it follows the language.
export function messages<T extends object>(en: T, load: Record<Exclude<Lang, 'en'>, () => Promise<T>>): T {
  const slice = new Slice(en, load);
  slices.push(slice as unknown as Slice<object>);
  return new Proxy(en, {
    get: (_, key) => Reflect.get(slice.others[current] ?? en, key) as unknown,
  });
}

// lang is the language in use.
export function lang(): Lang {
  return current;
}

// locale is what Intl wants to hear.
export function locale(): string {
  return locales[current];
}

let universal = $state(false);

// inUtc has all times be told in UTC, as the logs of servers are, or in local time.
export function inUtc(on: boolean): void {
  universal = on;
}

// zone is what Intl wants to hear of it.
export function zone(): 'UTC' | undefined {
  return universal ? 'UTC' : undefined;
}

let asked = 0;

// ready resolves when every slice made so far speaks the language in use. One
// that cannot be loaded stays English.
export async function ready(): Promise<void> {
  await Promise.allSettled(slices.map((s) => s.ready(current)));
}

// speak changes the language, at once for all that is on screen; of two that are
// asked for, the later one stands.
export async function speak(next: Lang): Promise<void> {
  const nth = ++asked;
  await Promise.allSettled(slices.map((s) => s.ready(next)));
  if (nth !== asked) return;
  current = next;
  document.documentElement.lang = next;
}

// preferred is the language that the browser asks for, if we have it.
export function preferred(wanted: readonly string[]): Lang {
  for (const w of wanted) {
    const short = w.slice(0, 2);
    if (short in languages) return short as Lang;
  }
  return 'en';
}

type Forms = { one: string; other: string };

const rules = new Map<string, Intl.PluralRules>();

// plural picks the form for a count: `${n} ${plural(n, {one: 'node', other: 'nodes'})}`.
// The languages here have two forms.
export function plural(n: number, forms: Forms, of: Lang = current): string {
  let rule = rules.get(of);
  if (!rule) rules.set(of, (rule = new Intl.PluralRules(locales[of])));
  return rule.select(n) === 'one' ? forms.one : forms.other;
}
