import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Problem } from '../api/problem';
import { kept } from './over';
import { Transfers } from './queue.svelte';
import { OffsetProblem, type Entry, type Upload, type Wire } from './wire';

// A server in memory. faults are thrown by the next sends, in order.
class Server implements Wire {
  files = new Map<string, string>();
  uploads = new Map<string, { path: string; size: number; data: string }>();
  folders: string[] = [];
  faults: (Error | null)[] = [];
  held: (() => void)[] = [];
  hold = false;
  most = 0;
  stats = 0;
  begun = 0;
  // gone: nobody answers
  gone = false;
  // full: what is there is never replaced, whatever is asked for
  full = false;
  #now = 0;
  #id = 0;

  async begin(path: string, file: { size: number }, overwrite: boolean): Promise<Upload> {
    this.begun++;
    if (this.gone) throw new Problem(0, 'No answer');
    if (this.files.has(path) && (!overwrite || this.full)) throw new Problem(409, 'exists', '', 'exists');
    const id = `u${++this.#id}`;
    this.uploads.set(id, { path, size: file.size, data: '' });
    return this.#state(id);
  }

  async status(id: string): Promise<Upload> {
    if (!this.uploads.has(id)) throw new Problem(404, 'gone', '', 'not_found');
    return this.#state(id);
  }

  async send(id: string, offset: number, piece: Blob, progress: (n: number) => void, signal: AbortSignal): Promise<Upload> {
    this.most = Math.max(this.most, ++this.#now);
    try {
      const text = await piece.text();
      if (this.hold) await new Promise<void>((go, no) => {
        this.held.push(go);
        signal.addEventListener('abort', () => no(new DOMException('stopped', 'AbortError')));
      });
      const fault = this.faults.shift();
      if (fault) throw fault;
      const up = this.uploads.get(id);
      if (!up) throw new Problem(404, 'gone', '', 'not_found');
      if (up.data.length !== offset) throw new OffsetProblem(up.data.length);
      progress(text.length);
      up.data += text;
      return this.#state(id);
    } finally {
      this.#now--;
    }
  }

  async cancel(id: string): Promise<void> {
    this.uploads.delete(id);
  }

  async mkdir(path: string): Promise<void> {
    if (this.folders.includes(path)) throw new Problem(409, 'exists', '', 'exists');
    this.folders.push(path);
  }

  async existing(path: string): Promise<Entry | null> {
    this.stats++;
    return this.files.has(path) ? ({ name: 'x', path, dir: false, size: 1, modified: '', created: '', etag: '' } as Entry) : null;
  }

  release(): void {
    this.hold = false;
    for (const go of this.held.splice(0)) go();
  }

  #state(id: string): Upload {
    const up = this.uploads.get(id)!;
    const done = up.data.length === up.size;
    if (done) this.files.set(up.path, up.data);
    return { id, path: up.path, size: up.size, offset: up.data.length, done };
  }
}

const found = (...all: [string, string][]) => ({ files: all.map(([path, text]) => ({ path, file: new File([text], path) })), folders: [] as string[] });
const until = (ok: () => boolean) => vi.waitFor(() => expect(ok()).toBe(true), { timeout: 2000, interval: 2 });

let server: Server;
let queue: Transfers;
beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(1);
  server = new Server();
  queue = new Transfers(server);
});

test('files arrive, empty ones too, three at a time', async () => {
  queue.add('/d', found(...Array.from({ length: 20 }, (_, i): [string, string] => [`f${i}`, i ? 'x'.repeat(i) : ''])));
  await until(() => queue.open === 0);
  expect(server.files.size).toBe(20);
  expect(server.files.get('/d/f0')).toBe('');
  expect(server.most).toBe(3);
  expect(queue.sent).toBe(queue.total);
  queue.clear();
  expect([queue.list.length, queue.total, queue.sent]).toEqual([0, 0, 0]);
});

test('what is over is forgotten but for the last ones; the count and the bytes are not', async () => {
  queue.add('/d', found(...Array.from({ length: 700 }, (_, i): [string, string] => [`f${i}`, 'xy'])));
  await until(() => queue.open === 0);
  expect(server.files.size).toBe(700);
  expect([queue.counts.done, queue.total, queue.sent]).toEqual([700, 1400, 1400]);
  expect(queue.list.length).toBeGreaterThanOrEqual(kept);
  expect(queue.list.length).toBeLessThanOrEqual(kept + 50);
  expect(queue.list.at(-1)?.path).toBe('/d/f699');
  queue.clear();
  expect([queue.list.length, queue.counts.done, queue.total, queue.sent]).toEqual([0, 0, 0, 0]);
  queue.add('/d', found(['more', 'z']));
  await until(() => queue.open === 0);
  expect([server.files.get('/d/more'), queue.counts.done, queue.total, queue.sent]).toEqual(['z', 1, 1, 1]);
});

