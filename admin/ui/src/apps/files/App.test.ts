// @vitest-environment happy-dom
import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import { windowFor, windows } from '../../desk/desk.svelte';
import { Win, type Params } from '../../desk/windows.svelte';
import { speak } from '../../i18n/index.svelte';
import { button, hands, off, refusal, rows, screenOf, server, signIn, type Call, type Server } from '../../testing';
import { transfers } from '../../transfers/queue.svelte';
import { confirmations } from '../../ui/confirm.svelte';
import { contextMenus } from '../../ui/menu.svelte';
import { toasts } from '../../ui/toast.svelte';
import App from './App.svelte';
import { branches } from './branches.svelte';
import { changed } from './changes';
import { clip } from './clip.svelte';
import { look } from './look.svelte';
import { t } from './strings';
import type { Entry } from './types';

const file = (path: string, size = 10): Entry => cluster.entry(path, false, size);
const dir = (path: string): Entry => cluster.entry(path, true);

let s: Server;
let user: ReturnType<typeof hands>;
let drive: Record<string, Entry[]>;
let win: Win;

beforeEach(() => {
  screenOf(1200, 800);
  s = server();
  user = hands();
  signIn('writer');
  toasts.list = [];
  confirmations.current = null;
  contextMenus.current = null;
  clip.current = null;
  branches.forget(['/', '/Photos', '/Photos/2025'], () => false); // the page knows them once for all windows
  drive = {
    '/': [dir('/Photos'), file('/b10.txt', 30), file('/b9.txt', 20), file('/A.txt', 40)],
    '/Photos': [file('/Photos/cat.jpg', 2048), dir('/Photos/2025')],
    '/Photos/2025': [],
    '/odd ': [file('/odd /in.txt')],
  };
  s.on('GET /fs/entries', (c: Call) => {
    const path = c.query.get('path') ?? '/';
    const items = drive[path];
    return items ? { dir: dir(path), items } : refusal(404, 'Not there', { code: 'not_found' });
  });
  s.on('GET /fs/stat', (c: Call) => ({ entry: dir(c.query.get('path') ?? '/'), replication: 2, used_bytes: 0, available_bytes: 5 * 2 ** 40 }));
});
afterEach(() => {
  Object.assign(look, { tiles: false, sidebar: true, panel: false });
  windows.list = [];
});

async function open(params: Params = {}): Promise<HTMLElement> {
  win = new Win('w1', 'files', null);
  win.params = params;
  const { container } = render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(s.sent('GET /fs/entries').length).toBeGreaterThan(0));
  await vi.waitFor(() => expect(container.querySelector('.loading')).toBeNull());
  return container;
}

const grid = (): HTMLElement => document.querySelector<HTMLElement>('[role=grid], [role=listbox]') as HTMLElement;
const nameOf = (r: HTMLElement): string => r.querySelector('bdi')?.textContent ?? '';
const names = (): string[] => rows().map(nameOf);
const row = (name: string): HTMLElement => rows().find((r) => nameOf(r) === name) as HTMLElement;
const chosen = (): string[] => rows().filter((r) => r.ariaSelected === 'true' || r.getAttribute('aria-selected') === 'true').map(nameOf);
const press = (key: string, more: Partial<KeyboardEvent> = {}): boolean => fireEvent.keyDown(grid(), { key, ...more }) as unknown as boolean;

