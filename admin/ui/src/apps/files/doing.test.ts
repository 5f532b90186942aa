// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import { hands, refusal, server, signIn, type Call, type Server } from '../../testing';
import { conflicts, type Decision } from '../../transfers/conflict.svelte';
import { confirmations } from '../../ui/confirm.svelte';
import { toasts } from '../../ui/toast.svelte';
import { acting, download, press } from './acting';
import { makeFolder, put, remove, rename } from './acts';
import { Browser } from './browser.svelte';
import { onChanged } from './changes';
import { clip } from './clip.svelte';
import { source, target, type Dropped } from './drag';
import { look } from './look.svelte';
import { entryMenu, folderMenu } from './menu';
import { t } from './strings';
import type { Entry } from './types';

const file = (path: string, size = 10): Entry => cluster.entry(path, false, size);
const dir = (path: string): Entry => cluster.entry(path, true);
type Transfer = { from: string; to: string; overwrite: boolean };
const body = (c: Call): Transfer => c.body as Transfer;

// A drive that knows which paths are taken.
let s: Server;
let taken: Set<string>;
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  signIn('writer');
  taken = new Set();
  toasts.list = [];
  clip.current = null;
  confirmations.current = null;
  const act = (c: Call): unknown => {
    const { from, to, overwrite } = body(c);
    if (taken.has(to) && !overwrite) return refusal(409, 'There is one', { code: 'exists' });
    taken.add(to);
    if (c.path === '/fs/move') taken.delete(from);
    return file(to);
  };
  s = server().on('POST /fs/move', act).on('POST /fs/copy', act);
});

afterEach(() => void vi.advanceTimersByTime(1000)); // what windows are told is told once for all

const said = (): string[] => toasts.list.map((x) => x.text);
const acts = (): string[] => s.calls.filter((c) => c.method === 'POST').map((c) => `${c.path} ${body(c).from} > ${body(c).to}${body(c).overwrite ? '!' : ''}`);

async function answer(decision: Decision, all = false): Promise<void> {
  await vi.waitFor(() => expect(conflicts.current).not.toBeNull());
  conflicts.current?.answer(decision, all);
  await settle();
}

