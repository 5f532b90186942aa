// @vitest-environment happy-dom
import { configure, render, screen } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import type { Schemas } from '../api/client';
import { session } from '../api/session.svelte';
import { hands, refusal, server, signIn, type Call, type Server } from '../testing';
import { conflicts } from './conflict.svelte';
import './ConflictDialog.svelte';
import { transfers } from './queue.svelte';
import { t } from './strings';
import TransferHost from './TransferHost.svelte';
import TransferPanel from './TransferPanel.svelte';
import TransferStrip from './TransferStrip.svelte';
import { OffsetProblem, wire } from './wire';

configure({ defaultHidden: true });

// XHR is the browser's other way to send: the only one that tells how far it is.
class XHR {
  static all: XHR[] = [];
  static answer: ((x: XHR) => void) | null = null;
  upload: { onprogress?: (e: { loaded: number }) => void } = {};
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  status = 0;
  statusText = '';
  responseText = '';
  headers: Record<string, string> = {};
  what = '';
  body: Blob | null = null;
  aborted = false;
  open(method: string, url: string): void {
    this.what = `${method} ${url}`;
  }
  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }
  getResponseHeader(name: string): string | null {
    return name === 'X-Request-ID' ? 'r-1' : null;
  }
  send(body: Blob): void {
    this.body = body;
    XHR.all.push(this);
    XHR.answer?.(this);
  }
  abort(): void {
    this.aborted = true;
    this.onabort?.();
  }
  reply(status: number, body: unknown, statusText = ''): void {
    Object.assign(this, { status, statusText, responseText: typeof body === 'string' ? body : JSON.stringify(body) });
    this.onload?.();
  }
}

let s: Server;
const upload = (id: string, offset: number, size: number): Schemas['Upload'] => ({ id, path: '/x', offset, size, done: offset === size }) as Schemas['Upload'];

beforeEach(() => {
  s = server();
  signIn('writer');
  XHR.all = [];
  XHR.answer = null;
  vi.stubGlobal('XMLHttpRequest', XHR);
  let n = 0;
  s.on('POST /fs/uploads', (c: Call) => upload(`u${++n}`, 0, (c.body as { size: number }).size));
  s.on('DELETE /fs/uploads/*', undefined);
});
afterEach(() => {
  transfers.cancelAll();
  transfers.clear();
});

const file = (name: string, text = 'hello'): { path: string; file: File } => ({ path: name, file: new File([text], name, { lastModified: Date.parse('2026-11-01T10:00:00Z') }) });
const send = (signal = new AbortController().signal, progress: (n: number) => void = () => undefined) => wire.send('u 1', 7, new Blob(['abc']), progress, signal);

test('a piece says where it belongs, and tells how far it is', async () => {
  const told: number[] = [];
  const sent = send(undefined, (n) => told.push(n));
  const [x] = XHR.all as [XHR];
  expect([x.what, x.headers['Upload-Offset'], x.body!.size]).toEqual(['PATCH /api/v1/fs/uploads/u%201', '7', 3]);
  x.upload.onprogress!({ loaded: 2 });
  x.reply(200, upload('u 1', 10, 20));
  expect((await sent).offset).toBe(10);
  expect(told).toEqual([2]);
});

test('a server that is elsewhere in the file says where', async () => {
  const sent = send().catch((e: unknown) => e);
  XHR.all[0]!.reply(409, { title: 'Offset', code: 'offset', offset: 4096 });
  expect(await sent).toBeInstanceOf(OffsetProblem);
  expect(await sent).toMatchObject({ offset: 4096 });
});

test('a refusal is told with its request id, also one that is no document', async () => {
  const refused = send().catch((e: unknown) => e);
  XHR.all[0]!.reply(507, { title: 'No room', code: 'no_space' });
  expect(await refused).toMatchObject({ status: 507, title: 'No room', requestId: 'r-1' });
  const strange = send().catch((e: unknown) => e);
  XHR.all[1]!.reply(502, '<html>', 'Bad Gateway');
  expect(await strange).toMatchObject({ status: 502, title: 'Bad Gateway' });
});

test('a broken line is no refusal', async () => {
  const sent = send().catch((e: unknown) => e);
  XHR.all[0]!.onerror!();
  expect(await sent).toMatchObject({ unreachable: true });
});