describe('a folder', () => {
  test('folders first, then names by the numbers in them', async () => {
    await open();
    expect(names()).toEqual(['Photos', 'A.txt', 'b9.txt', 'b10.txt']);
    expect(screen.getByText('4 entries')).toBeTruthy();
    expect(screen.getByText('5 TiB free')).toBeTruthy();
  });

  test('a click on a column sorts by it, and again turns it round', async () => {
    await open();
    const head = [...document.querySelectorAll<HTMLElement>('[role=columnheader]')].find((h) => h.textContent.includes(t.size)) as HTMLElement;
    const by = head.querySelector('button') ?? head;
    await user.click(by);
    expect(names()).toEqual(['Photos', 'b9.txt', 'b10.txt', 'A.txt']);
    await user.click(by);
    expect(names()).toEqual(['Photos', 'A.txt', 'b10.txt', 'b9.txt']);
  });

  test('sorted by the kind, each kind stands together', async () => {
    drive['/'] = [
      { ...file('/a.json'), type: 'application/json' },
      { ...file('/b.pdf'), type: 'application/pdf' },
      { ...file('/c.css'), type: 'text/css' },
      { ...file('/d.zip'), type: 'application/zip' },
    ];
    await open();
    const head = [...document.querySelectorAll<HTMLElement>('[role=columnheader]')].find((h) => h.textContent.includes(t.type)) as HTMLElement;
    await user.click(head.querySelector('button') ?? head);
    const kinds = rows().map((r) => /Source|PDF|Archive/.exec(r.textContent)?.[0]);
    expect(kinds.filter((k, i) => kinds.indexOf(k) !== i && kinds[i - 1] !== k)).toEqual([]);
  });

  test('a double click goes into a folder, and the address and the title follow', async () => {
    await open();
    await user.dblClick(row('Photos'));
    await waitFor(() => expect(names()).toEqual(['2025', 'cat.jpg']));
    expect(win.params).toEqual({ path: '/Photos' });
    expect(win.title).toBe('Photos');
  });

  test('up selects the folder one came from, Back and Forward go as in a browser', async () => {
    await open({ path: '/Photos' });
    await user.click(button(t.up));
    await waitFor(() => expect(chosen()).toEqual(['Photos']));
    await user.click(button(t.back));
    await waitFor(() => expect(names()).toContain('cat.jpg'));
    expect(off(button(t.back))).toBe(true);
    await user.click(button(t.forward));
    await waitFor(() => expect(names()).toContain('A.txt'));
  });

  test('the address leads: another path in it shows another folder', async () => {
    await open({ path: '/Photos' });
    win.params = {};
    await waitFor(() => expect(names()).toContain('A.txt'));
  });

  test('an address that names an entry selects it in its folder', async () => {
    await open({ select: '/Photos/cat.jpg' });
    await waitFor(() => expect(chosen()).toEqual(['cat.jpg']));
  });

  test('a folder whose name ends with a space is reached', async () => {
    await open({ path: '/odd ' });
    await waitFor(() => expect(names()).toEqual(['in.txt']));
    expect(win.params).toEqual({ path: '/odd ' });
  });

  test('a folder that is gone says so, and leads up', async () => {
    await open({ path: '/gone' });
    expect(await screen.findByText(t.gone)).toBeTruthy();
    await user.click(button(t.goUp));
    await waitFor(() => expect(names()).toContain('A.txt'));
  });

  test('an empty one invites a writer to upload, and a reader to nothing', async () => {
    await open({ path: '/Photos/2025' });
    expect(await screen.findByText(t.emptyDetail)).toBeTruthy();
    signIn('reader');
    await waitFor(() => expect(screen.getByText(t.emptyReader)).toBeTruthy());
    expect(screen.queryByRole('button', { name: t.uploadFiles })).toBeNull();
  });

  test('a fault names the request, and is tried again', async () => {
    s.refuse('GET /fs/entries', 503, 'The nameserver does not answer');
    await open();
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
    s.on('GET /fs/entries', { dir: dir('/'), items: [file('/back')] });
    await user.click(button('Try again'));
    await waitFor(() => expect(names()).toEqual(['back']));
  });

  test('while it cannot be read again, what is shown is said to be old', async () => {
    await open();
    s.refuse('GET /fs/entries', 503, 'Away');
    await user.click(button(t.refresh));
    expect(await screen.findByText(/Data from/)).toBeTruthy();
    expect(names()).toContain('A.txt');
  });

  test('a change in it made elsewhere on the page is seen', async () => {
    await open();
    drive['/']?.push(file('/new.txt'));
    changed('/');
    await waitFor(() => expect(names()).toContain('new.txt'));
  });

  test('a folder of more than a page is read to its end, and only what is in sight is drawn', async () => {
    const all = Array.from({ length: 1250 }, (_, i) => file(`/f${i}`));
    s.on('GET /fs/entries', (c: Call) => {
      const from = Number(c.query.get('cursor') ?? 0);
      const to = from + Number(c.query.get('limit'));
      return { dir: dir('/'), items: all.slice(from, to), ...(to < all.length && { next_cursor: String(to) }) };
    });
    await open();
    expect(await screen.findByText('1,250 entries')).toBeTruthy();
    expect(rows().length).toBeLessThan(80);
    press('a', { ctrlKey: true });
    expect(await screen.findByText('1,250 selected, 12.2 KiB')).toBeTruthy();
  });

  test('hidden signs in a name are shown, in the list and in the title', async () => {
    drive['/'] = [dir('/a\u202Eb')];
    drive['/a\u202Eb'] = [];
    await open();
    expect(names()).toEqual(['aU+202Eb']);
    await user.dblClick(rows()[0] as HTMLElement);
    await waitFor(() => expect(win.title).toBe('a[U+202E]b'));
  });
});