test('a thousand that are cancelled together are over, and nothing is left', async () => {
  server.hold = true;
  queue.add('/d', found(...Array.from({ length: 1000 }, (_, i): [string, string] => [`f${i}`, 'xy'])));
  await until(() => server.held.length === 3);
  queue.cancelAll();
  expect([queue.open, queue.counts.cancelled, queue.total, queue.sent]).toEqual([0, 1000, 0, 0]);
  expect(queue.list.length).toBeLessThanOrEqual(kept + 50);
  await until(() => server.uploads.size === 0);
});

test('a large file goes in pieces', async () => {
  const text = 'ab'.repeat(5 << 20);
  queue.add('/', found(['big', text]));
  await until(() => queue.open === 0);
  expect(server.files.get('/big') === text).toBe(true);
});

test('empty folders are made from the top down', async () => {
  queue.add('/d', { files: [], folders: ['a/b/c', 'a/x'] });
  await until(() => server.folders.length === 4);
  expect(server.folders).toEqual(['/d/a', '/d/a/b', '/d/a/b/c', '/d/a/x']);
});

describe('pause and breaks', () => {
  test('a paused upload goes on where the server says that it is', async () => {
    server.hold = true;
    queue.add('/', found(['a', 'hello']));
    await until(() => server.held.length === 1);
    const [t] = queue.list;
    queue.pause(t!);
    expect(t!.state).toBe('paused');
    server.hold = false;
    server.uploads.get('u1')!.data = 'he';
    queue.resume(t!);
    await until(() => t!.state === 'done');
    expect(server.files.get('/a')).toBe('hello');
  });

  test('one that the server gave up starts again', async () => {
    server.hold = true;
    queue.add('/', found(['a', 'hello']));
    await until(() => server.held.length === 1);
    queue.pauseAll();
    server.uploads.clear();
    server.hold = false;
    queue.resumeAll();
    await until(() => queue.open === 0);
    expect(server.files.get('/a')).toBe('hello');
  });

  test('another offset is taken over', async () => {
    server.faults = [new OffsetProblem(0)];
    queue.add('/', found(['a', 'hello']));
    await until(() => queue.open === 0);
    expect(server.files.get('/a')).toBe('hello');
  });

  test('a break is waited out, and cut short when the network is back', async () => {
    server.faults = [new Problem(0, 'No answer')];
    queue.add('/', found(['a', 'hello']));
    await until(() => queue.list[0]?.state === 'retrying');
    queue.retryNow();
    await until(() => queue.open === 0);
    expect(server.files.get('/a')).toBe('hello');
  });

  test('a refusal is final until the person says so', async () => {
    server.faults = [new Problem(507, 'Not enough space', '', 'no_space')];
    queue.add('/', found(['a', 'hello']));
    await until(() => queue.list[0]?.state === 'failed');
    expect(queue.list[0]?.problem?.title).toBe('Not enough space');
    expect(queue.open).toBe(0);
    queue.resume(queue.list[0]!);
    await until(() => queue.list[0]?.state === 'done');
  });

  test('a name that the drive cannot hold is not sent', async () => {
    queue.add('/', found(['a\\b', 'x']));
    await until(() => queue.list[0]?.state === 'failed');
    expect(queue.list[0]?.problem?.code).toBe('name_slash');
    expect(server.uploads.size).toBe(0);
  });
});

test('cancelling forgets the upload and its bytes, and the next takes its place', async () => {
  server.hold = true;
  queue.add('/', found(['a', 'aa'], ['b', 'bb'], ['c', 'cc'], ['d', 'dd']));
  await until(() => server.held.length === 3);
  queue.cancel(queue.list[0]!);
  expect(queue.total).toBe(6);
  await until(() => server.held.length === 4);
  server.release();
  await until(() => queue.open === 0);
  expect([...server.files.keys()].sort()).toEqual(['/b', '/c', '/d']);
  expect(server.uploads.has('u1')).toBe(false);
});

