// @vitest-environment happy-dom
import { configure, render, screen } from '@testing-library/svelte';
import { flushSync, tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { hands, screenOf, scroll, snippet } from '../../testing';
import { contextMenus } from '../menu.svelte';
import DataGrid from '../DataGrid.svelte';
import { t } from '../strings';
import type { Column, Source } from './types';

// What a grid does with its columns, with long lists, and with what its rows hold.
configure({ defaultHidden: true });
type Row = { id: string; name: string; size: number };
const columns: Column<Row>[] = [
  { id: 'name', title: 'Name', text: (r) => r.name, sort: (r) => r.name, width: 200 },
  { id: 'size', title: 'Size', text: (r) => String(r.size), sort: true, width: 90, align: 'end', phone: 'end' },
  { id: 'note', title: 'Note', text: () => '–', phone: 'meta' },
  { id: 'gone', title: 'Gone', text: () => 'x', phone: 'none' },
];
const rows = (n: number): Row[] => Array.from({ length: n }, (_, i) => ({ id: `k${i}`, name: `node ${i}`, size: i }));

beforeEach(() => {
  screenOf(900, 640);
  contextMenus.current = null;
});

function grid(extra: Record<string, unknown> = {}) {
  const got = render(DataGrid<Row>, { id: 'cols', label: 'Nodes', columns, key: (r: Row) => r.id, rows: rows(5), ...extra });
  return { ...got, body: screen.getByRole('grid', { name: 'Nodes' }) };
}

const tracks = (): string => document.querySelector<HTMLElement>('.grid')!.style.getPropertyValue('--cols');
const drawn = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-i]')];
const head = (name: string): HTMLElement => screen.getAllByRole('columnheader').find((h) => h.textContent!.includes(name))!;

function pull(name: string, by: number): void {
  const grip = head(name).querySelector<HTMLElement>('.grip')!;
  const say = (type: string, clientX: number) => grip.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, clientX }));
  say('pointerdown', 100);
  say('pointermove', 100 + by / 2);
  say('pointermove', 100 + by);
  grip.releasePointerCapture(1);
  say('pointermove', 500);
  flushSync();
}

test('a column is as wide as it was pulled, and no longer follows after the pointer let go', () => {
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(120);
  grid();
  pull('Size', 40);
  expect(tracks()).toBe('minmax(200px, 1fr) 160px 120px 120px');
});

test('a column that was pulled to nothing can still be grasped', () => {
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(120);
  grid();
  pull('Size', -4000);
  expect(tracks()).toContain('56px');
});

test('widths are those of the last time, of this grid and of no other', () => {
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(120);
  const { unmount } = grid();
  pull('Size', 80);
  unmount();
  const again = grid();
  expect(tracks()).toContain('200px 120px 120px');
  again.unmount();
  grid({ id: 'other' });
  expect(tracks()).toContain('90px');
});

test('a press on the grip is no press on the head: it does not sort', () => {
  const onsort = vi.fn();
  grid({ onsort });
  pull('Size', 30);
  expect(onsort).not.toHaveBeenCalled();
});

test('what the server sorts stays in its order, and the wish is told', async () => {
  const onsort = vi.fn();
  grid({ rows: rows(3).reverse(), onsort });
  await hands().click(head('Size').querySelector('button')!);
  expect(drawn().map((r) => r.dataset.i)).toEqual(['0', '1', '2']);
  expect(drawn()[0]!.textContent).toContain('node 2');
  expect(onsort).toHaveBeenCalledWith({ by: 'size', desc: false });
});

test('a column that cannot be sorted has no button in its head', () => {
  grid();
  expect(head('Note').querySelector('button')).toBeNull();
});

test('to sort goes back to the top, where the new order begins', async () => {
  const { body } = grid({ rows: rows(1000) });
  scroll(body, 9000);
  await tick();
  await hands().click(head('Name').querySelector('button')!);
  expect(body.scrollTop).toBe(0);
});

test('numbers stand at the end of their column', () => {
  grid();
  expect(drawn()[0]!.querySelectorAll('.end')).toHaveLength(1);
});

test('a cell knows which column it is, for who hears the table', () => {
  grid();
  expect([...drawn()[1]!.querySelectorAll('[role=gridcell]')].map((c) => c.getAttribute('aria-colindex'))).toEqual(['1', '2', '3', '4']);
});

test('an app draws its own cells', () => {
  grid({ cell: snippet((r: Row, c: Column<Row>) => `${c.id} of ${r.id}`) });
  expect(drawn()[2]!.textContent).toContain('size of k2');
});

test('on a narrow screen what says nothing takes no room, and what has no place there is left out', () => {
  screenOf(390, 700);
  grid();
  expect(drawn()[0]!.textContent!.replace(/\s+/g, ' ').trim()).toBe('node 0 0');
});