describe('selecting', () => {
  test('a click takes one, Ctrl adds and takes away, Shift takes a range', async () => {
    await open();
    await user.click(row('A.txt'));
    expect(chosen()).toEqual(['A.txt']);
    await user.keyboard('{Control>}');
    await user.click(row('Photos'));
    await user.click(row('A.txt'));
    await user.keyboard('{/Control}');
    expect(chosen()).toEqual(['Photos']);
    await user.keyboard('{Shift>}');
    await user.click(row('b9.txt'));
    await user.keyboard('{/Shift}');
    expect(chosen()).toEqual(['A.txt', 'b9.txt']); // from where Ctrl was last used
  });

  test('the line below tells how many and how much', async () => {
    await open();
    press('a', { ctrlKey: true });
    expect(await screen.findByText('4 selected, 90 B')).toBeTruthy();
  });

  test('a right click on what is not selected takes that alone', async () => {
    await open();
    await user.click(row('A.txt'));
    fireEvent.contextMenu(row('b9.txt'), { button: 2 });
    await waitFor(() => expect(chosen()).toEqual(['b9.txt']));
    expect(contextMenus.current?.items.map((x) => (x === 'separator' ? '' : x.label))).toContain(t.rename);
  });

  test('a right click on one of several leaves all of them', async () => {
    await open();
    press('a', { ctrlKey: true });
    await waitFor(() => expect(chosen()).toHaveLength(4));
    fireEvent.contextMenu(row('b9.txt'), { button: 2 });
    expect(chosen()).toHaveLength(4);
    expect(contextMenus.current?.items.map((x) => (x === 'separator' ? '' : x.label))).not.toContain(t.rename);
  });

  test('a right click beside the entries is about the folder', async () => {
    const page = await open();
    fireEvent.contextMenu(page.querySelector('.centre') as HTMLElement, { button: 2 });
    expect(contextMenus.current?.items[0]).toMatchObject({ label: t.create });
  });

  test('leaving the folder leaves the selection', async () => {
    await open();
    await user.click(row('A.txt'));
    await user.dblClick(row('Photos'));
    await waitFor(() => expect(names()).toContain('cat.jpg'));
    expect(chosen()).toEqual([]);
  });
});

describe('acts by key', () => {
  test('F2 names, Enter keeps, and the new name is selected', async () => {
    s.on('POST /fs/move', (c: Call) => file((c.body as { to: string }).to));
    await open();
    await user.click(row('A.txt'));
    press('F2');
    const field = await screen.findByLabelText(t.newName);
    await waitFor(() => expect(document.activeElement).toBe(field));
    await user.clear(field);
    await user.type(field, 'Z.txt{Enter}');
    await waitFor(() => expect(chosen()).toEqual(['Z.txt']));
    expect(s.sent('POST /fs/move').map((c) => c.body)).toEqual([{ from: '/A.txt', to: '/Z.txt', overwrite: false }]);
  });

  test('Escape while naming sends nothing', async () => {
    await open();
    await user.click(row('A.txt'));
    press('F2');
    const field = await screen.findByLabelText(t.newName);
    await user.clear(field);
    await user.type(field, 'Z.txt{Escape}');
    await waitFor(() => expect(screen.queryByLabelText(t.newName)).toBeNull());
    expect(s.sent('POST /fs/move')).toEqual([]);
    expect(names()).toContain('A.txt');
  });

  test('Delete asks with what the server counted', async () => {
    s.on('POST /fs/delete', { dry_run: true, files: 1, directories: 0, bytes: 40, deleted: 0, failed: [] });
    await open();
    await user.click(row('A.txt'));
    press('Delete');
    await waitFor(() => expect(confirmations.current?.title).toBe(t.deleteTitle(1, 'A.txt')));
    expect(s.sent('POST /fs/delete').map((c) => [c.query.get('dry_run'), c.body])).toEqual([['true', { paths: ['/A.txt'] }]]);
    confirmations.current?.answer(null);
  });

  test('Ctrl+X here and Ctrl+V there moves; what was cut looks so meanwhile', async () => {
    s.on('POST /fs/move', (c: Call) => file((c.body as { to: string }).to));
    await open();
    await user.click(row('A.txt'));
    press('x', { ctrlKey: true });
    await waitFor(() => expect(row('A.txt').querySelector('.cut:not(bdi)') ?? row('A.txt').closest('.cut')).toBeTruthy());
    await user.dblClick(row('Photos'));
    await waitFor(() => expect(names()).toContain('cat.jpg'));
    press('v', { ctrlKey: true });
    await waitFor(() => expect(s.sent('POST /fs/move').map((c) => c.body)).toEqual([{ from: '/A.txt', to: '/Photos/A.txt', overwrite: false }]));
  });

  test('a key pressed in a field belongs to the field', async () => {
    await open();
    await user.click(row('A.txt'));
    const box = screen.getByLabelText(t.search);
    fireEvent.keyDown(box, { key: 'Delete' });
    fireEvent.keyDown(box, { key: 'F2' });
    expect(s.sent('POST /fs/delete')).toEqual([]);
    expect(screen.queryByLabelText(t.newName)).toBeNull();
  });

  test('Space looks at a file and goes through the others by arrows', async () => {
    drive['/'] = [file('/1.zip'), file('/2.zip')];
    await open();
    await user.click(row('1.zip'));
    press(' ');
    expect(await screen.findByRole('heading', { name: '1.zip', hidden: true })).toBeTruthy();
    await user.click(screen.getByRole('button', { name: t.next, hidden: true }));
    expect(await screen.findByRole('heading', { name: '2.zip', hidden: true })).toBeTruthy();
    expect(chosen()).toEqual(['2.zip']);
  });

  test('Alt+Enter shows the properties of what is selected', async () => {
    await open();
    await user.click(row('A.txt'));
    press('Enter', { altKey: true });
    await waitFor(() => expect(s.sent('GET /fs/stat').map((c) => c.query.get('path'))).toContain('/A.txt'));
  });
});

