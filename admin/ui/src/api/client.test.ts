// @vitest-environment happy-dom
import { beforeEach, expect, test } from 'vitest';
import { server, signIn, type Server } from '../testing';
import { api, client } from './client';
import { Problem } from './problem';

let s: Server;
beforeEach(() => {
  s = server();
  signIn();
});

test('an answer is its data, and one without a body is nothing', async () => {
  s.on('GET /tasks', { items: [] }).on('DELETE /session', undefined);
  expect(await api(client.GET('/tasks'))).toEqual({ items: [] });
  expect(await api(client.DELETE('/session'))).toBeUndefined();
});

test('what is part of an address is written so that it stays a part', async () => {
  s.on('GET /nodes/*', {});
  await api(client.GET('/nodes/{id}', { params: { path: { id: 'a/b?c#d ü' } } }));
  expect(s.calls[0]!.path).toBe('/nodes/a%2Fb%3Fc%23d%20%C3%BC');
});

test('a path in a query comes as it was meant', async () => {
  s.on('GET /fs/stat', {});
  await api(client.GET('/fs/stat', { params: { query: { path: '/a b/ü&x=1+2.txt' } } }));
  expect(s.calls[0]!.query.get('path')).toBe('/a b/ü&x=1+2.txt');
});

test('what is not given is not asked for', async () => {
  s.on('GET /nodes', {});
  await api(client.GET('/nodes', { params: { query: { limit: 5, cursor: undefined } } }));
  expect([...s.calls[0]!.query.keys()]).toEqual(['limit']);
});

test('what is sent is JSON', async () => {
  s.on('POST /fs/mkdir', undefined);
  await api(client.POST('/fs/mkdir', { body: { path: '/neu' } }));
  expect([s.calls[0]!.headers.get('Content-Type'), s.calls[0]!.body]).toEqual(['application/json', { path: '/neu' }]);
});

test('a refusal is thrown with all that the server said', async () => {
  s.refuse('POST /fs/mkdir', 422, 'Not so', { code: 'invalid', detail: 'Too long.', fields: { path: 'too long' } });
  const thrown = await api(client.POST('/fs/mkdir', { body: { path: '/x' } })).catch((e: unknown) => e);
  expect(thrown).toBeInstanceOf(Problem);
  expect(thrown).toMatchObject({ status: 422, title: 'Not so', detail: 'Too long.', code: 'invalid', fields: { path: 'too long' }, requestId: 'r-4711' });
});

test('a way that is cut is no refusal', async () => {
  s.silent = true;
  await expect(api(client.GET('/nodes'))).rejects.toMatchObject({ status: 0, unreachable: true, forbidden: false, missing: false });
});

test('something between that answers in HTML is told by its status', async () => {
  s.on('GET /nodes', () => new Response('<html>Bad Gateway</html>', { status: 502, statusText: 'Bad Gateway', headers: { 'Content-Type': 'text/html' } }));
  await expect(api(client.GET('/nodes'))).rejects.toMatchObject({ status: 502, unreachable: false });
});

test('who is nobody and meets 401 is not locked: there is nothing to come back to', async () => {
  const { session } = await import('./session.svelte');
  session.me = undefined;
  s.refuse('GET /nodes', 401, 'Sign in first');
  await expect(api(client.GET('/nodes'))).rejects.toMatchObject({ status: 401 });
  expect(session.locked).toBe(false);
});

test('ten calls that meet the end of the session are all sent again after one sign-in', async () => {
  const { session } = await import('./session.svelte');
  let out = true;
  const { refusal } = await import('../testing');
  s.on('GET /nodes/*', () => (out ? refusal(401, 'Sign in first') : {}));
  const calls = Array.from({ length: 10 }, (_, i) => api(client.GET('/nodes/{id}', { params: { path: { id: String(i) } } })));
  while (session.waiting < 10) await new Promise((done) => setTimeout(done));
  out = false;
  session.unlock(session.me!);
  await Promise.all(calls);
  expect([s.calls.length, session.waiting]).toEqual([20, 0]);
});
