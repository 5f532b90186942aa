// How the desk looks, by the person's choice. Kept in this browser for the
// first paint and with the layout for the next machine.
import { inUtc, preferred, speak, type Lang, languages } from '../i18n/index.svelte';

export type Theme = 'auto' | 'light' | 'dark';
export type Density = 'compact' | 'default' | 'comfortable';

export type LookData = {
  theme: Theme;
  contrast: boolean;
  density: Density;
  lang: Lang | '';
  utc: boolean;
  // letters: single-letter shortcuts (WCAG 2.1.4 wants a way to turn them off)
  letters: boolean;
  widgets: boolean;
  // notify: the browser tells of what got worse while nobody looks
  notify: boolean;
};

const key = 'ken.look';
const defaults: LookData = { theme: 'auto', contrast: false, density: 'default', lang: '', utc: false, letters: true, widgets: true, notify: false };

// soundLook takes from a stored value what is right, and the default for the rest. Pure.
export function soundLook(value: unknown): LookData {
  const v = (value && typeof value === 'object' ? value : {}) as Record<string, unknown>;
  const one = <T extends string>(name: string, of: readonly T[], or: T): T => (of.includes(v[name] as T) ? (v[name] as T) : or);
  const flag = (name: string, or: boolean): boolean => (typeof v[name] === 'boolean' ? v[name] : or);
  return {
    theme: one('theme', ['auto', 'light', 'dark'], defaults.theme),
    density: one('density', ['compact', 'default', 'comfortable'], defaults.density),
    lang: one('lang', ['', ...(Object.keys(languages) as Lang[])], defaults.lang),
    contrast: flag('contrast', defaults.contrast),
    utc: flag('utc', defaults.utc),
    letters: flag('letters', defaults.letters),
    widgets: flag('widgets', defaults.widgets),
    notify: flag('notify', defaults.notify),
  };
}

class Look {
  data = $state.raw<LookData>(defaults);

  // load reads what this browser remembers and speaks the language.
  async load(): Promise<void> {
    let stored: unknown;
    try {
      stored = JSON.parse(localStorage.getItem(key) ?? '{}');
    } catch {
      stored = {};
    }
    this.data = soundLook(stored);
    this.#show();
    await this.#speak();
  }

  set(change: Partial<LookData>): void {
    this.data = { ...this.data, ...change };
    try {
      localStorage.setItem(key, JSON.stringify(this.data));
    } catch {
      // Storage is off: it lasts as long as the page.
    }
    this.#show();
    if ('lang' in change) void this.#speak();
  }

  #speak(): Promise<void> {
    return speak(this.data.lang || preferred(navigator.languages));
  }

  #show(): void {
    const root = document.documentElement.dataset;
    const put = (name: string, value: string): void => {
      if (value) root[name] = value;
      else delete root[name];
    };
    inUtc(this.data.utc);
    put('theme', this.data.theme === 'auto' ? '' : this.data.theme);
    put('contrast', this.data.contrast ? 'high' : '');
    put('density', this.data.density === 'default' ? '' : this.data.density);
  }
}

export const look = new Look();
