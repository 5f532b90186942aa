// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Problem } from '../../api/problem';
import { session, type Role } from '../../api/session.svelte';
import { Browser } from './browser.svelte';
import Panel from './Panel.svelte';
import Preview from './Preview.svelte';
import QuickLook from './QuickLook.svelte';
import StatusLine from './StatusLine.svelte';
import { t } from './strings';
import * as text from './text';
import type { Detail, Entry } from './types';

const entry = (name: string, more: Partial<Entry> = {}): Entry => ({ name, path: `/d/${name}`, dir: false, size: 2048, modified: '2026-01-02T03:04:05Z', created: '2026-01-01T00:00:00Z', etag: '"7"', ...more });
const as = (role: Role): void => void (session.me = { signed_in: true, user: 'anna', role, encrypted: true } as NonNullable<typeof session.me>);

beforeEach(() => as('reader'));
afterEach(() => {
  session.me = undefined;
  vi.restoreAllMocks();
});

describe('a preview', () => {
  test.each([
    ['a.png', 'img'],
    ['a.mp3', 'audio'],
    ['a.webm', 'video'],
  ])('%s is shown by %s, as the server sends it inline', (name, tag) => {
    const { container } = render(Preview, { entry: entry(name) });
    const url = new URL(container.querySelector(tag)?.getAttribute('src') ?? '', 'http://x');
    expect(Object.fromEntries(url.searchParams)).toEqual({ path: `/d/${name}`, inline: '1', v: '"7"' });
  });

  test('a page is never rendered: it is text', async () => {
    vi.spyOn(text, 'readText').mockResolvedValue({ text: '<script>alert(1)</script>', cut: false, binary: false });
    const { container } = render(Preview, { entry: entry('evil.html') });
    await waitFor(() => expect(container.querySelector('pre')?.textContent).toBe('<script>alert(1)</script>'));
    expect(container.querySelector('script, iframe, img, object, embed')).toBeNull();
  });

  test('a drawing that could hold a script is text, too', async () => {
    vi.spyOn(text, 'readText').mockResolvedValue({ text: '<svg/>', cut: false, binary: false });
    const { container } = render(Preview, { entry: entry('a.svg') });
    await waitFor(() => expect(container.querySelector('pre')).toBeTruthy());
    expect(container.querySelector('img')).toBeNull();
  });

  test('only the beginning of a long text is shown, and it says so', async () => {
    vi.spyOn(text, 'readText').mockResolvedValue({ text: 'begin', cut: true, binary: false });
    render(Preview, { entry: entry('a.log', { size: 10 << 20 }) });
    expect(await screen.findByText(t.cutOff('256 KiB'))).toBeTruthy();
  });

  test('bytes that pretend to be text are not shown', async () => {
    vi.spyOn(text, 'readText').mockResolvedValue({ text: '', cut: false, binary: true });
    const { container } = render(Preview, { entry: entry('a.txt') });
    expect(await screen.findByText(t.binary)).toBeTruthy();
    expect(container.querySelector('pre')).toBeNull();
  });

  test.each(['a.zip', 'a.docx', 'a.iso'])('%s has none, and nothing is read for it', (name) => {
    const read = vi.spyOn(text, 'readText');
    render(Preview, { entry: entry(name) });
    expect(screen.getByText(t.noPreview)).toBeTruthy();
    expect(read).not.toHaveBeenCalled();
  });

  test('who may not read gets no byte', () => {
    as('viewer');
    const read = vi.spyOn(text, 'readText');
    const { container, rerender } = render(Preview, { entry: entry('a.txt') });
    expect(screen.getByText(t.mayNotRead)).toBeTruthy();
    void rerender({ entry: entry('a.png') });
    expect(container.querySelector('img')).toBeNull();
    expect(read).not.toHaveBeenCalled();
  });

  test('a huge picture waits for a word', async () => {
    const { container } = render(Preview, { entry: entry('a.png', { size: 65 << 20 }) });
    expect(container.querySelector('img')).toBeNull();
    expect(screen.getByText(t.largeDetail('65 MiB'))).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: t.showAnyway }));
    expect(container.querySelector('img')).toBeTruthy();
  });

  test('a picture whose blocks are gone says why, and leads to its blocks', async () => {
    vi.spyOn(text, 'failureOf').mockResolvedValue(new Problem(503, 'No copy answers', 'node3 has it', 'unavailable', 'r-9'));
    const blocks = vi.fn();
    const { container } = render(Preview, { entry: entry('a.png'), onblocks: blocks });
    container.querySelector('img')?.dispatchEvent(new Event('error'));
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('No copy answers');
    expect(alert.textContent).toContain('node3 has it');
    expect(alert.textContent).toContain('r-9');
    await userEvent.click(screen.getByRole('button', { name: t.whereItIs }));
    expect(blocks).toHaveBeenCalledOnce();
  });

  test('a text that cannot be read says why', async () => {
    vi.spyOn(text, 'readText').mockRejectedValue(new Problem(503, 'No copy answers'));
    render(Preview, { entry: entry('a.txt') });
    expect((await screen.findByRole('alert')).textContent).toContain('No copy answers');
  });

  test('going on to another text gives up the one before', async () => {
    const signals: AbortSignal[] = [];
    vi.spyOn(text, 'readText').mockImplementation((e, signal) => {
      signals.push(signal);
      return e.name === 'slow.txt' ? new Promise(() => undefined) : Promise.resolve({ text: 'second', cut: false, binary: false });
    });
    const { container, rerender } = render(Preview, { entry: entry('slow.txt') });
    await rerender({ entry: entry('fast.txt') });
    await waitFor(() => expect(container.querySelector('pre')?.textContent).toBe('second'));
    expect(signals.map((s) => s.aborted)).toEqual([true, false]);
  });
});

