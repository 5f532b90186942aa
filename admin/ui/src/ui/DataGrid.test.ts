// @vitest-environment happy-dom
import { render, screen, within } from '@testing-library/svelte';
import { flushSync, tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { hands, screenOf, scroll, snippet } from '../testing';
import { contextMenus, type MenuItem } from './menu.svelte';
import ContextMenuHost from './ContextMenuHost.svelte';
import DataGrid from './DataGrid.svelte';
import type { Column, Sort, Source } from './grid/types';
import { t } from './strings';

type Row = { id: string; name: string; size: number };
const columns: Column<Row>[] = [
  { id: 'name', title: 'Name', text: (r) => r.name, sort: (r) => r.name },
  { id: 'size', title: 'Size', text: (r) => `${r.size} KiB`, sort: (r) => r.size, align: 'end' },
  { id: 'id', title: 'Key', text: (r) => r.id, hidden: true },
];
const row = (i: number, name = `node-${i}`): Row => ({ id: `k${i}`, name, size: (i * 7) % 10 });
const rows = (n: number): Row[] => Array.from({ length: n }, (_, i) => row(i));

beforeEach(() => {
  screenOf(900, 640);
  contextMenus.current = null;
});

type Extra = Partial<{
  rows: readonly Row[];
  source: Source<Row>;
  columns: Column<Row>[];
  selected: ReadonlySet<string>;
  multi: boolean;
  sort: Sort | null;
  onsort: (s: Sort) => void;
  onopen: (r: Row) => void;
  onkey: (e: KeyboardEvent, rows: Row[]) => boolean | void;
  menu: (rows: Row[]) => readonly MenuItem[];
}>;

function grid(extra: Extra = {}) {
  const { component, rerender, unmount } = render(DataGrid<Row>, { id: 'test', label: 'Nodes', columns, key: (r: Row) => r.id, rows: rows(5), empty: snippet(() => 'No nodes'), ...extra });
  const body = screen.getByRole('grid', { name: 'Nodes' });
  return { component, rerender, unmount, body, user: hands() };
}

const drawn = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-i]')].sort((a, b) => Number(a.dataset.i) - Number(b.dataset.i));
const names = (): string[] => drawn().map((r) => r.querySelector('[role=gridcell]')!.textContent!.trim());
const chosen = (): string => drawn().filter((r) => r.getAttribute('aria-selected') === 'true').map((r) => r.dataset.i).join('');
const at = (name: string): HTMLElement => drawn().find((r) => r.textContent!.includes(name))!;
const active = (body: HTMLElement): string => document.getElementById(body.getAttribute('aria-activedescendant') ?? '')?.dataset.i ?? 'none';

test('of ten thousand rows at most eighty are on the page, wherever one scrolls', async () => {
  const { body } = grid({ rows: rows(10_000) });
  for (const top of [0, 5_000, 160_000, 319_360]) {
    scroll(body, top);
    await tick();
    expect(drawn().length).toBeLessThanOrEqual(80);
    expect(drawn().map((r) => Number(r.dataset.i))).toContain(Math.floor(top / 32));
  }
  expect(body.getAttribute('aria-rowcount')).toBe('10001');
});

test('a row says which of all it is, for who cannot see how far one scrolled', async () => {
  const { body } = grid({ rows: rows(1000) });
  scroll(body, 3200);
  await tick();
  expect(at('node-100').getAttribute('aria-rowindex')).toBe('102'); // after the head row, counted from 1
});

test('an empty table says so in the words of its app', () => {
  grid({ rows: [] });
  expect(screen.getByText('No nodes')).toBeDefined();
});

test('a click selects one, and another click that one instead', async () => {
  const { user } = grid({ multi: true });
  await user.click(at('node-1'));
  await user.click(at('node-3'));
  expect(chosen()).toBe('3');
});

test('Ctrl adds and takes away, Shift takes all between', async () => {
  const { user } = grid({ multi: true });
  await user.click(at('node-1'));
  await user.keyboard('{Control>}');
  await user.click(at('node-3'));
  await user.click(at('node-1'));
  await user.keyboard('{/Control}');
  expect(chosen()).toBe('3');
  await user.keyboard('{Shift>}');
  await user.click(at('node-0'));
  await user.keyboard('{/Shift}');
  expect(chosen()).toBe('01');
});