describe('searching', () => {
  const found = { items: [file('/Photos/cat.jpg'), file('/x/cat.txt')], complete: true, seen: 90 };

  test('what is typed is asked for once, when one stops', async () => {
    s.on('GET /fs/search', found);
    await open({ path: '/Photos' });
    await user.type(screen.getByLabelText(t.search), 'cat');
    expect(await screen.findByText(t.found(2), { selector: '[role=status]' })).toBeTruthy();
    expect(s.sent('GET /fs/search').map((c) => [c.query.get('path'), c.query.get('text')])).toEqual([['/Photos', 'cat']]);
    expect(names()).toEqual(['cat.jpg', 'cat.txt']);
    expect(rows()[1]?.textContent).toContain('x'); // the folder that it lies in
  });

  test('a search that did not see all says so', async () => {
    s.on('GET /fs/search', { ...found, complete: false, seen: 100_000 });
    await open();
    await user.type(screen.getByLabelText(t.search), 'cat');
    expect(await screen.findByText(t.foundPart('100,000'))).toBeTruthy();
  });

  test('nothing found names what was looked for', async () => {
    s.on('GET /fs/search', { items: [], complete: true, seen: 90 });
    await open();
    await user.type(screen.getByLabelText(t.search), 'zzz');
    expect(await screen.findByText(t.nothingFoundDetail('zzz'))).toBeTruthy();
  });

  test('its end gives the folder back', async () => {
    s.on('GET /fs/search', found);
    await open();
    await user.type(screen.getByLabelText(t.search), 'cat');
    await user.click(await screen.findByRole('button', { name: t.endSearch }));
    await waitFor(() => expect(names()).toContain('A.txt'));
    expect(screen.getByLabelText<HTMLInputElement>(t.search).value).toBe('');
  });

  test('who goes elsewhere before it is asked does not search there', async () => {
    s.on('GET /fs/search', found);
    await open();
    vi.useFakeTimers();
    fireEvent.input(screen.getByLabelText(t.search), { target: { value: 'cat' } });
    await fireEvent.dblClick(row('Photos'));
    await vi.advanceTimersByTimeAsync(2000);
    expect(s.sent('GET /fs/search')).toEqual([]);
    expect(names()).toContain('cat.jpg');
  });

  test('a fault is said and the folder stays', async () => {
    s.refuse('GET /fs/search', 429, 'Too many searches', { detail: 'Wait a moment.' });
    await open();
    await user.type(screen.getByLabelText(t.search), 'cat');
    expect(await screen.findByText('Too many searches')).toBeTruthy();
    expect(names()).toContain('A.txt');
  });
});