test('what is stopped is stopped on the wire, too', async () => {
  const abort = new AbortController();
  const sent = send(abort.signal).catch((e: Error) => e.name);
  abort.abort();
  expect([await sent, XHR.all[0]!.aborted]).toEqual(['AbortError', true]);
  const late = send(abort.signal).catch((e: Error) => e.name);
  expect([await late, XHR.all.length]).toEqual(['AbortError', 1]);
});

test('a session that ended in the middle of a file waits for the sign-in, then reports it', async () => {
  let over = false;
  const sent = send().catch((e: { status: number }) => ((over = true), e.status));
  XHR.all[0]!.reply(401, { title: 'Sign in first' });
  await vi.waitFor(() => expect(session.locked).toBe(true));
  expect(over).toBe(false);
  session.unlock(cluster.session());
  expect(await sent).toBe(401); // the queue tries again
});

test('to begin names size, time and whether what is there gives way', async () => {
  await wire.begin('/a/b.txt', { size: 5, lastModified: 0 }, true);
  expect(s.sent('POST /fs/uploads')[0]!.body).toEqual({ path: '/a/b.txt', size: 5, overwrite: true, parents: true, modified: '1970-01-01T00:00:00.000Z' });
});

test('what is not there is nothing, and not to know is a fault', async () => {
  s.refuse('GET /fs/stat', 404, 'Not here');
  expect(await wire.existing('/x')).toBeNull();
  s.on('GET /fs/stat', { entry: cluster.entry('/x', false, 3) });
  expect((await wire.existing('/x'))?.size).toBe(3);
  s.refuse('GET /fs/stat', 503, 'Later');
  await expect(wire.existing('/x')).rejects.toMatchObject({ status: 503 });
});

const rows = (): string[] => [...document.querySelectorAll('li')].map((x) => x.textContent!.replace(/\s+/g, ' ').trim());
const button = (name: string): HTMLElement => screen.getByRole('button', { name });

function panel(): void {
  render(TransferPanel);
}

test('without uploads it says what will stand there', () => {
  panel();
  expect(screen.getByText(t.noneDetail)).toBeDefined();
});

test('a file on its way shows how far it is, and is done at the end', async () => {
  panel();
  transfers.add('/Docs', { files: [file('a.txt')], folders: [] });
  await vi.waitFor(() => expect(XHR.all).toHaveLength(1));
  XHR.all[0]!.upload.onprogress!({ loaded: 2 });
  flushSync();
  const bar = screen.getByRole('progressbar', { name: 'a.txt' });
  expect(bar.getAttribute('aria-valuenow')).toBe('40');
  expect(rows()[0]).toMatch(/a\.txt.*Docs.*Uploading.*2 B of 5 B/);
  XHR.all[0]!.reply(200, upload('u1', 5, 5));
  await vi.waitFor(() => expect(rows()[0]).toContain(t.states.done));
  expect(screen.getByText(t.done(1))).toBeDefined();
});

test('three go at once, the others wait, and a long line is cut and counted', async () => {
  panel();
  transfers.add('/', { files: Array.from({ length: 20 }, (_, i) => file(`f${i}`)), folders: [] });
  await vi.waitFor(() => expect(XHR.all).toHaveLength(3));
  flushSync();
  expect(document.querySelectorAll('li:not(.more)')).toHaveLength(8);
  expect(rows().at(-1)).toBe(t.moreWaiting(12));
});

test('one is paused, goes on where the server is, and keeps what was sent', async () => {
  panel();
  transfers.add('/', { files: [file('a.txt')], folders: [] });
  await vi.waitFor(() => expect(XHR.all).toHaveLength(1));
  await hands().click(button(t.pauseOf('a.txt')));
  expect([XHR.all[0]!.aborted, rows()[0]!.includes(t.states.paused)]).toEqual([true, true]);
  s.on('GET /fs/uploads/*', upload('u1', 3, 5));
  await hands().click(button(t.resumeOf('a.txt')));
  await vi.waitFor(() => expect(XHR.all).toHaveLength(2));
  expect([XHR.all[1]!.headers['Upload-Offset'], XHR.all[1]!.body!.size]).toEqual(['3', 2]);
});

