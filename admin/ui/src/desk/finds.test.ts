// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import { screenOf, server, signIn, type Call, type Server } from '../testing';
import { confirmations } from '../ui/confirm.svelte';
import { openApp, shell, windows } from './desk.svelte';
import { filesFor, finds, grouped, nodesFor, type Found } from './finds.svelte';
import { look } from './look.svelte';
import { t } from './strings';

let s: Server;
beforeEach(() => {
  screenOf(1280, 768);
  s = server().on('GET /nodes', { items: [1, 2].map(cluster.node), total: 2 });
  s.on('POST /nodes/*/drain', { sentence: 'All is moved.', facts: [], blockers: [] });
  signIn('admin');
  for (const w of windows.list) windows.close(w);
  Object.assign(shell, { cheat: false });
  confirmations.current = null;
});

const one = (all: readonly Found[], id: string): Found => {
  const found = all.find((f) => f.id === id);
  if (!found) throw new Error(`${id} is not among ${all.map((f) => f.id).join(' ')}`);
  return found;
};
const top = (): unknown[] => [windows.top?.app, windows.top?.params];
const items = (...paths: string[]) => ({ dir: cluster.entry('/', true), items: paths.map((p) => cluster.entry(p, !p.includes('.'), 9)) });

test('a node opens its page, and “may I stop it” the answer to that', async () => {
  const all = await nodesFor();
  one(all, 'node-n1').run(false);
  expect(top()).toEqual(['nodes', { id: 'n1' }]);
  one(all, 'safe-n2').run(false);
  expect(top()).toEqual(['nodes', { id: 'n2', tab: 'stop' }]);
});

test('to drain asks before anything is sent that is not a dry run', async () => {
  one(await nodesFor(), 'drain-n1').run(false);
  await vi.waitFor(() => expect(confirmations.current).not.toBeNull());
  expect(s.sent('POST /nodes/n1/drain').every((c: Call) => c.query.get('dry_run') === 'true')).toBe(true);
});

test.each([['viewer', 0], ['writer', 0], ['operator', 2], ['admin', 2]] as const)('a %s is offered %d drains', async (role, drains) => {
  signIn(role);
  expect((await nodesFor()).filter((f) => f.id.startsWith('drain-'))).toHaveLength(drains);
});

test('a node is found by its address and by its id, too', async () => {
  const nodes = await nodesFor();
  const { addr } = cluster.node(2);
  for (const query of [addr, 'n2']) expect(finds(query, nodes, []).map((f) => f.id)).toContain('node-n2');
});

test('a slash alone looks into the root, one more into the folder before it', async () => {
  s.on('GET /fs/entries', items('/Docs', '/a.txt'));
  expect((await filesFor('/')).map((f) => f.label)).toEqual(['Docs', 'a.txt']);
  await filesFor('/Docs/');
  expect(s.sent('GET /fs/entries').map((c) => c.query.get('path'))).toEqual(['/', '/Docs']);
});

test('a folder that is found is opened; a file is selected in its folder, in the root as well', async () => {
  s.on('GET /fs/entries', items('/Docs', '/a.txt'));
  const all = await filesFor('/');
  all[0]?.run(false);
  expect(top()).toEqual(['files', { path: '/Docs' }]);
  all[1]?.run(true);
  expect(top()).toEqual(['files', { path: '/', select: '/a.txt' }]);
});

test('what is searched for reaches the server as it was typed', async () => {
  s.on('GET /fs/search', { items: [cluster.entry('/x/a & b?.txt', false, 9)], complete: true, seen: 1 });
  const [found] = await filesFor('a & b?');
  expect([s.sent('GET /fs/search')[0]?.query.get('text'), found?.label, found?.about]).toEqual(['a & b?', 'a & b?.txt', '/x']);
});

test('of many files at most twenty are shown', async () => {
  s.on('GET /fs/search', { items: Array.from({ length: 200 }, (_, i) => cluster.entry(`/f${i}.txt`, false, 9)), complete: false, seen: 200 });
  expect(await filesFor('f')).toHaveLength(20);
});

test('two files whose names differ only by a blank are two finds', async () => {
  s.on('GET /fs/search', { items: ['/a b.txt', '/a_b.txt'].map((p) => cluster.entry(p, false, 9)), complete: true, seen: 2 });
  const ids = (await filesFor('txt')).map((f) => f.id);
  expect(new Set(ids).size).toBe(2);
  for (const id of ids) expect(id).not.toMatch(/\s/); // it names an element of the page
});

test('an at sign without a name leads to all accounts, for who may see them', () => {
  const [all] = finds('@', [], []);
  all?.run(false);
  expect([all?.label, ...top()]).toEqual([t.apps.users, 'users', {}]);
  signIn('operator');
  expect(finds('@', [], [])).toEqual([]);
});

test('a window that is put away comes back when it is chosen', () => {
  const win = openApp('nodes')!;
  windows.showDesk();
  expect(windows.top).toBeNull();
  one(finds('', [], []), `win-${win.id}`).run(false);
  expect([windows.top?.id, windows.list.length]).toEqual([win.id, 1]);
});

test('an act is found by another word for it', () => {
  expect(finds('logout', [], []).map((f) => f.id)).toContain('act-out');
  expect(finds('join', [], []).map((f) => f.id)).toContain('act-add');
  signIn('viewer');
  expect(finds('join', [], []).map((f) => f.id)).not.toContain('act-add');
});

test('each theme is set by its own act, and the list of shortcuts opens', () => {
  for (const theme of ['light', 'dark', 'auto'] as const) {
    one(finds('', [], []), `act-theme-${theme}`).run(false);
    expect(look.data.theme).toBe(theme);
  }
  one(finds('', [], []), 'act-keys').run(false);
  expect(shell.cheat).toBe(true);
});

test('blanks are no question: all that can be opened is there', () => {
  expect(finds('   ', [], []).map((f) => f.id)).toEqual(finds('', [], []).map((f) => f.id));
});

test('accents need not be typed', async () => {
  s.on('GET /nodes', { items: [{ ...cluster.node(1), name: 'Küche' }], total: 1 });
  expect(finds('kuche', await nodesFor(), [])[0]?.id).toBe('node-n1');
});

test('a group has its title and only its own', async () => {
  const groups = grouped([...(await nodesFor()), ...finds('', [], [])]);
  expect(new Set(groups.map((g) => g.id)).size).toBe(groups.length);
  for (const g of groups) expect(g.items.every((f) => f.group === g.id)).toBe(true);
  expect(groups.find((g) => g.id === 'nodes')?.title).toBe(t.groupNodes);
});
