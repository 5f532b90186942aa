// @vitest-environment happy-dom
import { render, screen, waitFor, within } from '@testing-library/svelte';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import * as cluster from '../../../../e2e/fixture/cluster';
import { windows } from '../../../desk/desk.svelte';
import { hands, refusal, server, signIn, type Call, type Server } from '../../../testing';
import { confirmations } from '../../../ui/confirm.svelte';
import { toasts } from '../../../ui/toast.svelte';
import { t } from '../strings';
import type { Block, Detail, Replica } from '../types';
import Properties, { type Tab } from './Properties.svelte';

const GiB = 2 ** 30;
const folder = (more: Partial<Detail> = {}): Detail => ({ entry: cluster.entry('/a/Photos', true), replication: 2, replication_own: 0, used_bytes: 3 * GiB, ...more });
const file = (more: Partial<Detail> = {}): Detail => ({ entry: cluster.entry('/a/x.jpg', false, 1_204_113), replication: 2, used_bytes: 1_204_113, ...more });

let s: Server;
let user: ReturnType<typeof hands>;
beforeEach(() => {
  s = server();
  user = hands();
  signIn('admin');
  toasts.list = [];
  confirmations.current = null;
});

async function show(detail: Detail, tab: Tab = 'general'): Promise<{ shown: string[] }> {
  s.on('GET /fs/stat', detail);
  const shown: string[] = [];
  render(Properties, { path: detail.entry.path, tab, onclose: () => undefined, onshow: (p: string) => shown.push(p) });
  await waitFor(() => expect(screen.queryByRole('status', { hidden: true, busy: true })).toBeNull());
  return { shown };
}

const fact = (label: string): string => screen.getByText(label, { selector: 'dt' }).nextElementSibling?.textContent.trim() ?? '';
const button = (name: string): HTMLElement => screen.getByRole('button', { name, hidden: true });
const field = (label: string): HTMLInputElement => screen.getByLabelText<HTMLInputElement>(label);
const why = (b: HTMLElement): string | null => (b.getAttribute('aria-disabled') === 'true' ? b.title : null);

describe('what is known of a file', () => {
  test('it is asked for by its path', async () => {
    await show(file());
    expect(s.sent('GET /fs/stat')[0]?.query.get('path')).toBe('/a/x.jpg');
  });

  test('its size is told as people read it and to the byte', async () => {
    await show(file({ blocks: 3, sha1: 'da39a3' }));
    expect(fact(t.size)).toBe('1.15 MiB (1,204,113 bytes)');
    expect(fact(t.blocks)).toBe('3');
    expect(fact(t.checksum)).toBe('da39a3');
    expect(fact(t.location)).toBe('/a');
  });

  test.each([
    [2, 'ok', '2 of 2 reachable'],
    [1, 'warn', '1 of 2 reachable'],
    [0, 'bad', '0 of 2 reachable'],
  ])('with %s copies that are reached it is %s', async (live, tone, said) => {
    await show(file({ min_live: live }));
    expect(screen.getByText(said).closest('.badge')?.className).toContain(tone);
  });

  test('a file that has no blocks tells only how many copies it would have', async () => {
    await show(file({ min_live: undefined }));
    expect(fact(t.stored)).toBe('2');
  });

  test('a folder tells what is in it and has no blocks to show', async () => {
    await show(folder({ files: 1200, directories: 34 }));
    expect(fact(t.contents)).toBe('1,200 files, 34 folders');
    expect(fact(t.used)).toBe('3 GiB');
    expect(screen.queryByRole('tab', { name: t.tabs.blocks, hidden: true })).toBeNull();
  });

  test('the drive itself has a name', async () => {
    await show(folder({ entry: { ...cluster.entry('/', true), name: '', path: '/' } }));
    expect(screen.getAllByText(t.drive).length).toBeGreaterThan(0);
  });

  test('a fault names the request, and is tried again', async () => {
    s.refuse('GET /fs/stat', 503, 'The nameserver does not answer');
    render(Properties, { path: '/a/x', onclose: () => undefined, onshow: () => undefined });
    expect((await screen.findByRole('alert', { hidden: true })).textContent).toContain('r-4711');
    s.on('GET /fs/stat', file());
    await user.click(screen.getByRole('button', { name: 'Try again', hidden: true }));
    expect(await screen.findByText('1.15 MiB (1,204,113 bytes)')).toBeTruthy();
  });
});

