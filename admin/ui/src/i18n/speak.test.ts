import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lang, messages, ready, speak } from './index.svelte';

beforeEach(() => vi.stubGlobal('document', { documentElement: { lang: '' } }));
afterEach(async () => {
  await speak('en');
  vi.unstubAllGlobals();
});

test('what is read follows the language', async () => {
  const t = messages({ hello: 'Hello' }, { de: async () => ({ hello: 'Hallo' }) });
  expect(t.hello).toBe('Hello');
  await speak('de');
  expect([t.hello, document.documentElement.lang]).toEqual(['Hallo', 'de']);
});

test('of two languages asked for in a row, the later one stands', async () => {
  let give = (): void => {};
  messages({ a: 'a' }, { de: () => new Promise((done) => (give = () => done({ a: 'ä' }))) });
  const german = speak('de');
  await speak('en');
  give();
  await german;
  expect(lang()).toBe('en');
});

test('a part of the dictionary that cannot be loaded stays English, and the rest speaks', async () => {
  let fail = true;
  const broken = messages({ a: 'one' }, { de: () => (fail ? Promise.reject(new Error('gone')) : Promise.resolve({ a: 'eins' })) });
  const whole = messages({ b: 'two' }, { de: async () => ({ b: 'zwei' }) });
  await speak('de');
  expect([broken.a, whole.b]).toEqual(['one', 'zwei']);
  fail = false;
  await ready();
  expect(broken.a).toBe('eins');
});
