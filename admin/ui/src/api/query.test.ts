import { expect, test } from 'vitest';
import { Entry } from './query.svelte';

test('who goes on to something else does not read for those who stay', async () => {
  const asked: string[] = [];
  let shown = 'n5'; // by the window that moves: its loader reads the address
  const stays = async () => (asked.push('stays'), 'n5');
  const moves = async () => (asked.push('moves'), shown);
  const e = new Entry<string>('node:n5', {});
  e.use(stays);
  e.use(moves);
  await e.refresh();
  expect(e.data).toBe('n5');
  shown = 'n6';
  e.release(moves);
  expect(e.used).toBe(true);
  await e.refresh();
  expect(e.data).toBe('n5');
  expect(asked).toEqual(['stays', 'moves', 'stays']);
  e.release(stays);
  expect(e.used).toBe(false);
  await e.refresh();
  expect(asked).toHaveLength(3);
});

test('an answer that was overtaken is dropped', async () => {
  const answers: ((v: string) => void)[] = [];
  const e = new Entry<string>('k', {});
  const load = () => new Promise<string>((done) => answers.push(done));
  e.use(load);
  const second = e.refresh();
  answers[1]?.('new');
  await second;
  answers[0]?.('old');
  await Promise.resolve();
  expect([e.data, e.loading]).toEqual(['new', false]);
  e.release(load);
});
