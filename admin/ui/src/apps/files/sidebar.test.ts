// @vitest-environment happy-dom
import { fireEvent, render } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import { hands, screenOf, server, type Call, type Server } from '../../testing';
import { contextMenus, type MenuItem } from '../../ui/menu.svelte';
import { branches } from './branches.svelte';
import { changed } from './changes';
import { look } from './look.svelte';
import Sidebar from './Sidebar.svelte';
import { t } from './strings';

let s: Server;
let drive: Record<string, string[]>;
let went: string[];
let asked: string[];
let drops: Map<HTMLElement, string | null>;

beforeEach(() => {
  screenOf(1000, 700);
  drive = { '/': ['/Photos', '/Docs'], '/Photos': ['/Photos/2025'], '/Photos/2025': [], '/Docs': [] };
  [went, asked, drops] = [[], [], new Map()];
  contextMenus.current = null;
  s = server().on('GET /fs/entries', (c: Call) => {
    const path = c.query.get('path') ?? '/';
    return { dir: cluster.entry(path, true), items: (drive[path] ?? []).map((p) => cluster.entry(p, true)) };
  });
  branches.forget(Object.keys(drive), () => false);
});
afterEach(() => {
  for (const f of look.favourites) look.favourite(f);
});

const props = (path: string) => ({
  path,
  look,
  ongo: (p: string) => void went.push(p),
  menu: (p: string): readonly MenuItem[] => (asked.push(p), [{ label: 'Refresh', run: () => undefined }]),
  droppable: (folder: () => string | null) => (el: HTMLElement) => {
    drops.set(el, folder());
    return () => void drops.delete(el);
  },
});
const line = (path: string): HTMLElement | null => document.querySelector(`[role=treeitem][data-id="${path}"]`);
const tree = (): string[] => [...document.querySelectorAll<HTMLElement>('[role=treeitem]')].map((x) => x.dataset.id ?? '');
const read = (path: string): number => s.sent('GET /fs/entries').filter((c) => c.query.get('path') === path).length;

test('the way to the folder shown is open, the folder itself marked and not read', async () => {
  render(Sidebar, props('/Photos/2025'));
  await vi.waitFor(() => expect(tree()).toEqual(['/', '/Docs', '/Photos', '/Photos/2025']));
  expect(line('/Photos/2025')?.getAttribute('aria-selected')).toBe('true');
  expect([read('/'), read('/Photos'), read('/Photos/2025')]).toEqual([1, 1, 0]);
});

test('who goes elsewhere by the list sees the tree follow, and what was open stays open', async () => {
  const { rerender } = render(Sidebar, props('/Photos/2025'));
  await vi.waitFor(() => expect(line('/Photos/2025')).not.toBeNull());
  await rerender(props('/Docs'));
  expect([line('/Docs')?.getAttribute('aria-selected'), line('/Photos/2025')?.getAttribute('aria-selected')]).toEqual(['true', 'false']);
});

test('a branch is read when it is opened, and once', async () => {
  render(Sidebar, props('/'));
  await vi.waitFor(() => expect(line('/Photos')).not.toBeNull());
  expect(read('/Photos')).toBe(0);
  for (const key of ['ArrowRight', 'ArrowLeft', 'ArrowRight']) await fireEvent.keyDown(line('/Photos') as HTMLElement, { key });
  await vi.waitFor(() => expect(line('/Photos/2025')).not.toBeNull());
  expect([read('/Photos'), went]).toEqual([1, []]);
});

test('a folder without folders turns out to be a leaf', async () => {
  render(Sidebar, props('/'));
  await vi.waitFor(() => expect(line('/Docs')?.getAttribute('aria-expanded')).toBe('false'));
  await fireEvent.keyDown(line('/Docs') as HTMLElement, { key: 'ArrowRight' });
  await vi.waitFor(() => expect(line('/Docs')?.hasAttribute('aria-expanded')).toBe(false));
});

test('a folder that is made elsewhere on the page comes into the open branch', async () => {
  render(Sidebar, props('/'));
  await vi.waitFor(() => expect(tree()).toHaveLength(3));
  drive['/'] = [...(drive['/'] ?? []), '/Attic'];
  changed('/');
  await vi.waitFor(() => expect(tree()).toEqual(['/', '/Attic', '/Docs', '/Photos']));
});

test('a branch that cannot be read does not take the tree with it', async () => {
  s.refuse('GET /fs/entries', 503, 'No nameserver answers');
  render(Sidebar, props('/'));
  await vi.waitFor(() => expect(read('/')).toBe(1));
  await tick();
  expect(tree()).toEqual(['/']);
});

test('Enter goes there; the menu is about the line it was opened on', async () => {
  render(Sidebar, props('/'));
  await vi.waitFor(() => expect(line('/Docs')).not.toBeNull());
  await fireEvent.keyDown(line('/Docs') as HTMLElement, { key: 'Enter' });
  await fireEvent.contextMenu(line('/Photos') as HTMLElement, { button: 2 });
  expect([went, asked]).toEqual([['/Docs'], ['/Photos']]);
});

test('without favourites there is no heading for them', () => {
  const { container } = render(Sidebar, props('/'));
  expect([...container.querySelectorAll('h3')].map((h) => h.textContent)).toEqual([t.sidebar]);
});

test('a favourite leads there, says when one is there, and the drive has its name', async () => {
  for (const f of ['/', '/Photos/2025']) look.favourite(f);
  const { container } = render(Sidebar, props('/Photos/2025'));
  const stars = [...container.querySelectorAll<HTMLElement>('.stars button')];
  expect(stars.map((b) => [b.textContent?.trim(), b.getAttribute('aria-current')])).toEqual([[t.drive, null], ['2025', 'page']]);
  await hands().click(stars[0] as HTMLElement);
  expect(went).toEqual(['/']);
});

test('one drops on a favourite and on each line of the tree', async () => {
  look.favourite('/Photos/2025');
  render(Sidebar, props('/'));
  await vi.waitFor(() => expect(tree()).toHaveLength(3));
  expect([...drops.values()].sort()).toEqual(['/', '/Docs', '/Photos', '/Photos/2025']);
  expect(drops.get(line('/Docs') as HTMLElement)).toBe('/Docs');
});