describe('a name that is taken', () => {
  beforeEach(() => {
    for (const n of ['/a', '/b', '/b (2)']) server.files.set(n, 'old');
    queue.add('/', found(['a', 'new a'], ['b', 'new b'], ['c', 'new c']));
  });

  test('is asked about, one at a time, while the others go on', async () => {
    await until(() => queue.question !== null && server.files.has('/c'));
    expect(queue.question?.existing?.path).toBe(queue.question?.transfer.path);
    queue.decide('replace', false);
    await until(() => server.files.get('/a') === 'new a' && queue.question !== null);
    queue.decide('skip', false);
    await until(() => queue.open === 0);
    expect(server.files.get('/b')).toBe('old');
    expect(queue.sent).toBe(queue.total);
  });

  test('both are kept under the first free name', async () => {
    await until(() => queue.question !== null);
    queue.decide('both', true);
    await until(() => queue.open === 0);
    expect(server.files.get('/a (2)')).toBe('new a');
    expect(server.files.get('/b (3)')).toBe('new b');
    expect(server.files.get('/b')).toBe('old');
  });

  test('one decision for all is not asked again', async () => {
    await until(() => queue.question !== null);
    queue.decide('replace', true);
    await until(() => queue.open === 0);
    expect(server.files.get('/b')).toBe('new b');
    expect(queue.question).toBeNull();
  });

  test('cancelling what is asked about asks about the next', async () => {
    await until(() => queue.question !== null && queue.counts.asking === 2);
    const first = queue.question!.transfer;
    queue.cancel(first);
    await until(() => queue.question !== null && queue.question.transfer !== first);
  });
});

const many = (n: number) => found(...Array.from({ length: n }, (_, i): [string, string] => [`f${i}`, 'x']));

describe('many files', () => {
  test('while nobody answers, three wait and the others keep their turn', async () => {
    server.gone = true;
    queue.add('/', many(500));
    await until(() => queue.counts.retrying === 3);
    expect([queue.counts.waiting, server.begun]).toEqual([497, 3]);
    server.gone = false;
    queue.retryNow();
    await until(() => queue.open === 0);
    expect(server.files.size).toBe(500);
  });

  test('a silence longer than all tries fails nothing', async () => {
    vi.useFakeTimers();
    server.gone = true;
    queue.add('/', many(1));
    await vi.advanceTimersByTimeAsync(3600_000);
    expect(queue.list[0]?.state).toBe('retrying');
    server.gone = false;
    await vi.advanceTimersByTimeAsync(31_000);
    vi.useRealTimers();
    await until(() => queue.list[0]?.state === 'done');
  });

  test('one answer for hundreds of taken names asks the server about none of them', async () => {
    for (let i = 0; i < 300; i++) server.files.set(`/f${i}`, 'old');
    queue.add('/', many(300));
    await until(() => queue.question !== null && queue.counts.asking === 300);
    const before = server.stats;
    queue.decide('skip', true);
    await until(() => queue.open === 0);
    expect(server.stats).toBe(before);
    expect(queue.counts.skipped).toBe(300);
  });

  test('cancelling all of twenty thousand takes no time that one sees, and asks nothing', async () => {
    server.hold = true;
    const file = new File(['x'], 'f');
    queue.add('/', { files: Array.from({ length: 20_000 }, (_, i) => ({ path: `f${i}`, file })), folders: [] });
    await until(() => server.held.length === 3);
    const start = performance.now();
    queue.cancelAll();
    expect(performance.now() - start).toBeLessThan(1500);
    expect([queue.open, queue.total, queue.sent, server.stats]).toEqual([0, 0, 0, 0]);
    queue.clear();
    server.release();
    queue.add('/', found(['last', 'y']));
    await until(() => queue.open === 0);
    expect(server.files.get('/last')).toBe('y');
  });
});

test('what is not replaced although it may be, fails and does not ask for ever', async () => {
  server.files.set('/a', 'old');
  server.full = true;
  queue.add('/', found(['a', 'new']));
  await until(() => queue.question !== null);
  queue.decide('replace', false);
  await until(() => queue.list[0]?.state === 'failed');
  expect(queue.list[0]?.problem?.code).toBe('exists');
  expect(server.begun).toBe(2);
});