describe('how many copies and how much', () => {
  const impact = { dry_run: true, sentence: '380 volumes get one copy more.', facts: [], blockers: [] };
  const sent = (dry: boolean): unknown[] => s.sent('PATCH /fs/attributes').filter((c) => (c.query.get('dry_run') === 'true') === dry).map((c) => c.body);
  const change = async (): Promise<void> => {
    await user.click(button(t.change));
    await waitFor(() => expect(confirmations.current).not.toBeNull());
  };

  test('nothing changed, nothing to apply', async () => {
    await show(folder({ quota_bytes: 500 * GiB }), 'replication');
    expect(button(t.change).getAttribute('aria-disabled')).toBe('true');
    await user.click(button(t.change));
    expect(s.sent('PATCH /fs/attributes')).toHaveLength(0);
  });

  test('a change is tried first, asked about, and then done with its reason', async () => {
    s.on('PATCH /fs/attributes', impact);
    await show(folder(), 'replication');
    await user.selectOptions(field(t.own), '3');
    await change();
    expect(confirmations.current).toMatchObject({ tier: 1, title: t.changeTitle('Photos') });
    expect((await confirmations.current?.preview?.(''))?.sentence).toBe(impact.sentence);
    expect(sent(false)).toEqual([]);
    confirmations.current?.answer({ reason: 'family photos', choice: '' });
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([t.changed]));
    expect(sent(true)).toEqual([{ path: '/a/Photos', replication: 3 }]);
    expect(sent(false)).toEqual([{ path: '/a/Photos', replication: 3, reason: 'family photos' }]);
  });

  test('what the folder has afterwards is read again', async () => {
    s.on('PATCH /fs/attributes', impact);
    await show(folder(), 'replication');
    await user.selectOptions(field(t.own), '3');
    await change();
    s.on('GET /fs/stat', folder({ replication: 3, replication_own: 3 }));
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(fact(t.applies)).toBe('3 copies'));
    expect(button(t.change).getAttribute('aria-disabled')).toBe('true');
  });

  test('Cancel changes nothing', async () => {
    s.on('PATCH /fs/attributes', impact);
    await show(folder(), 'replication');
    await user.selectOptions(field(t.own), '3');
    await change();
    confirmations.current?.answer(null);
    await Promise.resolve();
    expect(sent(false)).toEqual([]);
  });

  // 1,000 GiB is written with a comma that would be read as a decimal one, and most
  // sizes are rounded on screen.
  test.each([1000 * GiB, 1_234_567_890_123])('a quota of %s bytes is left alone by who changes the copies', async (quota) => {
    s.on('PATCH /fs/attributes', impact);
    await show(folder({ quota_bytes: quota }), 'replication');
    await user.selectOptions(field(t.own), '3');
    await change();
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(sent(false)).toHaveLength(1));
    expect(sent(false)[0]).not.toHaveProperty('quota_bytes');
  });

  test.each([
    ['500 GiB', 500 * GiB],
    ['1.5t', 1.5 * 1024 * GiB],
    ['', 0],
  ])('a quota typed as "%s" is %s bytes, and the copies are left alone', async (text, bytes) => {
    s.on('PATCH /fs/attributes', impact);
    await show(folder({ quota_bytes: 7 * GiB, replication_own: 3 }), 'replication');
    await user.clear(field(t.quotaLabel));
    if (text) await user.type(field(t.quotaLabel), text);
    await change();
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(sent(false)).toEqual([{ path: '/a/Photos', quota_bytes: bytes }]));
  });

  test('what is no size is said, and cannot be applied', async () => {
    await show(folder(), 'replication');
    await user.type(field(t.quotaLabel), 'much');
    expect(screen.getByText(t.quotaBad)).toBeTruthy();
    expect(field(t.quotaLabel).getAttribute('aria-invalid')).toBe('true');
    await user.click(button(t.change));
    expect(s.sent('PATCH /fs/attributes')).toHaveLength(0);
  });

  test('one copy is warned of before it is chosen', async () => {
    await show(folder(), 'replication');
    await user.selectOptions(field(t.own), '1');
    expect(screen.getByText(t.oneCopy)).toBeTruthy();
  });

  test.each(['viewer', 'writer', 'operator'] as const)('a %s is told who changes this', async (role) => {
    signIn(role);
    await show(folder(), 'replication');
    await user.selectOptions(field(t.own), '3');
    expect(why(button(t.change))).toBe(t.onlyAdmin);
    await user.click(button(t.change));
    expect(s.sent('PATCH /fs/attributes')).toHaveLength(0);
  });

  test('a refusal is told with its request, and the choice stays', async () => {
    s.on('PATCH /fs/attributes', (c: Call) => (c.query.get('dry_run') === 'true' ? impact : refusal(409, 'Too few servers', { detail: 'There are 2.' })));
    await show(folder(), 'replication');
    await user.selectOptions(field(t.own), '3');
    await change();
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(toasts.list[0]).toMatchObject({ tone: 'bad', text: 'Too few servers' }));
    expect(toasts.list[0]?.detail).toContain('r-4711');
    expect(field(t.own).value).toBe('3');
  });

  test('a file follows its folder, and leads there', async () => {
    const { shown } = await show(file(), 'replication');
    expect(screen.getByText(t.fileReplication)).toBeTruthy();
    await user.click(button(t.openFolder));
    expect(shown).toEqual(['/a']);
  });
});

