import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { guarded, Session, session, type Me } from './session.svelte';

const me = (role: Me['role'], signed_in = true): Me => ({ signed_in, user: 'anna', role, encrypted: true, setup: false, version: '1', cluster: 'attic', idle_seconds: 60 });
const problem = (status: number, code: string): Response =>
  new Response(JSON.stringify({ status, code }), { status, headers: { 'Content-Type': 'application/problem+json' } });
const url = 'http://admin/api/v1/nodes';
let answers: Response[];
let asked: string[];

beforeEach(() => {
  answers = [];
  asked = [];
  session.me = me('admin');
  vi.stubGlobal('fetch', async (r: Request) => {
    asked.push(`${r.method} ${await r.text()}`);
    return answers.shift() ?? new Response('{}');
  });
});
afterEach(() => {
  session.unlock(me('admin'));
  session.sudoDone(false);
  vi.unstubAllGlobals();
});

test('a role may what a lower one may, and nobody without a session', () => {
  const s = new Session();
  expect(s.can('viewer')).toBe(false);
  s.me = me('writer');
  expect((['viewer', 'reader', 'writer', 'operator', 'admin'] as const).map((r) => s.can(r))).toEqual([true, true, true, false, false]);
  s.me = me('admin', false);
  expect(s.can('viewer')).toBe(false);
});

test('a call that meets the end of the session waits, and is sent again as it was', async () => {
  answers = [problem(401, 'signed_out')];
  const call = guarded(new Request(url, { method: 'POST', body: 'hello' }));
  await vi.waitFor(() => expect(session.locked).toBe(true));
  session.unlock(me('admin'));
  expect((await call).status).toBe(200);
  expect(asked).toEqual(['POST hello', 'POST hello']);
});

test('a wrong password at the sign-in itself locks nothing', async () => {
  answers = [problem(401, 'denied')];
  expect((await guarded(new Request('http://admin/api/v1/session', { method: 'POST' }))).status).toBe(401);
  expect(session.locked).toBe(false);
});

test('a call that is given up does not wait for ever', async () => {
  const aborts = [new AbortController(), new AbortController()];
  answers = [problem(401, ''), problem(401, '')];
  const calls = aborts.map((a) => guarded(new Request(url, { signal: a.signal })).catch((e: Error) => e.name));
  await vi.waitFor(() => expect(session.waiting).toBe(2));
  aborts[0]!.abort();
  expect(await calls[0]).toBe('AbortError');
  expect(session.waiting).toBe(1);
  session.unlock(me('admin'));
  expect(await calls[1]).toMatchObject({ status: 200 });
  expect(session.waiting).toBe(0);
});

test('the password again: sent again when it was given, refused when not', async () => {
  answers = [problem(403, 'sudo')];
  let call = guarded(new Request(url));
  await vi.waitFor(() => expect(session.askingPassword).toBe(true));
  session.sudoDone(true);
  expect((await call).status).toBe(200);
  answers = [problem(403, 'sudo')];
  call = guarded(new Request(url));
  await vi.waitFor(() => expect(session.askingPassword).toBe(true));
  session.sudoDone(false);
  expect((await call).status).toBe(403);
});

test('another refusal is handed on, however its text looks', async () => {
  answers = [problem(403, 'forbidden'), new Response('{', { status: 403, headers: { 'Content-Type': 'application/json' } })];
  expect((await guarded(new Request(url))).status).toBe(403);
  expect((await guarded(new Request(url))).status).toBe(403);
  expect(session.askingPassword).toBe(false);
});