test('paused and resumed before the server answered: one file, and no upload left behind', async () => {
  const begin = server.begin.bind(server);
  const late: (() => void)[] = [];
  vi.spyOn(server, 'begin').mockImplementation(async (...of: Parameters<Server['begin']>) => {
    await new Promise<void>((go) => late.push(go));
    return begin(...of);
  });
  queue.add('/', found(['a', 'hello']));
  await until(() => late.length === 1);
  queue.pauseAll();
  queue.resumeAll();
  await until(() => late.length === 2);
  late[1]!();
  await until(() => queue.open === 0);
  late[0]!();
  await until(() => server.uploads.size === 1);
  expect([server.files.get('/a'), queue.list[0]?.state]).toEqual(['hello', 'done']);
});

test('a file that arrived while it was paused is done, and is not asked about', async () => {
  server.hold = true;
  queue.add('/', found(['a', 'hello']));
  await until(() => server.held.length === 1);
  // The last piece is there before the pause is heard of.
  const t = queue.list[0]!;
  t.abort = null;
  queue.pause(t);
  server.release();
  await until(() => t.state === 'done');
  expect([queue.sent, queue.total, queue.open]).toEqual([5, 5, 0]);
});

test('a file that cannot be read any more says so', async () => {
  const file = new File(['hello'], 'a');
  const slice = file.slice.bind(file);
  let gone = false;
  vi.spyOn(file, 'slice').mockImplementation((...of: Parameters<File['slice']>) => {
    const blob = slice(...of);
    const deeper = blob.slice.bind(blob);
    vi.spyOn(blob, 'slice').mockImplementation((...b: Parameters<Blob['slice']>) => {
      const first = deeper(...b);
      if (gone) vi.spyOn(first, 'arrayBuffer').mockRejectedValue(new DOMException('changed', 'NotReadableError'));
      return first;
    });
    return blob;
  });
  gone = true;
  server.faults = [new Problem(0, 'No answer')];
  queue.add('/', { files: [{ path: 'a', file }], folders: [] });
  await until(() => queue.list[0]?.state === 'failed');
  expect(queue.list[0]?.problem?.code).toBe('unreadable');
});

// Whatever a person does, in whatever order: the sums are those of the list, and
// in the end everything that was not given up is there, once.
test('any order of acts and faults ends with the right files and sums', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    let x = seed * 2654435761;
    const chance = (n: number): number => ((x = (x * 1103515245 + 12345) >>> 0), (x >>> 8) % n);
    const s = new Server();
    const q = new Transfers(s);
    for (let i = 0; i < 12; i++) if (chance(4) === 0) s.files.set(`/f${i}`, 'old');
    for (let i = 0; i < 10; i++) s.faults.push([null, new OffsetProblem(0), new Problem(503, 'busy', '', 'busy'), new Problem(507, 'full')][chance(4)] ?? null);
    q.add('/', many(12));
    for (let n = 0; n < 40; n++) {
      const t = q.list[chance(q.list.length)];
      const act = chance(9);
      if (act === 0 && t) q.pause(t);
      else if (act === 1 && t) q.resume(t);
      else if (act === 2 && t && chance(3) === 0) q.cancel(t);
      else if (act === 3) q.retryNow();
      else if (act === 4 && q.question) q.decide((['replace', 'both', 'skip'] as const)[chance(3)] ?? 'skip', chance(2) === 0);
      else if (act === 5) q.pauseAll();
      else if (act === 6) q.resumeAll();
      else await new Promise((go) => setTimeout(go));
      const counted = q.list.reduce<Record<string, number>>((c, y) => ({ ...c, [y.state]: (c[y.state] ?? 0) + 1 }), {});
      for (const [state, many] of Object.entries(q.counts)) expect(counted[state] ?? 0, `seed ${seed}: ${state}`).toBe(many);
    }
    s.faults = [];
    await until(() => {
      q.resumeAll();
      if (q.question) q.decide('both', true);
      return q.list.every((t) => t.over);
    });
    const sizes = q.list.filter((t) => t.state === 'done').reduce((n, t) => n + t.size, 0);
    expect([q.total, q.sent], `seed ${seed}`).toEqual([sizes, sizes]);
    for (const t of q.list) if (t.state === 'done') expect(s.files.get(t.path), `seed ${seed}: ${t.path}`).toBe('x');
    expect(s.most).toBeLessThanOrEqual(4); // three, and one that was just stopped
  }
}, 30_000);