describe('the blocks of a file', () => {
  const replica = (name: string, liveness: Replica['liveness'] = 'up'): Replica => ({ node: `id-${name}`, name, disk: 'd1', liveness, zone: 'attic' });
  const block = (index: number, live = 2, replicas = [replica('loft-1'), replica('loft-2')]): Block => ({ index, id: `7/${index}`, offset: index * 16 * 2 ** 20, length: 16 * 2 ** 20, volume: '7', live, target: 2, replicas });
  const rows = (): HTMLElement[] => within(screen.getByRole('region', { name: t.tabs.blocks, hidden: true })).getAllByRole('row', { hidden: true }).slice(1);

  test('where each copy is, and whether it is reached', async () => {
    s.on('GET /fs/blocks', { total: 1, items: [block(0, 1, [replica('loft-1'), replica('loft-3', 'down')])] });
    await show(file(), 'blocks');
    await screen.findByText('loft-3');
    expect(rows()[0]?.textContent).toContain('16 MiB');
    expect(rows()[0]?.textContent.replace(/\s+/g, '')).toContain(`loft-3${t.liveness.down}`);
    expect(screen.getByText(t.below(1))).toBeTruthy();
  });

  test('a block without a reachable copy names who would bring it back', async () => {
    s.on('GET /fs/blocks', { total: 2, items: [block(0), block(1, 0, [replica('loft-4', 'down')])] });
    await show(file(), 'blocks');
    expect(await screen.findByText(t.unreadableBlocks(1, 'loft-4'))).toBeTruthy();
  });

  test('a copy leads to its machine', async () => {
    s.on('GET /fs/blocks', { total: 1, items: [block(0)] });
    await show(file(), 'blocks');
    await user.click(await screen.findByText('loft-2'));
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'id-loft-2' } });
    windows.list = [];
  });

  test('an empty file has none', async () => {
    s.on('GET /fs/blocks', { total: 0, items: [] });
    await show(file(), 'blocks');
    expect(await screen.findByText(t.noBlocks)).toBeTruthy();
  });

  describe('more than a page', () => {
    // Pages of four instead of two hundred: what is drawn here is drawn without a browser.
    const page = (c: Call): object => {
      const from = Number(c.query.get('cursor') ?? 0);
      const items = Array.from({ length: Math.min(4, 9 - from) }, (_, i) => block(from + i));
      return { total: 9, items, ...(from + 4 < 9 && { next_cursor: String(from + 4) }) };
    };
    const more = (): HTMLElement => button(t.moreBlocks);

    test('is read page by page to its end', async () => {
      s.on('GET /fs/blocks', page);
      await show(file(), 'blocks');
      expect(await screen.findByText(t.blockCount('4', '9'))).toBeTruthy();
      await user.click(more());
      await screen.findByText(t.blockCount('8', '9'));
      await user.click(more());
      await screen.findByText(t.blockCount('9', '9'));
      expect(screen.queryByRole('button', { name: t.moreBlocks, hidden: true })).toBeNull();
      expect(s.sent('GET /fs/blocks').map((c) => c.query.get('cursor'))).toEqual([null, '4', '8']);
    });

    test('pressed twice reads it once', async () => {
      s.on('GET /fs/blocks', page);
      await show(file(), 'blocks');
      await screen.findByText(t.blockCount('4', '9'));
      const free = s.hold('GET /fs/blocks');
      await user.dblClick(more());
      free();
      await screen.findByText(t.blockCount('8', '9'));
      expect(s.sent('GET /fs/blocks')).toHaveLength(2);
    });

    test('that cannot be read says so, and can be tried again', async () => {
      s.on('GET /fs/blocks', page);
      await show(file(), 'blocks');
      await screen.findByText(t.blockCount('4', '9'));
      s.refuse('GET /fs/blocks', 503, 'No nameserver');
      await user.click(more());
      await waitFor(() => expect(toasts.list[0]).toMatchObject({ tone: 'bad', text: 'No nameserver' }));
      s.on('GET /fs/blocks', page);
      await user.click(more());
      expect(await screen.findByText(t.blockCount('8', '9'))).toBeTruthy();
    });

    test('a file that was written anew meanwhile starts over', async () => {
      s.on('GET /fs/blocks', page);
      await show(file(), 'blocks');
      await screen.findByText(t.blockCount('4', '9'));
      // The next page holds a block that the first one had: not the same file any more.
      s.on('GET /fs/blocks', (c: Call) => (c.query.get('cursor') ? { total: 5, items: [block(3), block(4)] } : { total: 1, items: [block(0)] }));
      await user.click(more());
      expect(await screen.findByText(t.blockCount('1', '1'))).toBeTruthy();
      expect(rows()).toHaveLength(1);
    });
  });
});

