// @vitest-environment happy-dom
import { configure, render, screen } from '@testing-library/svelte';
import { flushSync, tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import type { Schemas } from '../api/client';
import { windows } from '../desk/desk.svelte';
import { w } from '../model/strings';
import { hands, screenOf, scroll, server, signIn, snippet, type Server } from '../testing';
import ContextMenuHost from '../ui/ContextMenuHost.svelte';
import { contextMenus } from '../ui/menu.svelte';
import { toasts } from '../ui/toast.svelte';
import EventGrid from './EventGrid.svelte';
import NodeBadge from './NodeBadge.svelte';
import { Pages } from './pages.svelte';
import Replicas from './Replicas.svelte';
import { csv, save } from './save';
import { t } from './strings';
import VolumeGrid from './VolumeGrid.svelte';

configure({ defaultHidden: true });
let s: Server;

const replica = (node: string, liveness: Schemas['Replica']['liveness'], zone = 'attic'): Schemas['Replica'] =>
  ({ node, name: `loft-${node}`, disk: `d${node}`, zone, liveness }) as Schemas['Replica'];

const volume = (id: string, live: number, target = 2): Schemas['Volume'] =>
  ({ id, live, target, bytes: 2 ** 30, blocks: 1204, state: 'idle', replicas: [replica('n1', 'up'), replica('n2', live > 1 ? 'up' : 'down')] }) as unknown as Schemas['Volume'];

beforeEach(() => {
  screenOf(1000, 640);
  s = server();
  signIn('admin');
  for (const x of windows.list) windows.close(x);
  toasts.list = [];
  contextMenus.current = null;
});

const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-i]')];

test.each([
  [{}, 'up'],
  [{ liveness: 'down' }, 'down'],
  [{ state: 'maintenance', liveness: 'down' }, 'maintenance'],
  [{ state: 'draining', drain: { ready: true } }, 'ready'],
] as const)('a node that is %j is said to be %s, in a word and a shape', (change, state) => {
  const { container } = render(NodeBadge, { node: { ...cluster.node(1), ...change } as Schemas['Node'] });
  expect(container.textContent!.trim()).toBe(w.node[state]);
  expect(container.querySelector('svg')).not.toBeNull();
});

test('a copy says on which node and how it is, and opens the node but not its row', async () => {
  const around = vi.fn();
  document.body.addEventListener('click', around);
  render(Replicas, { replicas: [replica('n1', 'up'), replica('n2', 'down', '')] });
  const [up, down] = screen.getAllByRole('button');
  expect([up!.textContent, up!.title]).toEqual([`${w.liveness.up}loft-n1`, `${w.liveness.up} · attic`]);
  expect(down!.title).toBe(w.liveness.down);
  await hands().click(down!);
  document.body.removeEventListener('click', around);
  expect([windows.top?.params, around.mock.calls.length]).toEqual([{ id: 'n2' }, 0]);
});

test('two copies on two disks of one node are two chips', () => {
  render(Replicas, { replicas: [replica('n1', 'up'), { ...replica('n1', 'up'), disk: 'other' }] });
  expect(screen.getAllByRole('button')).toHaveLength(2);
});

async function volumes(items: Schemas['Volume'][], next?: string): Promise<Pages<Schemas['Volume']>> {
  const list = new Pages<Schemas['Volume']>(async (cursor) => ({ items: cursor ? [volume('last', 2)] : items, next_cursor: cursor ? undefined : next }));
  await list.refresh();
  render(VolumeGrid, { id: 'v', list, empty: snippet(() => 'No volumes are so.') });
  flushSync();
  return list;
}

test('a volume says how many copies of how many it has, by tone and in words', async () => {
  await volumes([volume('v1', 1), volume('v2', 2)]);
  expect(rows().map((r) => r.querySelector('.badge')!.textContent!.trim())).toEqual([t.ofWanted('1', '2'), t.ofWanted('2', '2')]);
  expect(rows().map((r) => r.querySelector('.badge')!.classList.contains('bad'))).toEqual([true, false]);
});

test('Enter shows the volume', async () => {
  await volumes([volume('v1', 2), volume('v2', 2)]);
  screen.getByRole('grid').focus();
  await hands().keyboard('{ArrowDown}{Enter}');
  expect([windows.top?.app, windows.top?.params]).toEqual(['replication', { volume: 'v2' }]);
});