test('who pauses by keys has the focus still, where the row has gone to, and resumes', async () => {
  panel();
  transfers.add('/', { files: [file('a'), file('b'), file('c')], folders: [] });
  await vi.waitFor(() => expect(XHR.all).toHaveLength(3));
  button(t.pauseOf('a')).focus();
  await hands().keyboard('{Enter}');
  await vi.waitFor(() => expect(document.activeElement!.getAttribute('aria-label')).toBe(t.resumeOf('a')));
  expect(rows().map((x) => x.trim()[0])).toEqual(['b', 'c', 'a']);
  await hands().keyboard('{Enter}');
  await vi.waitFor(() => expect(transfers.counts).toMatchObject({ sending: 3 }));
  expect(document.activeElement!.getAttribute('aria-label')).toBe(t.pauseOf('a'));
});

test('one is cancelled, and the server gives it up', async () => {
  panel();
  transfers.add('/', { files: [file('a.txt')], folders: [] });
  await vi.waitFor(() => expect(XHR.all).toHaveLength(1));
  await hands().click(button(t.cancelOf('a.txt')));
  await vi.waitFor(() => expect(s.sent('DELETE /fs/uploads/u1')).toHaveLength(1));
  expect(rows()[0]).toContain(t.states.cancelled);
  expect(screen.queryByRole('button', { name: t.cancelOf('a.txt') })).toBeNull();
});

test('one that failed says why and can be tried again', async () => {
  panel();
  s.refuse('POST /fs/uploads', 507, 'The drive is full', { code: 'no_space' });
  transfers.add('/', { files: [file('a.txt')], folders: [] });
  await vi.waitFor(() => expect(rows()[0]).toContain('The drive is full'));
  expect(screen.getByText(t.failed(1))).toBeDefined();
  s.on('POST /fs/uploads', upload('u9', 0, 5));
  await hands().click(button(t.resumeOf('a.txt')));
  await vi.waitFor(() => expect(XHR.all).toHaveLength(1));
});

test('a name that the drive cannot store is told before anything is sent', async () => {
  panel();
  transfers.add('/', { files: [file('x'.repeat(300))], folders: [] });
  await vi.waitFor(() => expect(rows()[0]).toContain(t.problems.name_long));
  expect(s.calls).toEqual([]);
});

test('all are paused and go on, all are cancelled, what is over is cleared', async () => {
  panel();
  transfers.add('/', { files: [file('a'), file('b'), file('c'), file('d')], folders: [] });
  await vi.waitFor(() => expect(XHR.all).toHaveLength(3));
  await hands().click(button(t.pauseAll));
  expect(transfers.counts).toMatchObject({ paused: 4 });
  expect(screen.queryByRole('button', { name: t.pauseAll })).toBeNull();
  await hands().click(button(t.resumeAll));
  expect(transfers.counts.paused).toBe(0);
  await hands().click(button(t.cancelAll));
  expect(transfers.open).toBe(0);
  await hands().click(button(t.clear));
  expect(screen.getByText(t.none)).toBeDefined();
});

test('what a person has paused is not said to have failed', async () => {
  panel();
  transfers.add('/', { files: Array.from({ length: 50 }, (_, i) => file(`f${i}`)), folders: [] });
  transfers.pauseAll();
  flushSync();
  expect(rows().at(-1)).not.toMatch(/fail/);
  expect(rows().at(-1)).toContain('10');
});

test('the strip in Files tells only while something goes on or needs somebody', async () => {
  render(TransferStrip, { onshow: () => undefined } as never);
  expect(document.body.textContent!.trim()).toBe('');
  transfers.add('/', { files: [file('a')], folders: [] });
  flushSync();
  expect(document.body.textContent).toContain('1');
});

function host(): void {
  render(TransferHost);
}

const dialog = (): HTMLElement | null => document.querySelector('dialog');

function taken(size = 5): void {
  s.on('POST /fs/uploads', (c: Call) => {
    const { path, overwrite } = c.body as { path: string; overwrite: boolean };
    return path === '/a.txt' && !overwrite ? refusal(409, 'Taken', { code: 'exists' }) : upload('u1', 0, 5);
  });
  s.on('GET /fs/stat', { entry: { ...cluster.entry('/a.txt', false, size), modified: '2026-10-01T10:00:00Z' } });
}