test('where only one may be selected, Ctrl and Shift change nothing', async () => {
  const { user } = grid();
  await user.click(at('node-1'));
  await user.keyboard('{Control>}');
  await user.click(at('node-3'));
  await user.keyboard('{/Control}{Shift>}');
  await user.click(at('node-0'));
  await user.keyboard('{/Shift}');
  expect(chosen()).toBe('0');
});

test('arrows move and select, Home and End go to the ends and no further', async () => {
  const { body, user } = grid();
  body.focus();
  await user.keyboard('{ArrowDown}{ArrowDown}');
  expect([active(body), chosen()]).toEqual(['2', '2']);
  await user.keyboard('{End}{ArrowDown}');
  expect(chosen()).toBe('4');
  await user.keyboard('{Home}{ArrowUp}');
  expect([active(body), chosen()]).toEqual(['0', '0']);
});

test('Shift and arrows widen the selection from where it began', async () => {
  const { body, user } = grid({ multi: true });
  await user.click(at('node-2'));
  body.focus();
  await user.keyboard('{Shift>}{ArrowDown}{ArrowDown}{ArrowUp}{ArrowUp}{ArrowUp}{/Shift}');
  expect(chosen()).toBe('12');
});

test('Ctrl and arrows move without selecting, Space selects there', async () => {
  const { body, user } = grid({ multi: true });
  await user.click(at('node-0'));
  body.focus();
  await user.keyboard('{Control>}{ArrowDown}{ArrowDown}{/Control}');
  expect([active(body), chosen()]).toEqual(['2', '0']);
  await user.keyboard(' ');
  expect(chosen()).toBe('02');
  await user.keyboard(' ');
  expect(chosen()).toBe('0');
});

test('a page down goes a screen further and keeps the row in sight', async () => {
  const { body, user } = grid({ rows: rows(1000) });
  body.focus();
  await user.keyboard('{PageDown}');
  const first = Number(active(body));
  expect(first).toBe(19); // 640 px of 32 px rows, one of the last page stays
  await user.keyboard('{PageDown}{PageDown}');
  const top = 3 * first * 32;
  expect(body.scrollTop).toBeLessThanOrEqual(top);
  expect(body.scrollTop + 640).toBeGreaterThanOrEqual(top + 32);
});

test('Ctrl+A selects all, also what is not drawn; Escape selects nothing', async () => {
  const { component, body, user } = grid({ rows: rows(500), multi: true });
  body.focus();
  await user.keyboard('{Control>}a{/Control}');
  expect((component as unknown as { chosen: () => Row[] }).chosen()).toHaveLength(500);
  await user.keyboard('{Escape}');
  expect(chosen()).toBe('');
});

test('Escape with nothing selected is left to what is around', async () => {
  const around = vi.fn();
  document.body.addEventListener('keydown', around);
  const { body, user } = grid();
  body.focus();
  await user.keyboard('{Escape}');
  document.body.removeEventListener('keydown', around);
  expect(around).toHaveBeenCalled();
});

test('Enter and two clicks open a row, one click does not', async () => {
  const onopen = vi.fn();
  const { body, user } = grid({ onopen });
  await user.click(at('node-2'));
  expect(onopen).not.toHaveBeenCalled();
  body.focus();
  await user.keyboard('{Enter}');
  await user.dblClick(at('node-4'));
  expect(onopen.mock.calls.map(([r]) => (r as Row).name)).toEqual(['node-2', 'node-4']);
});

test('a finger opens by one tap', () => {
  const onopen = vi.fn();
  grid({ onopen });
  at('node-1').dispatchEvent(new PointerEvent('click', { bubbles: true, pointerType: 'touch' }));
  expect(onopen).toHaveBeenCalledOnce();
});

test('letters jump to the row that begins so, and the same letter goes on to the next', async () => {
  vi.useFakeTimers();
  const { body } = grid({ rows: ['attic', 'barn', 'cellar', 'barge'].map((n, i) => row(i, n)) });
  const user = hands();
  body.focus();
  await user.keyboard('b');
  expect(chosen()).toBe('1');
  vi.advanceTimersByTime(900);
  await user.keyboard('b');
  expect(chosen()).toBe('3');
  vi.advanceTimersByTime(900);
  await user.keyboard('BARN');
  expect(chosen()).toBe('1');
});