describe('moving and copying', () => {
  test('a move is one request per entry, and Undo takes each back', async () => {
    await put(['/a/x', '/a/y'], '/b', false);
    expect(acts()).toEqual(['/fs/move /a/x > /b/x', '/fs/move /a/y > /b/y']);
    expect(said()).toEqual([t.moved(2, 'b')]);
    toasts.list[0]?.action?.run();
    await vi.waitFor(() => expect(said()).toContain(t.undone));
    expect(acts().slice(2)).toEqual(['/fs/move /b/x > /a/x', '/fs/move /b/y > /a/y']);
  });

  test('windows that show either folder read it again', async () => {
    const heard: string[][] = [];
    const stop = onChanged((f) => heard.push([...f].sort()));
    await put(['/a/x'], '/b', false);
    await vi.advanceTimersByTimeAsync(400);
    stop();
    expect(heard).toEqual([['/a', '/b']]);
  });

  test('a folder does not go into itself or below itself, and nothing of the choice is moved', async () => {
    await put(['/c', '/a'], '/a/b', false);
    expect(s.calls).toHaveLength(0);
    expect(said()).toEqual([t.intoItself]);
  });

  test('a name that only begins alike is another folder', async () => {
    await put(['/a'], '/ab', false);
    expect(acts()).toEqual(['/fs/move /a > /ab/a']);
  });

  test('moving to where it is does nothing and says nothing', async () => {
    await put(['/a/x'], '/a', false);
    expect(s.calls).toHaveLength(0);
    expect(said()).toEqual([]);
  });

  test('a copy beside the original gets the next free name', async () => {
    taken = new Set(['/a/x.txt', '/a/x (2).txt']);
    await put(['/a/x.txt'], '/a', true);
    expect(acts().at(-1)).toBe('/fs/copy /a/x.txt > /a/x (3).txt');
    expect(said()).toEqual([t.copied(1, 'a')]);
  });

  test('a copy cannot be undone by a button that would delete', async () => {
    await put(['/a/x'], '/b', true);
    expect(toasts.list[0]?.action).toBeUndefined();
  });

  test('what is taken is replaced only after it was asked, and then there is no Undo', async () => {
    taken = new Set(['/b/x']);
    const done = put(['/a/x'], '/b', false);
    await answer('replace');
    await done;
    expect(acts()).toEqual(['/fs/move /a/x > /b/x', '/fs/move /a/x > /b/x!']);
    expect(toasts.list[0]?.action).toBeUndefined();
  });

  test('both are kept under another name', async () => {
    taken = new Set(['/b/x', '/b/x (2)']);
    const done = put(['/a/x'], '/b', false);
    await answer('both');
    await done;
    expect(acts().at(-1)).toBe('/fs/move /a/x > /b/x (3)');
  });

  test('what is skipped stays where it is, and the others go', async () => {
    taken = new Set(['/b/x']);
    const done = put(['/a/x', '/a/y'], '/b', false);
    await answer('skip');
    await done;
    expect(acts()).toEqual(['/fs/move /a/x > /b/x', '/fs/move /a/y > /b/y']);
    expect(said()).toEqual([t.moved(1, 'b')]);
  });

  test('one answer is for all that follow', async () => {
    taken = new Set(['/b/x', '/b/y', '/b/z']);
    const done = put(['/a/x', '/a/y', '/a/z'], '/b', false);
    await answer('replace', true);
    await done;
    expect(acts().filter((a) => a.endsWith('!'))).toHaveLength(3);
    expect(conflicts.current).toBeNull();
  });

  test('one entry that fails says why, with the request', async () => {
    s.refuse('POST /fs/move', 423, 'Locked', { detail: 'Anna has it open' });
    await put(['/a/x'], '/b', false);
    expect(toasts.list[0]).toMatchObject({ tone: 'bad', text: 'Locked' });
    expect(toasts.list[0]?.detail).toContain('Anna has it open');
    expect(toasts.list[0]?.detail).toContain('r-4711');
  });

  test('of several it says how many failed and how many went', async () => {
    s.on('POST /fs/move', (c: Call) => (body(c).from === '/a/y' ? refusal(423, 'Locked') : file(body(c).to)));
    await put(['/a/x', '/a/y', '/a/z'], '/b', false);
    expect(said()).toEqual([t.someFailed(1), t.moved(2, 'b')]);
  });

  test('an Undo that fails says so', async () => {
    await put(['/a/x'], '/b', false);
    s.refuse('POST /fs/move', 409, 'There is one', { code: 'exists' });
    toasts.list[0]?.action?.run();
    await vi.waitFor(() => expect(said()).toContain('There is one'));
    expect(said()).not.toContain(t.undone);
  });

  test('an Undo that fails for one takes back the others', async () => {
    await put(['/a/x', '/a/y', '/a/z'], '/b', false);
    s.on('POST /fs/move', (c: Call) => (body(c).from === '/b/x' ? refusal(423, 'Locked') : file(body(c).to)));
    toasts.list[0]?.action?.run();
    await vi.waitFor(() => expect(said()).toContain('Locked'));
    expect(acts().slice(3)).toEqual(['/fs/move /b/x > /a/x', '/fs/move /b/y > /a/y', '/fs/move /b/z > /a/z']);
  });

  test('to the root it says the name of the drive', async () => {
    await put(['/a/x'], '/', false);
    expect(acts()).toEqual(['/fs/move /a/x > /x']);
    expect(said()).toEqual([t.moved(1, t.drive)]);
  });
});

describe('naming and making', () => {
  test('a rename is a move in its folder, never over another entry, and can be undone', async () => {
    expect(await rename(file('/a/x'), 'y')).toMatchObject({ path: '/a/y' });
    expect(acts()).toEqual(['/fs/move /a/x > /a/y']);
    toasts.list[0]?.action?.run();
    await settle();
    expect(acts()[1]).toBe('/fs/move /a/y > /a/x');
  });

  test('a rename that is refused answers why', async () => {
    taken.add('/a/y');
    expect(await rename(file('/a/x'), 'y')).toMatchObject({ status: 409, code: 'exists' });
    expect(said()).toEqual([]);
  });

  test('hidden signs in a new name are shown in what is said', async () => {
    await rename(file('/a/x'), 'a\u202Eb');
    expect(said()).toEqual([t.renamed('a[U+202E]b')]);
  });

  test('a folder is made by its whole path', async () => {
    s.on('POST /fs/mkdir', (c: Call) => dir((c.body as { path: string }).path));
    expect((await makeFolder('/a/new')).path).toBe('/a/new');
    expect(s.sent('POST /fs/mkdir')[0]?.body).toEqual({ path: '/a/new' });
  });
});

