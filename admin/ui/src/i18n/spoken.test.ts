import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { speak } from './index.svelte';

// The German sentences are made of what they are given, as the English ones are.
// The types see that a key is there; only this sees that a number in it is not left out.
type Say = (...given: unknown[]) => unknown;
const english = import.meta.glob<{ en: object }>('../**/en.ts', { eager: true });
const german = import.meta.glob<{ de: object }>('../**/de.ts', { eager: true });

beforeEach(() => vi.stubGlobal('document', { documentElement: { lang: '' } }));
afterEach(async () => {
  await speak('en');
  vi.unstubAllGlobals();
});

function pairs(en: object, de: object, at: string): [where: string, en: Say, de: Say][] {
  return Object.entries(en).flatMap(([key, a]): [string, Say, Say][] => {
    const b = (de as Record<string, unknown>)[key];
    if (typeof a === 'function' && typeof b === 'function') return [[`${at}.${key}`, a as Say, b as Say]];
    return a && typeof a === 'object' && b && typeof b === 'object' ? pairs(a as object, b as object, `${at}.${key}`) : [];
  });
}

const all = Object.entries(english).flatMap(([path, { en }]) => pairs(en, german[path.replace('en.ts', 'de.ts')]?.de ?? {}, path.replace('../', '').replace('/en.ts', '')));

// said answers which of what it was given can be found in the text.
function said(say: Say, given: unknown[]): string | null {
  let text: unknown;
  try {
    text = say(...given);
  } catch {
    return null; // it wants something else than words and numbers
  }
  if (typeof text !== 'string') return null;
  const flat = text.replace(/(?<=\d)[.,\u00a0\u202f](?=\d{3})/g, '');
  return given.map((g, i) => (flat.includes(String(g)) ? String(i) : '')).join(' ');
}

const words = ['QWA', 'QWB', 'QWC', 'QWD', 'QWE'];
const numbers = [7001, 7002, 7003, 7004, 7005];

test('there are many sentences to look at', () => {
  expect(all.length).toBeGreaterThan(100);
});

describe.each(['en', 'de'] as const)('while the page speaks %s', (lang) => {
  test('a German sentence says all that the English one says', async () => {
    await speak(lang);
    const short: string[] = [];
    for (const [where, en, de] of all) {
      for (const kind of [words, numbers]) {
        const given = kind.slice(0, en.length);
        const [a, b] = [said(en, given), said(de, given)];
        if (a !== null && a !== b) short.push(`${where}: ${a} | ${b}`);
      }
    }
    expect(short).toEqual([]);
  });
});

// These are said of several only.
const several = new Set(['apps/nodes.bulkDrain', 'apps/nodes.bulkMaintain', 'apps/nodes.bulkTooMany', 'apps/performance.heatSome']);

// told is what it says where all that it is given is one, as a number or written.
function told(say: Say, ...ones: unknown[]): string {
  try {
    return String(say(...numbers.map((_, i) => ones[Math.min(i, ones.length - 1)]).slice(0, say.length)));
  } catch {
    return ''; // it wants something else
  }
}

const nouns = 'nodes|files|volumes|servers|copies|disks|blocks|days|tasks|uploads|sessions|Dateien|Volumes|Platten|Kopien|Blöcke|Geräte|Tage|Tagen|Aufgaben';
const plural = new RegExp(`(^|[^\\d.,])(?<!(of|von) )1 (${nouns})\\b`);

test('one of something is not told as several, in either language', () => {
  const wrong: string[] = [];
  for (const [where, en, de] of all) {
    if (several.has(where)) continue;
    for (const say of [en, de]) {
      const texts = [told(say, 1), told(say, '1'), told(say, 1, '1')];
      if (texts.every((text) => plural.test(text))) wrong.push(`${where}: ${texts[0]}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('no sentence shows the insides of the page', () => {
  for (const [where, en, de] of all) {
    for (const say of [en, de]) {
      const given = numbers.slice(0, say.length);
      if (said(say, given) !== null) expect(say(...given), where).not.toMatch(/undefined|\[object|NaN/);
    }
  }
});