test('the app sees a key first and may keep it', async () => {
  const onopen = vi.fn();
  const onkey = vi.fn((e: KeyboardEvent) => e.key === 'Enter');
  const { body, user } = grid({ onopen, onkey });
  await user.click(at('node-1'));
  body.focus();
  await user.keyboard('{Enter}{ArrowDown}');
  expect(onopen).not.toHaveBeenCalled();
  expect(chosen()).toBe('2');
});

test('a press on a head sorts, another press the other way, and that is said', async () => {
  const onsort = vi.fn();
  const { user } = grid({ rows: ['b', 'a', 'c'].map((n, i) => row(i, n)), onsort });
  const head = screen.getByRole('columnheader', { name: /Name/ });
  expect(head.getAttribute('aria-sort')).toBeNull();
  await user.click(within(head).getByRole('button'));
  expect([names(), head.getAttribute('aria-sort')]).toEqual([['a', 'b', 'c'], 'ascending']);
  await user.click(within(head).getByRole('button'));
  expect([names(), head.getAttribute('aria-sort')]).toEqual([['c', 'b', 'a'], 'descending']);
  expect(onsort.mock.calls.map(([s]) => (s as Sort).desc)).toEqual([false, true]);
});

test('sorting keeps the selection on its rows, and the keyboard with its row', async () => {
  const { body, user } = grid({ rows: ['b', 'a', 'c'].map((n, i) => row(i, n)) });
  await user.click(at('a'));
  await user.click(within(screen.getByRole('columnheader', { name: /Name/ })).getByRole('button'));
  expect([chosen(), active(body)]).toEqual(['0', '0']);
});

test('a live list that moves rows about does not move what Enter opens', async () => {
  const onopen = vi.fn();
  const { body, user, rerender } = grid({ rows: rows(4), onopen });
  await user.click(at('node-2'));
  await rerender({ rows: [row(9), row(2), row(0), row(1)] });
  body.focus();
  await user.keyboard('{Enter}');
  expect(onopen.mock.calls[0]![0]).toMatchObject({ id: 'k2' });
});

test('when the row with the keyboard is gone, what follows it has it', async () => {
  const { body, user, rerender } = grid({ rows: rows(4) });
  await user.click(at('node-3'));
  await rerender({ rows: rows(3) });
  expect(active(body)).toBe('2');
  await rerender({ rows: [] });
  expect(active(body)).toBe('none');
  await rerender({ rows: rows(2) });
  expect(active(body)).toBe('0');
});

test('rows that went away are no longer among the chosen', async () => {
  const { component, rerender } = grid({ multi: true });
  await rerender({ rows: rows(2), selected: new Set(['k0', 'k1', 'k4']) });
  expect((component as unknown as { chosen: () => Row[] }).chosen().map((r) => r.id)).toEqual(['k0', 'k1']);
});

test('the menu of a row that is not selected is about that row alone', async () => {
  const menu = vi.fn((_: Row[]): MenuItem[] => [{ label: 'Drain', run: () => undefined }]);
  const { user } = grid({ multi: true, menu });
  render(ContextMenuHost);
  await user.click(at('node-0'));
  await user.pointer({ keys: '[MouseRight]', target: at('node-3') });
  expect(menu.mock.lastCall![0].map((r) => r.id)).toEqual(['k3']);
  expect(chosen()).toBe('3');
  expect(screen.getByRole('menuitem', { name: 'Drain', hidden: true })).toBeDefined();
});

test('the menu of a selected row is about all that are selected', async () => {
  const menu = vi.fn((_: Row[]): MenuItem[] => [{ label: 'Drain', run: () => undefined }]);
  const { body, user } = grid({ multi: true, menu });
  await user.click(at('node-0'));
  body.focus();
  await user.keyboard('{Shift>}{ArrowDown}{/Shift}');
  await user.pointer({ keys: '[MouseRight]', target: at('node-1') });
  expect(menu.mock.lastCall![0].map((r) => r.id)).toEqual(['k0', 'k1']);
});