describe('deleting', () => {
  const result = (c: Call, more: object = {}) => {
    const { paths } = c.body as { paths: string[] };
    const dry = c.query.get('dry_run') === 'true';
    return { dry_run: dry, files: paths.length, directories: 0, bytes: 2048, complete: true, deleted: dry ? 0 : paths.length, failed: [], ...more };
  };
  const dries = (): (string | null)[] => s.sent('POST /fs/delete').map((c) => c.query.get('dry_run'));

  async function ask(all: readonly Entry[]): Promise<{ done: Promise<boolean> }> {
    const done = remove(all);
    await vi.waitFor(() => expect(confirmations.current).not.toBeNull());
    return { done };
  }

  test('it is counted first, asked with what was counted, and then done', async () => {
    s.on('POST /fs/delete', (c: Call) => result(c));
    const { done } = await ask([file('/a/x'), file('/a/y')]);
    expect(confirmations.current).toMatchObject({ tier: 1, danger: true, title: t.deleteTitle(2, 'x'), verb: t.deleteVerb, typed: undefined });
    expect((await confirmations.current?.preview?.(''))?.facts.map((f) => f.value)).toEqual(['2', '2 KiB']);
    expect(dries()).toEqual(['true']);
    confirmations.current?.answer({ reason: '', choice: '' });
    expect(await done).toBe(true);
    expect(dries()).toEqual(['true', 'false']);
    expect(said()).toEqual([t.deleted(2)]);
  });

  test('a folder with something in it wants its name typed', async () => {
    s.on('POST /fs/delete', (c: Call) => result(c, { files: 7, directories: 2 }));
    const { done } = await ask([dir('/a/Photos')]);
    expect(confirmations.current).toMatchObject({ tier: 2, typed: 'Photos' });
    confirmations.current?.answer(null);
    expect(await done).toBe(false);
    expect(dries()).toEqual(['true']);
  });

  test('a name that cannot be typed is replaced by a word', async () => {
    s.on('POST /fs/delete', (c: Call) => result(c, { files: 7, directories: 1 }));
    const { done } = await ask([dir('/a/ab\u200b')]);
    expect(confirmations.current).toMatchObject({ tier: 2, typed: t.deleteWord });
    confirmations.current?.answer(null);
    await done;
  });

  test('several, with a full folder among them, want a word typed', async () => {
    s.on('POST /fs/delete', (c: Call) => result(c, { files: 9, directories: 1 }));
    const { done } = await ask([dir('/a/b'), file('/a/c')]);
    expect(confirmations.current).toMatchObject({ tier: 2, typed: t.deleteWord });
    confirmations.current?.answer(null);
    await done;
  });

  test('an empty folder is asked about once, not typed', async () => {
    s.on('POST /fs/delete', (c: Call) => result(c, { files: 0, directories: 1 }));
    const { done } = await ask([dir('/a/b')]);
    expect(confirmations.current).toMatchObject({ tier: 1, typed: undefined });
    confirmations.current?.answer(null);
    await done;
  });

  test('more than a thousand go in several requests, each path once', async () => {
    s.on('POST /fs/delete', (c: Call) => result(c));
    const all = Array.from({ length: 2300 }, (_, i) => file(`/a/f${i}`));
    const { done } = await ask(all);
    confirmations.current?.answer({ reason: '', choice: '' });
    await done;
    const real = s.sent('POST /fs/delete').filter((c) => c.query.get('dry_run') === 'false');
    expect(real.map((c) => (c.body as { paths: string[] }).paths.length)).toEqual([1000, 1000, 300]);
    expect(new Set(real.flatMap((c) => (c.body as { paths: string[] }).paths)).size).toBe(2300);
    expect(said()).toEqual([t.deleted(2300)]);
  });

  test('what was not deleted is named', async () => {
    s.on('POST /fs/delete', (c: Call) => (c.query.get('dry_run') === 'true' ? result(c) : result(c, { deleted: 1, failed: [{ path: '/a/y', title: 'Locked' }] })));
    const { done } = await ask([file('/a/x'), file('/a/y')]);
    confirmations.current?.answer({ reason: '', choice: '' });
    await done;
    expect(toasts.list.map((x) => [x.text, x.detail])).toEqual([
      [t.someFailed(1), 'y: Locked'],
      [t.deleted(1), undefined],
    ]);
  });

  test('a count that is refused asks nothing and says why', async () => {
    s.refuse('POST /fs/delete', 403, 'You may not', { code: 'forbidden' });
    expect(await remove([file('/a/x')])).toBe(false);
    expect(confirmations.current).toBeNull();
    expect(said()).toEqual(['You may not']);
  });

  test('nothing selected is nothing deleted', async () => {
    expect(await remove([])).toBe(false);
    expect(s.calls).toHaveLength(0);
  });
});