describe('reading the beginning of a file', () => {
  const answer = (body: BodyInit | null, init: ResponseInit = {}): Request[] => {
    const asked: Request[] = [];
    vi.stubGlobal('fetch', (r: Request) => {
      asked.push(r);
      return Promise.resolve(new Response(body, init));
    });
    return asked;
  };
  afterEach(() => void vi.unstubAllGlobals());
  const signal = new AbortController().signal;

  test('no more than is shown is asked for', async () => {
    const asked = answer('hello', { status: 206 });
    expect(await text.readText(entry('a b&c.txt', { size: 5 }), signal)).toEqual({ text: 'hello', cut: false, binary: false });
    expect(asked[0]?.headers.get('Range')).toBe('bytes=0-262143');
    expect(new URL(asked[0]?.url ?? '').searchParams.get('path')).toBe('/d/a b&c.txt');
  });

  test('an empty file is not asked for: no range of it exists', async () => {
    const asked = answer('');
    expect((await text.readText(entry('a.txt', { size: 0 }), signal)).text).toBe('');
    expect(asked).toHaveLength(0);
  });

  test('a server that ignores the range does not make the page hold it all', async () => {
    answer('x'.repeat(300 << 10));
    const got = await text.readText(entry('a.txt', { size: 300 << 10 }), signal);
    expect([got.text.length, got.cut]).toEqual([256 << 10, true]);
  });

  test('a refusal is told as the server said it', async () => {
    answer(JSON.stringify({ title: 'No copy answers', status: 503, request_id: 'r1' }), { status: 503, headers: { 'Content-Type': 'application/problem+json' } });
    await expect(text.readText(entry('a.txt'), signal)).rejects.toMatchObject({ status: 503, title: 'No copy answers', requestId: 'r1' });
  });

  test('no answer is a problem as well', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    await expect(text.readText(entry('a.txt'), signal)).rejects.toMatchObject({ unreachable: true });
    expect((await text.failureOf('/a.png')).unreachable).toBe(true);
  });

  test('a file that comes but cannot be shown is no fault of the server', async () => {
    answer('x', { status: 206 });
    expect((await text.failureOf('/a.png')).status).toBe(415);
  });
});

describe('a look at one file and those beside it', () => {
  const all = [entry('folder', { dir: true }), entry('1.zip'), entry('2.zip'), entry('3.zip')];

  function look(of: Entry, mayRead = true): { moved: string[]; closed: () => number } {
    const moved: string[] = [];
    const onclose = vi.fn();
    render(QuickLook, { entry: of, entries: all, onmove: (e: Entry) => moved.push(e.name), onclose, onblocks: () => undefined, mayRead });
    return { moved, closed: () => onclose.mock.calls.length };
  }
  const button = (name: string): HTMLElement => screen.getByRole('button', { name, hidden: true });

  test('the arrows go through the files and leave the folders out', async () => {
    const { moved } = look(all[2] as Entry);
    await userEvent.click(button(t.previous));
    await userEvent.click(button(t.next));
    expect(moved).toEqual(['1.zip', '3.zip']);
  });

  test('the first has none before it, the last none behind it', async () => {
    const first = look(all[1] as Entry);
    await userEvent.click(button(t.previous));
    expect(first.moved).toEqual([]);
    expect(button(t.previous).getAttribute('aria-disabled')).toBe('true');
  });

  test('keys do the same, and Space closes', async () => {
    const { moved, closed } = look(all[2] as Entry);
    for (const key of ['ArrowRight', 'ArrowLeft', ' ']) document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    expect(moved).toEqual(['3.zip', '1.zip']);
    expect(closed()).toBe(1);
  });

  test.each([{ altKey: true }, { ctrlKey: true }, { metaKey: true }])('an arrow with %j is the browser’s, which goes back by it', (held) => {
    const { moved } = look(all[2] as Entry);
    const e = new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true, cancelable: true, ...held });
    document.body.dispatchEvent(e);
    expect([moved, e.defaultPrevented]).toEqual([[], false]);
  });

  test('Space on a button presses the button and does not close', async () => {
    const { moved, closed } = look(all[2] as Entry);
    button(t.next).focus();
    await userEvent.keyboard(' ');
    expect(moved).toEqual(['3.zip']);
    expect(closed()).toBe(0);
  });

  test('the download has the file’s own name', () => {
    look(all[1] as Entry);
    const link = screen.getByRole('link', { name: t.download, hidden: true });
    expect([link.getAttribute('download'), link.getAttribute('href')]).toEqual(['1.zip', '/api/v1/fs/content?path=%2Fd%2F1.zip']);
  });

  test('who may not read is offered no download', () => {
    look(all[1] as Entry, false);
    expect(screen.queryByRole('link', { name: t.download, hidden: true })).toBeNull();
  });
});