test('Shift+F10 opens the menu of the row that has the keyboard', async () => {
  const menu = vi.fn((_: Row[]): MenuItem[] => [{ label: 'Drain', run: () => undefined }]);
  const { body, user } = grid({ menu });
  body.focus();
  await user.keyboard('{ArrowDown}{ArrowDown}{Shift>}{F10}{/Shift}');
  expect(menu.mock.lastCall![0].map((r) => r.id)).toEqual(['k2']);
  expect(contextMenus.current?.label).toBe('Nodes');
});

test('a column that is hidden is shown from the menu, and that is remembered', async () => {
  const { user, unmount } = grid();
  expect(screen.queryByRole('columnheader', { name: 'Key' })).toBeNull();
  await user.click(screen.getByRole('button', { name: t.columns }));
  const items = screen.getAllByRole('menuitemcheckbox', { hidden: true });
  expect(items.map((i) => `${i.textContent!.trim()} ${i.getAttribute('aria-checked')}`)).toEqual(['Name true', 'Size true', 'Key false']);
  expect(items[0]!.getAttribute('aria-disabled')).toBe('true'); // what names a row stays
  await user.click(items[2]!);
  expect(screen.getByRole('columnheader', { name: 'Key' })).toBeDefined();
  unmount();
  grid();
  expect(screen.getByRole('columnheader', { name: 'Key' })).toBeDefined();
});

test('Alt and arrows make a column wider and narrower, but not too narrow to grasp', async () => {
  const { user } = grid();
  const width = (): string => document.querySelector<HTMLElement>('.grid')!.style.getPropertyValue('--cols');
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(100);
  screen.getByRole('button', { name: 'Size' }).focus();
  await user.keyboard('{Alt>}{ArrowRight}{/Alt}');
  expect(width()).toContain('116px');
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(60);
  await user.keyboard('{Alt>}{ArrowLeft}{/Alt}');
  expect(width()).toContain('56px');
});

test('on a narrow screen a row has two lines, and sorting is in the menu', async () => {
  screenOf(390, 700);
  const { user } = grid();
  expect(screen.getAllByRole('columnheader')[0]!.textContent).toBe(t.rows('5'));
  expect(drawn()[0]!.style.blockSize).toBe('56px');
  expect(drawn()[0]!.textContent).toMatch(/node-0.*0 KiB/s);
  await user.click(screen.getByRole('button', { name: t.columns }));
  expect(screen.getAllByRole('menuitem', { hidden: true }).map((i) => i.textContent!.trim())).toEqual(['Name', 'Size']);
});

test('a long list is asked for what is in sight, and shows what is not there yet as waiting', async () => {
  const want = vi.fn();
  const source: Source<Row> = { count: 1_000_000, at: (i) => (i < 10 ? row(i) : undefined), want };
  const { body } = grid({ source });
  scroll(body, 32_000);
  await tick();
  const [from, to] = want.mock.lastCall! as [number, number];
  expect(from).toBeLessThanOrEqual(1000);
  expect(to).toBeGreaterThanOrEqual(1020);
  expect(to - from).toBeLessThan(80);
  expect(drawn()[0]!.textContent!.trim()).toBe('');
  expect(drawn()[0]!.getAttribute('aria-selected')).toBe('false');
});

test('a row that is still being read cannot be opened or selected', async () => {
  const onopen = vi.fn();
  const source: Source<Row> = { count: 3, at: (i) => (i === 0 ? row(0) : undefined), want: () => undefined };
  const { body, user } = grid({ source, onopen });
  body.focus();
  await user.keyboard('{ArrowDown}{Enter}');
  await user.dblClick(drawn()[2]!);
  expect(onopen).not.toHaveBeenCalled();
  expect(chosen()).toBe('');
});

test('keys that are pressed in a head are not keys of the rows', async () => {
  const onopen = vi.fn();
  const { user } = grid({ onopen });
  screen.getByRole('button', { name: 'Name' }).focus();
  await user.keyboard('{ArrowDown}b');
  flushSync();
  expect([chosen(), onopen.mock.calls.length]).toEqual(['', 0]);
});

test('the grid can be given the keyboard at a row', async () => {
  const { component, body } = grid({ rows: rows(1000) });
  (component as unknown as { focus: (k: string) => void }).focus('k700');
  await tick();
  expect(document.activeElement).toBe(body);
  expect(body.scrollTop).toBe(700 * 32 + 32 - 640);
});
