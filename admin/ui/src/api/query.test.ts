import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Live } from './live.svelte';
import { Entry } from './query.svelte';

// A server that answers when the test says so, and a stream that speaks when it says so.
let stream: Map<string, (message: unknown) => void>;
let reset: () => void;
let answers: { give: (n: number[]) => void; fail: (e: Error) => void; signal: AbortSignal }[];
const load = (signal: AbortSignal) => new Promise<number[]>((give, fail) => answers.push({ give, fail, signal }));
const add = (old: number[], _: string, message: unknown): number[] => [...old, message as number];
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', { hidden: false });
  answers = [];
  stream = new Map();
  vi.spyOn(Live.prototype, 'on').mockImplementation((topic, fn) => {
    stream.set(topic, fn);
    return () => stream.delete(topic);
  });
  vi.spyOn(Live.prototype, 'onReset').mockImplementation((fn) => {
    reset = fn;
    return () => {};
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function open(options: ConstructorParameters<typeof Entry<number[]>>[1]): Entry<number[]> {
  const e = new Entry<number[]>('key', options);
  e.use(load, options);
  return e;
}

test('what the stream says while it is read is not lost to an older answer', async () => {
  const e = open({ topics: ['n'], merge: add });
  answers[0]!.give([1]);
  await settle();
  void e.refresh();
  stream.get('n')!(2);
  expect(e.data).toEqual([1, 2]);
  answers[1]!.give([1]); // taken before 2 was said
  await settle();
  expect(e.data).toEqual([1, 2]);
  expect(e.loading).toBe(false);
});

test('messages before the first answer are merged into it, and do not start it over', async () => {
  const e = open({ topics: ['n'], merge: add });
  for (let i = 2; i < 6; i++) {
    stream.get('n')!(i);
    await vi.advanceTimersByTimeAsync(400);
  }
  expect(answers).toHaveLength(1);
  answers[0]!.give([1]);
  await settle();
  expect(e.data).toEqual([1, 2, 3, 4, 5]);
});

test('messages faster than the answer do not keep it from coming', async () => {
  const e = open({ topics: ['n'] });
  for (let i = 0; i < 20; i++) {
    stream.get('n')!(i);
    await vi.advanceTimersByTimeAsync(300);
  }
  expect(answers).toHaveLength(1);
  expect(answers[0]!.signal.aborted).toBe(false);
  answers[0]!.give([1]);
  await vi.advanceTimersByTimeAsync(300);
  expect(e.data).toEqual([1]);
  expect(answers).toHaveLength(2); // once more, for what was said meanwhile
});

test('an answer that never comes gives way', async () => {
  const e = open({ every: 5000 });
  await vi.advanceTimersByTimeAsync(29_000);
  expect(answers).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(6000);
  expect(answers).toHaveLength(2);
  expect(answers[0]!.signal.aborted).toBe(true);
  answers[0]!.give([0]);
  answers[1]!.give([1]);
  await settle();
  expect(e.data).toEqual([1]);
});

test('a message that cannot be merged has it read again', async () => {
  open({ topics: ['n'], merge: () => undefined });
  answers[0]!.give([1]);
  await settle();
  stream.get('n')!(2);
  await vi.advanceTimersByTimeAsync(300);
  expect(answers).toHaveLength(2);
});

test('more messages than are kept have it read again instead', async () => {
  const e = open({ topics: ['n'], merge: add });
  for (let i = 0; i < 1500; i++) stream.get('n')!(i);
  answers[0]!.give([]);
  await vi.advanceTimersByTimeAsync(300);
  expect(e.data).toHaveLength(1000);
  expect(answers).toHaveLength(2);
});

test('a gap in the stream has everything read again, after what is being read', async () => {
  open({ topics: ['n'], merge: add });
  reset();
  await vi.advanceTimersByTimeAsync(300);
  expect(answers).toHaveLength(1);
  answers[0]!.give([1]);
  await vi.advanceTimersByTimeAsync(300);
  expect(answers).toHaveLength(2);
});

test('a fault keeps the data, and the next answer ends it', async () => {
  const e = open({});
  answers[0]!.give([1]);
  await settle();
  void e.refresh();
  answers[1]!.fail(new Error('away'));
  await settle();
  expect([e.data, e.error?.detail, e.loading]).toEqual([[1], 'away', false]);
  void e.refresh();
  answers[2]!.give([2]);
  await settle();
  expect([e.data, e.error]).toEqual([[2], null]);
});

test('who leaves takes the clock and the ears along', async () => {
  const e = open({ topics: ['n'], every: 1000 });
  answers[0]!.give([1]);
  await settle();
  e.release(load);
  expect(stream.size).toBe(0);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(answers).toHaveLength(1);
  e.use(load, {});
  expect(answers).toHaveLength(2);
});

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