describe('the acts of a window', () => {
  let browser: Browser;
  const stage = { look: vi.fn(), properties: vi.fn(), pickFiles: vi.fn(), focus: vi.fn() };

  async function window(names: Entry[], selected: string[] = []): Promise<ReturnType<typeof acting>> {
    browser = new Browser(() => Promise.resolve({ dir: dir('/a'), items: names }));
    browser.go('/a');
    await settle();
    browser.selected = new Set(selected);
    vi.clearAllMocks();
    return acting(browser, stage);
  }

  test('New folder makes one with a free name, and lets it be named', async () => {
    s.on('POST /fs/mkdir', (c: Call) => dir((c.body as { path: string }).path));
    const a = await window([dir(`/a/${t.newFolder}`)]);
    a.create();
    await settle();
    expect(s.sent('POST /fs/mkdir')[0]?.body).toEqual({ path: `/a/${t.newFolder} (2)` });
    expect(browser.renaming).toBe(`/a/${t.newFolder} (2)`);
  });

  test('New folder pressed twice makes one', async () => {
    s.on('POST /fs/mkdir', (c: Call) => dir((c.body as { path: string }).path));
    const a = await window([]);
    a.create();
    a.create();
    await settle();
    expect(s.sent('POST /fs/mkdir')).toHaveLength(1);
    expect(said()).toEqual([]);
    a.create(); // and once more, when the first is there
    await settle();
    expect(s.sent('POST /fs/mkdir')).toHaveLength(2);
  });

  test('what was cut is pasted once, what was copied as often as one likes', async () => {
    const a = await window([file('/a/x')]);
    a.cut([file('/a/x')]);
    expect([...clip.cut]).toEqual(['/a/x']);
    a.paste('/b');
    a.paste('/c');
    await settle();
    expect(acts()).toEqual(['/fs/move /a/x > /b/x']);
    expect(clip.cut.size).toBe(0);
    a.copy([file('/a/y')]);
    a.paste('/b');
    a.paste('/c');
    await settle();
    expect(acts().slice(1)).toEqual(['/fs/copy /a/y > /b/y', '/fs/copy /a/y > /c/y']);
  });

  test('what was cut and could not be put there can be put elsewhere', async () => {
    const a = await window([]);
    s.refuse('POST /fs/move', 507, 'No space');
    a.cut([file('/a/x')]);
    a.paste('/b');
    await settle();
    expect(said()).toEqual(['No space']);
    expect(clip.current?.paths).toEqual(['/a/x']);
  });

  test('opening goes into a folder and looks at a file', async () => {
    const a = await window([dir('/a/d'), file('/a/f')]);
    a.open(file('/a/f'));
    expect(stage.look).toHaveBeenCalledOnce();
    a.open(dir('/a/d'));
    expect(browser.path).toBe('/a/d');
  });

  test('several entries are one zip, only when they lie in one folder', async () => {
    const a = await window([]);
    expect(a.noDownload([file('/a/x'), file('/a/y')])).toBe(false);
    expect(a.noDownload([file('/a/x'), file('/b/y')])).toBe(t.onePlace);
    expect(a.noDownload(Array.from({ length: 1001 }, (_, i) => file(`/a/${i}`)))).toBe(t.tooMany);
    signIn('viewer');
    expect(a.noDownload([file('/a/x')])).toBe(t.mayNotRead);
  });

  test.each([
    ['a file', [file('/a/x y.txt')], '/api/v1/fs/content?path=%2Fa%2Fx+y.txt', 'x y.txt'],
    ['a folder', [dir('/a/d')], '/api/v1/fs/archive?path=%2Fa%2Fd', ''],
    ['several', [dir('/a/d'), file('/a/x')], '/api/v1/fs/archive?path=%2Fa&name=d&name=x', ''],
  ])('%s is downloaded from its address', (_, all, href, name) => {
    const clicked: [string | null, string][] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      clicked.push([this.getAttribute('href'), this.download]);
    });
    download(all);
    expect(clicked).toEqual([[href, name]]);
  });

  const keysOfWriter = ['rename', 'delete', 'cut', 'copy', 'paste', 'create'] as const;
  test.each(keysOfWriter)('the key for %s does nothing for who may not write', async (key) => {
    signIn('reader');
    s.on('POST /fs/delete', () => refusal(403, 'no')).on('POST /fs/mkdir', () => refusal(403, 'no'));
    const a = await window([file('/a/x')], ['/a/x']);
    clip.current = { mode: 'copy', paths: ['/z'] };
    press(key, browser, a, () => undefined);
    await settle();
    expect(s.calls).toHaveLength(0);
    expect(browser.renaming).toBeNull();
    expect(clip.current).toEqual({ mode: 'copy', paths: ['/z'] });
  });

  test('a rename is of one entry; of two it is nothing', async () => {
    const a = await window([file('/a/x'), file('/a/y')], ['/a/x', '/a/y']);
    press('rename', browser, a, () => undefined);
    expect(browser.renaming).toBeNull();
    browser.selected = new Set(['/a/y']);
    press('rename', browser, a, () => undefined);
    expect(browser.renaming).toBe('/a/y');
  });

  test('properties without a selection are those of the folder', async () => {
    const a = await window([file('/a/x')]);
    press('properties', browser, a, () => undefined);
    expect(stage.properties).toHaveBeenCalledWith('/a');
  });

  test('a download by key is not begun where it is not allowed', async () => {
    signIn('viewer');
    const clicked = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
    const a = await window([file('/a/x')], ['/a/x']);
    press('download', browser, a, () => undefined);
    expect(clicked).not.toHaveBeenCalled();
  });

  test('after deleting, the list has the keyboard again', async () => {
    s.on('POST /fs/delete', (c: Call) => ({ dry_run: c.query.get('dry_run') === 'true', files: 1, directories: 0, bytes: 0, deleted: 1, failed: [] }));
    const a = await window([file('/a/x')]);
    a.remove([file('/a/x')]);
    await vi.waitFor(() => expect(confirmations.current).not.toBeNull());
    confirmations.current?.answer({ reason: '', choice: '' });
    await vi.waitFor(() => expect(stage.focus).toHaveBeenCalledOnce());
  });

  test('a favourite is kept and taken away', async () => {
    const a = await window([]);
    a.favourite('/a');
    expect([a.isFavourite('/a'), look.favourites]).toEqual([true, ['/a']]);
    a.favourite('/a');
    expect(a.isFavourite('/a')).toBe(false);
  });

  test('there are at most thirty favourites, the newest of them', async () => {
    for (let i = 0; i < 35; i++) look.favourite(`/f${i}`);
    expect([look.favourites.length, look.favourites[0], look.favourites.at(-1)]).toEqual([30, '/f5', '/f34']);
    for (const f of [...look.favourites]) look.favourite(f);
  });

  test('copied paths are one a line', async () => {
    hands(); // it brings a clipboard
    const a = await window([]);
    a.copyPath(['/a/x', '/a/y']);
    await vi.waitFor(() => expect(said()).toEqual([t.pathCopied]));
    expect(await navigator.clipboard.readText()).toBe('/a/x\n/a/y');
  });

  describe('its menu', () => {
    type Item = Exclude<ReturnType<typeof entryMenu>[number], 'separator'>;
    const items = (all: ReturnType<typeof entryMenu>): Item[] => all.filter((x): x is Item => x !== 'separator');
    const off = (all: ReturnType<typeof entryMenu>): string[] => items(all).filter((x) => x.disabled).map((x) => x.label);

    test('a writer may do everything with a file', async () => {
      const a = await window([]);
      expect(off(entryMenu([file('/a/x')], a))).toEqual([]);
      expect(items(entryMenu([file('/a/x')], a)).map((x) => x.label)).toEqual([t.open, t.look, t.download, t.cut, t.copy, t.rename, t.remove, t.copyPath, t.properties]);
    });

    test('a reader may look and download, and is told why not more', async () => {
      signIn('reader');
      const a = await window([]);
      const menu = entryMenu([file('/a/x')], a);
      expect(off(menu)).toEqual([t.cut, t.copy, t.rename, t.remove]);
      expect(items(menu).find((x) => x.label === t.remove)?.disabled).toBe(t.mayNotWrite);
    });

    test('a viewer may not even download', async () => {
      signIn('viewer');
      const a = await window([]);
      expect(items(entryMenu([file('/a/x')], a)).find((x) => x.label === t.download)?.disabled).toBe(t.mayNotRead);
    });

    test('pasting into a folder needs something that was cut or copied', async () => {
      const a = await window([]);
      const paste = (): unknown => items(entryMenu([dir('/a/d')], a)).find((x) => x.label === t.pasteInto)?.disabled;
      expect(paste()).toBe(t.nothingToPaste);
      a.copy([file('/a/x')]);
      expect(paste()).toBe(false);
    });

    test('several entries have no rename and no properties, and a zip', async () => {
      const a = await window([]);
      const labels = items(entryMenu([file('/a/x'), file('/a/y')], a)).map((x) => x.label);
      expect(labels).toEqual([t.downloadZip, t.cut, t.copy, t.remove, t.copyPath]);
    });

    test('the folder’s own menu gives a reader no act that changes', async () => {
      signIn('reader');
      const a = await window([]);
      expect(off(folderMenu('/a', a))).toEqual([t.create, t.uploadFiles, t.uploadFolder, t.paste]);
    });

    test('nothing selected has no menu', async () => {
      expect(entryMenu([], await window([]))).toEqual([]);
    });
  });
});