describe('the panel beside the list', () => {
  const show = (chosen: Entry[]) => render(Panel, { chosen, onproperties: () => undefined }).container.textContent;

  test('one file with its facts', () => {
    const said = show([entry('a.zip', { size: 1536, replication: 3 })]);
    expect(said).toContain('1.5 KiB');
    expect(said).toContain(t.kinds.archive);
    expect(said).toMatch(/Copies\s*3/);
  });

  test('of several files it says how many and how much; folders have no size here', () => {
    expect(show([entry('a', { size: 1024 }), entry('b', { size: 1024 }), entry('c', { dir: true, size: 9999 })])).toContain('3 entries selected');
    expect(screen.getByText('2 KiB')).toBeTruthy();
  });

  test('nothing selected says what to do', () => expect(show([])).toContain(t.nothingChosenDetail));

  test('its button shows the properties of what is selected', async () => {
    const shown = vi.fn();
    render(Panel, { chosen: [entry('a.zip')], onproperties: shown });
    await userEvent.click(screen.getByRole('button', { name: t.properties }));
    expect(shown).toHaveBeenCalledWith('/d/a.zip');
  });
});

describe('the line at the bottom', () => {
  const detail = (more: Partial<Detail>): Detail => ({ entry: entry('d', { dir: true }), replication: 2, used_bytes: 0, ...more }) as Detail;

  async function line(names: Entry[], selected: string[], of?: Detail): Promise<string> {
    const browser = new Browser(() => Promise.resolve({ dir: entry('d', { dir: true }), items: names }));
    browser.go('/d');
    await vi.waitFor(() => expect(browser.folder.complete).toBe(true));
    browser.selected = new Set(selected);
    return render(StatusLine, { browser, detail: of }).container.textContent.replace(/\s+/g, ' ');
  }

  test('counts one entry as one', async () => expect(await line([entry('a')], [])).toContain('1 entry'));

  test('what is selected, and how much its files hold', async () => {
    const said = await line([entry('a', { size: 1000 }), entry('b', { size: 24 }), entry('c', { dir: true, size: 5000 })], ['/d/a', '/d/b', '/d/c']);
    expect(said).toContain('3 entries');
    expect(said).toContain('3 selected, 1 KiB');
  });

  test('selected folders alone have no size', async () => {
    expect(await line([entry('c', { dir: true })], ['/d/c'])).toMatch(/1 selected(?!,)/);
  });

  test('what is free, where there is no quota', async () => {
    expect(await line([], [], detail({ available_bytes: 3 * 1024 ** 4 }))).toContain('3 TiB free');
  });

  test('a quota stands before what is free, and warns above nine tenths', async () => {
    const said = await line([], [], detail({ available_bytes: 1, quota_bytes: 1024 ** 3, used_bytes: 0.95 * 1024 ** 3 }));
    expect(said).toContain('973 MiB of 1 GiB used');
    expect(said).not.toContain('free');
    expect(document.querySelector('.warn')).toBeTruthy();
  });

  test('while more is read it says that there is more', async () => {
    const browser = new Browser((_, cursor) => (cursor ? new Promise(() => undefined) : Promise.resolve({ dir: entry('d', { dir: true }), items: [entry('a'), entry('b')], next_cursor: 'c' })));
    browser.go('/d');
    await vi.waitFor(() => expect(browser.folder.rows).toHaveLength(2));
    expect(render(StatusLine, { browser, detail: undefined }).container.textContent).toContain(t.entriesSoFar(2));
    browser.folder.close();
  });
});