test('rows may be higher than usual, and on a narrow screen all are high enough for two lines', () => {
  const { unmount } = grid({ rowHeight: 48 });
  expect(drawn()[1]!.style.translate).toBe('0 48px');
  unmount();
  screenOf(390, 700);
  grid({ rowHeight: 24 });
  expect(drawn()[1]!.style.translate).toBe('0 56px');
});

test('a button in a row does what it does and opens no row', async () => {
  const onopen = vi.fn();
  grid({ onopen, cell: snippet(() => 'x') });
  const inside = document.createElement('button');
  drawn()[1]!.append(inside);
  await hands().dblClick(inside);
  inside.dispatchEvent(new PointerEvent('click', { bubbles: true, pointerType: 'touch' }));
  expect(onopen).not.toHaveBeenCalled();
});

test('what is attached to a row is taken off with it', async () => {
  const on = new Set<string>();
  const attach = (_: HTMLElement, r: Row) => (on.add(r.id), () => void on.delete(r.id));
  const { rerender, unmount } = grid({ attach });
  expect([...on].sort()).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
  await rerender({ rows: rows(2) });
  expect([...on].sort()).toEqual(['k0', 'k1']);
  unmount();
  expect(on.size).toBe(0);
});

test('a range in a list that is read as one scrolls takes what is known of it', async () => {
  const known = rows(10);
  const source: Source<Row> = { count: 1000, at: (i) => known[i], want: () => undefined };
  const { body, component } = grid({ source, multi: true });
  await hands().click(drawn()[2]!);
  body.focus();
  await hands().keyboard('{Shift>}{ArrowDown}{ArrowDown}{/Shift}');
  expect((component as unknown as { chosen: () => Row[] }).chosen().map((r) => r.id)).toEqual(['k2', 'k3', 'k4']);
});

test('letters find nothing in a list of nothing, and do no harm', async () => {
  const { body } = grid({ rows: [] });
  body.focus();
  await hands().keyboard('a{ArrowDown}{End}{Enter} {PageUp}');
  expect(drawn()).toEqual([]);
});

test('a menu that has nothing to say for a row does not open', async () => {
  grid({ menu: () => [] });
  await hands().pointer({ keys: '[MouseRight]', target: drawn()[0]! });
  expect(contextMenus.current).toBeNull();
});

test('a right click beside the rows opens the menu of no row', async () => {
  const menu = vi.fn(() => [{ label: 'x', run: () => undefined }]);
  grid({ menu });
  await hands().pointer({ keys: '[MouseRight]', target: document.querySelector<HTMLElement>('.space')! });
  expect([menu.mock.calls.length, contextMenus.current]).toEqual([0, null]);
});

test('keys with Ctrl that mean nothing here are left to the desk', async () => {
  const around = vi.fn();
  document.body.addEventListener('keydown', around);
  const { body } = grid();
  body.focus();
  await hands().keyboard('{Control>}k{/Control}?');
  document.body.removeEventListener('keydown', around);
  expect(around.mock.calls.map(([e]) => (e as KeyboardEvent).key)).toEqual(['Control', 'k', '?']);
});

test('Alt and arrows are the window\'s', async () => {
  const { body } = grid();
  const around = vi.fn();
  document.body.addEventListener('keydown', around);
  body.focus();
  await hands().keyboard('{Alt>}{ArrowDown}{/Alt}');
  document.body.removeEventListener('keydown', around);
  expect(around.mock.calls.map(([e]) => (e as KeyboardEvent).key)).toContain('ArrowDown');
});

test('how many rows there are is said on the narrow head, too', () => {
  screenOf(390, 700);
  grid({ rows: rows(1234) });
  expect(screen.getAllByRole('columnheader')[0]!.textContent).toBe(t.rows('1,234'));
});

test('whatever is pressed, one row at most has the keyboard, and it is one that there is', async () => {
  let x = 5;
  const chance = (n: number): number => ((x = (x * 1103515245 + 12345) >>> 0), (x >>> 8) % n);
  const { body, rerender } = grid({ rows: rows(40), multi: true });
  const keys = ['ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End', ' ', 'n', 'Escape', 'a'];
  for (let round = 0; round < 150; round++) {
    if (chance(12) === 0) await rerender({ rows: rows(chance(40)), selected: new Set([`k${chance(40)}`]) });
    const key = keys[chance(keys.length)]!;
    body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, shiftKey: chance(3) === 0, ctrlKey: chance(4) === 0 }));
    flushSync();
    expect(drawn().filter((r) => r.classList.contains('active')).length).toBeLessThanOrEqual(1);
    const at = body.getAttribute('aria-activedescendant');
    if (at !== null) expect(document.getElementById(at)).not.toBeNull();
    expect(body.scrollTop).toBeGreaterThanOrEqual(0);
  }
});