describe('locks and addresses', () => {
  test('who has it open, with which program, until when', async () => {
    await show(file({ locks: [{ user: 'anna', owner: 'Word', exclusive: true, expires: new Date(Date.now() + 60_000).toISOString() }, { user: 'b\u202Eb', exclusive: false, expires: new Date().toISOString() }] }), 'locks');
    const text = document.body.textContent;
    expect(text).toContain('anna');
    expect(text).toContain('Word');
    expect(text).toContain(t.exclusive);
    expect(text).toContain(t.shared);
    expect(text).toContain('b[U+202E]b');
    expect(screen.getByRole('tab', { name: /Locks/, hidden: true }).textContent).toContain('2');
  });

  test('nobody has', async () => {
    await show(file(), 'locks');
    expect(screen.getByText(t.noLocks)).toBeTruthy();
  });

  test('its address at each gateway, to be copied', async () => {
    await show(file({ webdav: ['https://a/x.jpg', 'http://b/x.jpg'] }), 'address');
    expect(screen.getByText('https://a/x.jpg')).toBeTruthy();
    expect(screen.getByText('http://b/x.jpg')).toBeTruthy();
  });

  test('without a gateway there is none, and it says when there will be', async () => {
    await show(file({ webdav: [] }), 'address');
    expect(screen.getByText(t.noGatewayDetail)).toBeTruthy();
  });
});

test('another file starts from its own facts', async () => {
  vi.useRealTimers();
  s.on('GET /fs/stat', (c: Call) => (c.query.get('path') === '/a/x.jpg' ? file() : file({ entry: cluster.entry('/a/y.jpg', false, 2048) })));
  const { rerender } = render(Properties, { path: '/a/x.jpg', onclose: () => undefined, onshow: () => undefined });
  await screen.findByText('1.15 MiB (1,204,113 bytes)');
  await rerender({ path: '/a/y.jpg' });
  expect(await screen.findByText('2 KiB (2,048 bytes)')).toBeTruthy();
});