test('a volume is put first from its menu, and who may not do it is told why', async () => {
  s.on('POST /volumes/*/prioritise', undefined);
  await volumes([volume('v1', 1)]);
  render(ContextMenuHost);
  await hands().pointer({ keys: '[MouseRight]', target: rows()[0]! });
  await hands().click(screen.getByRole('menuitem', { name: t.prioritise }));
  await vi.waitFor(() => expect(s.sent('POST /volumes/v1/prioritise')).toHaveLength(1));
  signIn('viewer');
  flushSync();
  await hands().pointer({ keys: '[MouseRight]', target: rows()[0]! });
  const item = screen.getByRole('menuitem', { name: t.prioritise });
  expect([item.getAttribute('aria-disabled'), item.title]).toEqual(['true', w.act.needs(w.role.operator)]);
});

test('no such volumes are told in the words of the app', async () => {
  await volumes([]);
  expect(document.body.textContent).toContain('No volumes are so.');
});

test('a list goes on as one scrolls to its end', async () => {
  const list = await volumes(Array.from({ length: 100 }, (_, i) => volume(`v${i}`, 2)), 'more');
  expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('102'); // one more than is known
  expect(list.data!.items).toHaveLength(100);
  scroll(screen.getByRole('grid'), 3200);
  await tick();
  await vi.waitFor(() => expect(list.data!.items).toHaveLength(101));
  flushSync();
  expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('102');
});

test('a list that cannot be read at all says so, and tries again', async () => {
  let fail = true;
  const list = new Pages<Schemas['Event']>(async () => {
    if (fail) throw new Error('away');
    return { items: cluster.events().items };
  });
  await list.refresh();
  render(EventGrid, { id: 'e', list, empty: snippet(() => 'quiet') });
  fail = false;
  await hands().click(screen.getAllByRole('button')[0]!);
  await vi.waitFor(() => expect(rows()).toHaveLength(6));
});

test('an event says what, how bad and when; its node is a press away', async () => {
  const items = cluster.events().items.map((e, i) => ({ ...e, node: i === 0 ? 'n3' : undefined }));
  const list = new Pages<Schemas['Event']>(async () => ({ items }));
  await list.refresh();
  render(EventGrid, { id: 'e', list, empty: snippet(() => 'quiet') });
  expect(rows()[0]!.textContent).toMatch(new RegExp(`loft-3 is down.*${w.severity.critical}`, 's'));
  expect(rows()[0]!.querySelector('time')!.dateTime).toBe(items[0]!.time);
  await hands().dblClick(rows()[1]!);
  expect(windows.list).toHaveLength(0);
  await hands().dblClick(rows()[0]!);
  expect(windows.top?.params).toEqual({ id: 'n3' });
});

test('a list is bounded, however long it is followed live', async () => {
  const list = new Pages<number>(async () => ({ items: Array.from({ length: 20_000 }, (_, i) => i) }));
  await list.refresh();
  for (let i = 0; i < 10; i++) list.prepend(-i);
  expect([list.data!.items.length, list.data!.items[0]]).toEqual([20_000, -9]);
  expect(list.complete).toBe(true);
});

test('what was stopped brings nothing any more', async () => {
  let give!: (p: { items: number[] }) => void;
  const list = new Pages<number>(() => new Promise((done) => (give = done)));
  void list.refresh();
  list.stop();
  give({ items: [1] });
  await tick();
  expect([list.data, list.loading]).toEqual([undefined, false]);
});

test('a file that is saved has its name and its content, and is let go', async () => {
  vi.useFakeTimers();
  const made: Blob[] = [];
  const gone: string[] = [];
  vi.spyOn(URL, 'createObjectURL').mockImplementation((b) => (made.push(b as Blob), 'blob:1'));
  vi.spyOn(URL, 'revokeObjectURL').mockImplementation((u) => void gone.push(u));
  let link: HTMLAnchorElement | undefined;
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    link = this;
  });
  save('nodes.csv', 'a,b', 'text/csv');
  expect([link!.download, link!.getAttribute('href'), made[0]!.type]).toEqual(['nodes.csv', 'blob:1', 'text/csv']);
  expect(gone).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(gone).toEqual(['blob:1']);
});

test.each([
  ['=1+1', "'=1+1"],
  ['+41 44', "'+41 44"],
  ['-3.5', '-3.5'],
  ['-rf', "'-rf"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\tx', "'\tx"],
  ['a\nb', '"a\nb"'],
  ['say "x"', '"say ""x"""'],
  ['ü, ö', '"ü, ö"'],
])('a spreadsheet takes %j for text', (value, want) => {
  expect(csv([{ id: 'v', title: 'V', text: (r: string) => r }], [value])).toBe(`V\r\n${want}\r\n`);
});
