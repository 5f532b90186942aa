import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Problem } from '../api/problem';
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
  #now = 0;
  #id = 0;

  async begin(path: string, file: { size: number }, overwrite: boolean): Promise<Upload> {
    if (this.files.has(path) && !overwrite) throw new Problem(409, 'exists', '', 'exists');
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
