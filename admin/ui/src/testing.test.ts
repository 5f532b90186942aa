// @vitest-environment happy-dom
import { render, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { api, client } from './api/client';
import { live } from './api/live.svelte';
import { Problem } from './api/problem';
import { session } from './api/session.svelte';
import { refusal, screenOf, server, signIn, snippet, type Call } from './testing';
import Badge from './ui/Badge.svelte';

test('the server answers what it was told, and remembers who asked', async () => {
  const s = server().on('GET /nodes/*', (c: Call) => ({ id: c.path.split('/').at(-1) }));
  expect(await api(client.GET('/nodes/{id}', { params: { path: { id: 'n7' } } }))).toEqual({ id: 'n7' });
  expect(s.sent('GET /nodes/*').map((c) => c.path)).toEqual(['/nodes/n7']);
});

test('a refusal is a problem document with its request id', async () => {
  server().refuse('POST /fs/mkdir', 409, 'Taken', { code: 'exists' });
  const failed = await api(client.POST('/fs/mkdir', { body: { path: '/a' } })).catch((e: unknown) => e);
  expect(failed).toBeInstanceOf(Problem);
  expect(failed).toMatchObject({ status: 409, title: 'Taken', code: 'exists', requestId: 'r-4711' });
});

test('what the server was not told is named', async () => {
  server();
  await expect(api(client.GET('/nodes'))).rejects.toThrow('GET /nodes');
});

test('the newest answer stands, and a reply can refuse', async () => {
  const s = server().on('GET /nodes', 1).on('GET /nodes', () => refusal(503, 'Later'));
  await expect(api(client.GET('/nodes'))).rejects.toThrow('Later');
  s.on('GET /nodes', 2);
  expect(await api(client.GET('/nodes'))).toBe(2);
});

test('an answer that is held comes when it is let go, and not after the caller left', async () => {
  const s = server().on('GET /nodes', 1);
  const free = s.hold('GET /nodes');
  let got: unknown;
  const call = api(client.GET('/nodes')).then((n) => (got = n));
  const abort = new AbortController();
  const left = api(client.GET('/nodes', { signal: abort.signal })).catch((e: unknown) => e);
  await vi.waitFor(() => expect(s.calls).toHaveLength(2));
  expect(got).toBeUndefined();
  abort.abort();
  expect(await left).toBeInstanceOf(Problem);
  free();
  await call;
  expect(got).toBe(1);
});

test('a silent server is no answer', async () => {
  server().silent = true;
  await expect(api(client.GET('/nodes'))).rejects.toMatchObject({ unreachable: true });
});

test('the live stream reaches who listens', async () => {
  const s = server();
  const heard: unknown[] = [];
  live.on('nodes', (m) => heard.push(m));
  live.start();
  await vi.waitFor(() => expect(live.state).toBe('live'));
  s.say('nodes', { id: 'n1' });
  await vi.waitFor(() => expect(heard).toEqual([{ id: 'n1' }]));
});

test('the screen and what is on it have a size', () => {
  screenOf(800, 600);
  render(Badge, { children: snippet(() => 'a < b') });
  expect(innerWidth).toBe(800);
  expect(screen.getByText('a < b').clientHeight).toBe(600);
  signIn('writer');
});

test('the next test finds nothing of the one before', () => {
  expect(document.body.textContent).toBe('');
  expect(innerWidth).not.toBe(800);
  expect(session.me).toBeUndefined();
});
