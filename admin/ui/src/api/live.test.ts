import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Live } from './live.svelte';

// Streams as the server opens them: the test writes, ends and cuts them.
type Stream = { url: string; id: string | null; say: (text: string) => void; end: () => void; signal: AbortSignal };
let streams: Stream[];
let status: number;
let hidden: boolean;
let visibility: () => void;
let live: Live;
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

function answer(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const signal = init!.signal!;
  if (status !== 200) return Promise.resolve(new Response(null, { status }));
  let control!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (c) => void (control = c) });
  signal.addEventListener('abort', () => control.error(signal.reason));
  streams.push({
    url: String(input),
    id: new Headers(init!.headers).get('Last-Event-ID'),
    say: (text) => control.enqueue(new TextEncoder().encode(text)),
    end: () => control.close(),
    signal,
  });
  return Promise.resolve(new Response(body));
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0);
  streams = [];
  status = 200;
  hidden = false;
  vi.stubGlobal('document', {
    get hidden() {
      return hidden;
    },
    addEventListener: (_: string, fn: () => void) => void (visibility = fn),
    removeEventListener: () => {},
  });
  vi.stubGlobal('fetch', answer);
  live = new Live();
});
afterEach(() => {
  live.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function begin(): Promise<{ heard: unknown[]; resets: () => number }> {
  const heard: unknown[] = [];
  let resets = 0;
  live.on('health', (m) => heard.push(m));
  live.onReset(() => resets++);
  live.start();
  await settle();
  return { heard, resets: () => resets };
}

test('messages reach their topic, and the last one is where it goes on', async () => {
  const { heard, resets } = await begin();
  expect(live.state).toBe('live');
  streams[0]!.say('id: 7\nevent: health\ndata: {"a":1}\n\nid: 8\nevent: other\ndata: 2\n\n');
  await settle();
  expect(heard).toEqual([{ a: 1 }]);
  streams[0]!.end();
  await settle();
  expect(live.state).toBe('lost');
  await vi.advanceTimersByTimeAsync(1000);
  expect(live.state).toBe('live');
  expect(streams[1]!.id).toBe('8');
  expect(resets()).toBe(1); // after a break everything is read again
});

test('the server says that it does not know any more', async () => {
  const { resets } = await begin();
  streams[0]!.say('id: 9\nevent: reset\ndata: {}\n\n');
  await settle();
  expect(resets()).toBe(1);
});

test('it stays lost while it tries, and tries ever less often', async () => {
  await begin();
  const states = new Set<string>();
  status = 503;
  streams[0]!.end();
  await settle();
  const tries = vi.fn(answer);
  vi.stubGlobal('fetch', tries);
  for (let s = 0; s < 40; s++) {
    await vi.advanceTimersByTimeAsync(1000);
    states.add(live.state);
  }
  expect([...states]).toEqual(['lost']);
  expect(tries.mock.calls.length).toBe(5); // after 1, 2, 4, 8 and 16 s
  status = 200;
  live.retry();
  await settle();
  expect(live.state).toBe('live');
});

test('a stream without pings is cut, one with pings is not', async () => {
  await begin();
  for (let i = 0; i < 4; i++) {
    await vi.advanceTimersByTimeAsync(15_000);
    streams[0]!.say(': ping\n\n');
    await settle();
  }
  expect(streams[0]!.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(35_000);
  expect(streams[0]!.signal.aborted).toBe(true);
  expect(live.state).toBe('lost');
});

test('a new topic opens one stream for all that were added', async () => {
  await begin();
  live.on('nodes', () => {});
  live.on('tasks', () => {});
  live.on('nodes', () => {});
  await vi.advanceTimersByTimeAsync(200);
  expect(streams).toHaveLength(2);
  expect(decodeURIComponent(streams[1]!.url)).toContain('topics=health,nodes,tasks');
  expect(streams[0]!.signal.aborted).toBe(true);
  expect(live.state).toBe('live');
});

test('a pause holds until it is ended, and then everything is read again', async () => {
  const { resets } = await begin();
  streams[0]!.say('id: 1\nevent: health\ndata: 1\n\n');
  await settle();
  live.pause();
  await vi.advanceTimersByTimeAsync(120_000);
  live.retry();
  await settle();
  expect([live.state, streams.length]).toEqual(['paused', 1]);
  live.resume();
  await settle();
  expect([live.state, resets()]).toEqual(['live', 1]);
});

test('a page that nobody sees lets go after five minutes, and comes back with the eyes', async () => {
  await begin();
  streams[0]!.say('id: 3\nevent: health\ndata: 1\n\n');
  hidden = true;
  visibility();
  for (let s = 0; s < 299; s += 13) {
    streams[0]!.say(': ping\n\n');
    await vi.advanceTimersByTimeAsync(13_000);
  }
  expect(streams[0]!.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1000);
  expect(streams[0]!.signal.aborted).toBe(true);
  expect(live.state).toBe('lost');
  hidden = false;
  visibility();
  await settle();
  expect([live.state, streams[1]!.id]).toEqual(['live', '3']);
});

test('who wants to be told is told after hours, too', async () => {
  const { heard } = await begin();
  live.awake = true;
  hidden = true;
  visibility();
  for (let s = 0; s < 3600; s += 15) {
    streams[0]!.say(': ping\n\n');
    await vi.advanceTimersByTimeAsync(15_000);
  }
  streams[0]!.say('id: 1\nevent: health\ndata: 1\n\n');
  await settle();
  expect([heard, live.state]).toEqual([[1], 'live']);
});

test('what was stopped while nobody looked does not end what is started later', async () => {
  await begin();
  hidden = true;
  visibility();
  live.stop();
  hidden = false;
  live.start();
  await settle();
  for (let s = 0; s < 330; s += 10) {
    streams[1]!.say(': ping\n\n');
    await vi.advanceTimersByTimeAsync(10_000);
  }
  expect([live.state, streams.length]).toEqual(['live', 2]);
});
