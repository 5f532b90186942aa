// Every phrase of the servers in both languages, from the files that hold their
// English: metadata/phrase/phrasetest writes and checks them.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { speak } from '../i18n/index.svelte';
import { labelOf, settingIn, wordsOf } from './checks';
import { de } from './de';
import { fill, said, saidAll, type Phrase } from './render';

type Sample = { english: string; template: string; phrase: Phrase };

const files = import.meta.glob<Sample[]>(['../../../../metadata/*/testdata/phrases.json', '../../../testdata/phrases.json', '../../../demo/testdata/phrases.json'], { eager: true, import: 'default' });
const samples = Object.values(files).flat();
const holes = (template: string): string[] => [...new Set([...template.matchAll(/\{\^?(\d)/g)].map((m) => m[1] ?? ''))].sort();

// The same in both languages, rightly: nothing but arguments, and names.
const shared = new Set(['verdict.why', 'volumes', 'impact.attributes', 'impact.blocked', 'fact.figure', 'fact.rate', 'fact.volumes', 'fact.move_volumes']);

beforeEach(() => vi.stubGlobal('document', { documentElement: { lang: '' } }));
afterEach(async () => {
  await speak('en');
  vi.unstubAllGlobals();
});

test('there are samples of all that the dictionary has', () => {
  expect(Object.keys(files).length).toBeGreaterThan(1);
  expect([...new Set(samples.map((s) => s.phrase.id))].sort()).toEqual(Object.keys(de.phrases).sort());
});

describe.each(samples.map((s) => [s.english, s] as const))('%s', (english, { template, phrase }) => {
  test('in English it is what the server wrote', () => expect(said(english, phrase)).toBe(english));

  test('in German it is German, with the same arguments', async () => {
    const german = de.phrases[phrase.id];
    expect(holes(german)).toEqual(holes(template));
    expect(fill(german, []).includes('{')).toBe(false);
    await speak('de');
    const text = said(english, phrase);
    expect(text).not.toMatch(/undefined|NaN|null|\[object|[{}]|^\s*$/);
    if (!shared.has(phrase.id)) expect(text).not.toBe(english);
    // Words of the English text that are not names, and that German has not.
    const words = /\b(the|is|are|and|of|to|not|now|storage|server|servers|copies|copy|have|has|until|would|nothing|node|nodes|left|all)\b/i;
    const own = text.replaceAll(/„[^“]*“/g, '');
    expect(words.exec(own)?.[0] ?? '').toBe('');
  });
});

test('sizes, times and numbers are those of the language', async () => {
  await speak('de');
  const clock = '2026-03-04T13:00:00Z';
  expect(fill('{0} {1} {2} {3}', [{ bytes: 1536 }, { count: 12_345 }, { span: [660, 1140] }, { seconds: 7500 }])).toBe('1,5 KiB 12.345 11–19 min 2 h 5 min');
  expect(fill('{0}', [{ clock }])).toMatch(/4\. März/);
  expect(fill('{0}', [{ time: clock }])).toMatch(/04\.03\.2026, 1\d:00:00/);
  expect(fill('{0|Kopie|Kopien}/{1|Kopie|Kopien}', [{ count: 1 }, { count: 2 }])).toBe('Kopie/Kopien');
});

test('what is not there leaves no trace', () => expect(fill('a{0}b{^1}c{2|x|y}', [{}])).toBe('abcy'));

test('what the dictionary does not have is shown as the server wrote it', async () => {
  await speak('de');
  const strange = { id: 'of.tomorrow' } as unknown as Phrase;
  expect(said('Something new.', strange)).toBe('Something new.');
  expect(said('Something new.', undefined)).toBe('Something new.');
  expect(saidAll(['a', 'b'], [{ id: 'stall.paused' }])).toEqual(['ein Operator hat sie angehalten', 'b']);
  expect(said('', { id: 'progress.stalled', args: [{ text: 'of tomorrow', phrase: strange }] })).toBe('Die Reparatur wartet: of tomorrow.');
});

test('checks and operations by their code, and those of a newer server as they come', async () => {
  const check = { code: 'NODE_DOWN', title: 'A', meaning: 'B', doing: 'C', remedy: 'D' };
  const drain = { op: 'drainNode', target: 'n3', name: 'dn3', label: 'Drain dn3' };
  expect([wordsOf(check).title, labelOf(drain)]).toEqual(['A', 'Drain dn3']);
  await speak('de');
  expect([wordsOf(check).title, labelOf(drain)]).toEqual(['Ein Speicherserver ist ausgefallen', 'dn3 leeren']);
  expect(labelOf({ ...drain, name: undefined })).toBe('n3 leeren');
  expect(wordsOf({ ...check, code: 'NEW' }).title).toBe('A');
  expect(labelOf({ op: 'new', label: 'New' })).toBe('New');
  const grace = { name: 'grace', title: 'A', description: 'B', value: '1' };
  expect(settingIn(grace)).toMatchObject({ title: 'Gelöschtes aufbewahren', value: '1' });
  expect(settingIn({ ...grace, name: 'new' }).title).toBe('A');
});