describe('dragging', () => {
  let drops: [string, Dropped][];
  let from: HTMLElement;
  let onto: HTMLElement;
  let data: DataTransfer;
  let stops: (() => void)[];

  function set(paths: string[], folder: string | null): void {
    drops = [];
    from = document.createElement('div');
    onto = document.createElement('div');
    document.body.append(from, onto);
    data = new DataTransfer();
    const entries = (): FileSystemEntry[] => [{ name: 'outside' } as FileSystemEntry];
    stops = [source(() => paths)(from) as () => void, target(() => folder, (to, what) => drops.push([to, what]), entries)(onto) as () => void];
  }

  function drag(name: string, at: HTMLElement, ctrlKey = false): DragEvent {
    const e = new Event(name, { bubbles: true, cancelable: true }) as DragEvent;
    Object.defineProperties(e, { dataTransfer: { value: data }, ctrlKey: { value: ctrlKey } });
    at.dispatchEvent(e);
    return e;
  }

  test('entries dropped on a folder are moved there, with Ctrl copied', () => {
    set(['/a/x', '/a/y'], '/b');
    drag('dragstart', from);
    expect(drag('dragover', onto).defaultPrevented).toBe(true);
    expect(onto.dataset.drop).toBe('');
    drag('drop', onto);
    drag('dragstart', from);
    drag('drop', onto, true);
    expect(drops).toEqual([
      ['/b', { paths: ['/a/x', '/a/y'], copy: false }],
      ['/b', { paths: ['/a/x', '/a/y'], copy: true }],
    ]);
    expect(onto.dataset.drop).toBeUndefined();
  });

  test('a folder cannot be dropped on itself or on what is in it', () => {
    set(['/a'], '/a/b');
    drag('dragstart', from);
    expect(drag('dragover', onto).defaultPrevented).toBe(false);
    drag('drop', onto);
    expect(drops).toEqual([]);
  });

  test('what was let go elsewhere is not dropped later', () => {
    set(['/a/x'], '/b');
    drag('dragstart', from);
    drag('dragend', from);
    drag('drop', onto);
    expect(drops).toEqual([]);
  });

  test('files from outside are taken with what they hold', () => {
    set([], '/b');
    Object.defineProperty(data, 'types', { value: ['Files'] });
    drag('dragover', onto);
    drag('drop', onto);
    expect(drops).toEqual([['/b', { items: [{ name: 'outside' }] }]]);
  });

  test('a text dragged from elsewhere is left alone', () => {
    set([], '/b');
    Object.defineProperty(data, 'types', { value: ['text/plain'] });
    expect(drag('dragover', onto).defaultPrevented).toBe(false);
    drag('drop', onto);
    expect(drops).toEqual([]);
  });

  test('the mark goes when the drag leaves, not when it only passes over what is inside', () => {
    set(['/a/x'], '/b');
    drag('dragstart', from);
    drag('dragenter', onto);
    drag('dragenter', onto);
    drag('dragover', onto);
    drag('dragleave', onto);
    expect(onto.dataset.drop).toBe('');
    drag('dragleave', onto);
    expect(onto.dataset.drop).toBeUndefined();
  });

  test('a list that is taken away takes nothing any more', () => {
    set(['/a/x'], '/b');
    for (const stop of stops) stop();
    drag('dragstart', from);
    drag('drop', onto);
    expect(drops).toEqual([]);
    expect(from.draggable).toBe(false);
  });

  test('a place that takes nothing leaves it to what is around it', () => {
    set(['/a/x'], null);
    drag('dragstart', from);
    expect(drag('dragover', onto).defaultPrevented).toBe(false);
    drag('drop', onto);
    expect(drops).toEqual([]);
  });
});