test('a taken name is asked about, with both files side by side', async () => {
  taken();
  host();
  transfers.add('/', { files: [file('a.txt')], folders: [] });
  await vi.waitFor(() => expect(dialog()).not.toBeNull());
  expect(dialog()!.textContent).toContain(t.conflictFile('a.txt', '/'));
  expect(dialog()!.textContent).toMatch(new RegExp(`${t.yours}.*${t.sameSize}.*${t.newer}`, 's'));
  expect(document.activeElement!.textContent!.trim()).toBe(t.both);
});

test('both are kept under another name', async () => {
  taken();
  host();
  transfers.add('/', { files: [file('a.txt')], folders: [] });
  await vi.waitFor(() => expect(dialog()).not.toBeNull());
  await hands().click(button(t.both));
  await vi.waitFor(() => expect(s.sent('POST /fs/uploads')).toHaveLength(2));
  expect(s.sent('POST /fs/uploads')[1]!.body).toMatchObject({ path: '/a (2).txt', overwrite: false });
});

test('to replace is said to the server, and only then', async () => {
  taken();
  host();
  transfers.add('/', { files: [file('a.txt')], folders: [] });
  await vi.waitFor(() => expect(dialog()).not.toBeNull());
  await hands().click(button(t.replace));
  await vi.waitFor(() => expect(s.sent('POST /fs/uploads')).toHaveLength(2));
  expect(s.sent('POST /fs/uploads').map((c) => (c.body as { overwrite: boolean }).overwrite)).toEqual([false, true]);
});

test('Escape skips the file and replaces nothing', async () => {
  taken();
  host();
  transfers.add('/', { files: [file('a.txt')], folders: [] });
  await vi.waitFor(() => expect(dialog()).not.toBeNull());
  dialog()!.dispatchEvent(new Event('cancel', { cancelable: true }));
  await vi.waitFor(() => expect(transfers.counts.skipped).toBe(1));
  expect(s.sent('POST /fs/uploads')).toHaveLength(1);
});

test('a folder of that name is never replaced', async () => {
  taken();
  s.on('GET /fs/stat', { entry: cluster.entry('/a.txt', true) });
  host();
  transfers.add('/', { files: [file('a.txt')], folders: [] });
  await vi.waitFor(() => expect(dialog()).not.toBeNull());
  expect(dialog()!.textContent).toContain(t.conflictFolder('a.txt', '/'));
  expect(screen.queryByRole('button', { name: t.replace })).toBeNull();
});

test('one answer for all is offered only where more may ask', async () => {
  const answers: unknown[] = [];
  host();
  const ask = (many: boolean) => (conflicts.current = { path: `/x${many}`, existing: null, many, answer: (...a) => answers.push(a) });
  ask(false);
  await vi.waitFor(() => expect(dialog()).not.toBeNull());
  expect(screen.queryByRole('checkbox')).toBeNull();
  ask(true);
  await vi.waitFor(() => expect(screen.queryByRole('checkbox')).not.toBeNull());
  await hands().click(screen.getByLabelText(t.forAll));
  await hands().click(button(t.skip));
  expect(answers).toEqual([['skip', true]]);
  conflicts.current = null;
});

test('a name that turns the text around is shown plainly in the question', async () => {
  host();
  conflicts.current = { path: '/in\u202Egpj.exe', existing: null, many: false, answer: () => undefined };
  await vi.waitFor(() => expect(dialog()).not.toBeNull());
  expect(dialog()!.textContent).not.toContain('\u202E');
  conflicts.current = null;
});

test('leaving the page asks while files are on their way, and not when all is over', async () => {
  host();
  const leave = (): boolean => {
    const e = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(e);
    return e.defaultPrevented;
  };
  expect(leave()).toBe(false);
  transfers.add('/', { files: [file('a')], folders: [] });
  expect(leave()).toBe(true);
  transfers.cancelAll();
  expect(leave()).toBe(false);
});

test('when the network is back, what was interrupted does not wait for its next try', async () => {
  host();
  s.silent = true;
  transfers.add('/', { files: [file('a')], folders: [] });
  await vi.waitFor(() => expect(transfers.counts.retrying).toBe(1));
  s.silent = false;
  window.dispatchEvent(new Event('online'));
  await vi.waitFor(() => expect(XHR.all).toHaveLength(1));
});