describe('adding', () => {
  const pick = (input: HTMLInputElement): void => void fireEvent.change(input, { target: { files: [new File(['hello'], 'h.txt')] } });

  test('files that were chosen go to the folder shown', async () => {
    const add = vi.spyOn(transfers, 'add').mockImplementation(() => undefined);
    const page = await open({ path: '/Photos' });
    pick(page.querySelector('input[type=file][multiple]') as HTMLInputElement);
    expect(add).toHaveBeenCalledOnce();
    expect(add.mock.calls[0]?.[0]).toBe('/Photos');
  });

  test('the launcher’s “upload” opens the choice of files, once', async () => {
    const clicked = vi.spyOn(HTMLInputElement.prototype, 'click').mockImplementation(() => undefined);
    await open({ do: 'upload', path: '/Photos' });
    await waitFor(() => expect(clicked).toHaveBeenCalledOnce());
    expect(win.params).toEqual({ path: '/Photos' });
  });

  test('a reader is told why nothing can be added', async () => {
    signIn('reader');
    await open();
    for (const name of [t.upload, t.create]) {
      expect(off(button(name))).toBe(true);
      expect(button(name).title).toBe(t.mayNotWrite);
    }
  });

  test('what a reader drops is not taken', async () => {
    signIn('reader');
    const page = await open();
    const e = new Event('drop', { bubbles: true, cancelable: true });
    Object.defineProperty(e, 'dataTransfer', { value: { types: ['Files'], items: [] } });
    page.querySelector('.centre')?.dispatchEvent(e);
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([t.mayNotWrite]));
  });
});

describe('views', () => {
  test('as icons, pictures are shown to who may read them', async () => {
    await open({ path: '/Photos' });
    await user.click(button(t.viewIcons));
    await waitFor(() => expect(document.querySelector('[role=listbox]')).toBeTruthy());
    expect(names()).toEqual(['2025', 'cat.jpg']);
    expect(document.querySelector('.tile img')?.getAttribute('src')).toContain('inline=1');
    signIn('viewer');
    await waitFor(() => expect(document.querySelector('.tile img')).toBeNull());
  });

  test('a picture that was replaced is not shown from what the browser kept', async () => {
    look.tiles = true;
    drive['/Photos'] = [{ ...file('/Photos/cat.jpg', 2048), etag: '"9"' }];
    await open({ path: '/Photos' });
    await waitFor(() => expect(document.querySelector('.tile img')).toBeTruthy());
    expect(new URL(document.querySelector('.tile img')?.getAttribute('src') ?? '', 'http://x').searchParams.get('v')).toBe('"9"');
  });

  test('icons have the keys of a list: arrows, Ctrl+A, letters, Enter', async () => {
    look.tiles = true;
    await open();
    await waitFor(() => expect(names()).toHaveLength(4));
    press('ArrowRight');
    expect(chosen()).toEqual(['A.txt']);
    press('End');
    expect(chosen()).toEqual(['b10.txt']);
    press('p');
    await waitFor(() => expect(chosen()).toEqual(['Photos']));
    press('a', { ctrlKey: true });
    await waitFor(() => expect(chosen()).toHaveLength(4));
    press('Escape');
    await waitFor(() => expect(chosen()).toEqual([]));
    press('Enter');
    await waitFor(() => expect(names()).toContain('cat.jpg'));
  });

  test('a range in icons goes from where it began', async () => {
    look.tiles = true;
    await open();
    await waitFor(() => expect(names()).toHaveLength(4));
    fireEvent.click(row('A.txt'));
    await fireEvent.click(row('b10.txt'), { shiftKey: true });
    expect(chosen()).toEqual(['A.txt', 'b9.txt', 'b10.txt']);
    await fireEvent.click(row('b9.txt'), { ctrlKey: true });
    expect(chosen()).toEqual(['A.txt', 'b10.txt']);
  });

  test('the panel shows what is selected', async () => {
    await open();
    await user.click(button(t.panel));
    expect(await screen.findByText(t.nothingChosen)).toBeTruthy();
    await user.click(row('Photos'));
    await waitFor(() => expect(screen.getByRole('complementary', { name: t.panel }).textContent).toContain('Photos'));
  });

  test('the tree opens its branches when they are asked for, and goes there', async () => {
    await open();
    const item = await waitFor(() => {
      const found = document.querySelector<HTMLElement>('[role=treeitem][data-id="/Photos"]');
      expect(found).toBeTruthy();
      return found as HTMLElement;
    });
    expect(document.querySelector('[role=treeitem][data-id="/A.txt"]')).toBeNull();
    fireEvent.keyDown(item, { key: 'ArrowRight' });
    await waitFor(() => expect(document.querySelector('[role=treeitem][data-id="/Photos/2025"]')).toBeTruthy());
    await user.click(item);
    await waitFor(() => expect(win.params).toEqual({ path: '/Photos' }));
  });

  test('in German', async () => {
    await speak('de');
    try {
      await open({ path: '/Photos/2025' });
      expect(await screen.findByText(t.emptyTitle)).toBeTruthy();
      expect(t.emptyTitle).not.toBe('This folder is empty');
      expect(document.body.textContent).not.toMatch(/undefined|\[object|This folder|Upload a/);
    } finally {
      await speak('en');
    }
  });
});
