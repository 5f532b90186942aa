// @vitest-environment happy-dom
import { fireEvent, render } from '@testing-library/svelte';
import { tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import { screenOf, scroll, server } from '../../testing';
import { contextMenus, type MenuItem } from '../../ui/menu.svelte';
import { Browser } from './browser.svelte';
import Tiles from './Tiles.svelte';
import type { Entry } from './types';

// 116 px a tile and 16 for the bar: four in a row of 500 px.
let there: string[];
let browser: Browser;
let opened: string[];
let about: string[][];
const entry = (name: string): Entry => cluster.entry(`/d/${name}`, name.startsWith('dir'), 10);

beforeEach(() => {
  screenOf(500, 500);
  there = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
  opened = [];
  about = [];
  contextMenus.current = null;
});

async function open(change: { pictures?: boolean; onkey?: (e: KeyboardEvent) => boolean } = {}): Promise<HTMLElement> {
  browser = new Browser(async () => ({ dir: cluster.entry('/d', true), items: there.map(entry) }));
  browser.go('/d');
  const { container } = render(Tiles, {
    browser,
    label: 'Entries of d',
    menu: (all): readonly MenuItem[] => (about.push(all.map((e) => e.name)), [{ label: 'Delete', run: () => undefined }]),
    onopen: (e) => opened.push(e.name),
    onkey: change.onkey ?? (() => false),
    onrenamed: () => undefined,
    droppable: () => () => undefined,
    grabbed: (e) => [e.path],
    pictures: change.pictures ?? false,
  });
  await vi.waitFor(() => expect(browser.folder.complete).toBe(true));
  await tick();
  return container.querySelector<HTMLElement>('[role=listbox]') as HTMLElement;
}

const tiles = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[role=option]')];
const nameOf = (el: Element | null | undefined): string => el?.querySelector('bdi')?.textContent ?? '';
const tile = (name: string): HTMLElement => tiles().find((x) => nameOf(x) === name) as HTMLElement;
const chosen = (): string => browser.chosen.map((e) => e.name).join('');
const active = (list: HTMLElement): string => nameOf(document.getElementById(list.getAttribute('aria-activedescendant') ?? ''));
const press = async (list: HTMLElement, key: string, more: KeyboardEventInit = {}): Promise<void> => {
  await fireEvent.keyDown(list, { key, ...more });
};

test('down goes to the row below, up back, and at the ends nothing is left', async () => {
  const list = await open();
  await press(list, 'ArrowDown');
  expect([active(list), chosen()]).toEqual(['e', 'e']);
  await press(list, 'ArrowUp');
  await press(list, 'ArrowUp');
  expect(active(list)).toBe('a');
  await press(list, 'PageDown');
  expect(active(list)).toBe('j'); // four rows of 124 px would be further than there is
});

test('Ctrl and arrows move without selecting, Shift widens', async () => {
  const list = await open();
  await fireEvent.click(tile('b'));
  await press(list, 'ArrowRight', { ctrlKey: true });
  expect([active(list), chosen()]).toEqual(['c', 'b']);
  await press(list, 'ArrowRight', { shiftKey: true });
  expect(chosen()).toBe('bcd');
});

test('of ten thousand only those in sight are drawn, and each says which of all it is', async () => {
  there = Array.from({ length: 10_000 }, (_, i) => `n${String(i).padStart(5, '0')}`);
  const list = await open();
  scroll(list, 124 * 1000);
  await tick();
  expect(tiles().length).toBeLessThanOrEqual(40);
  const first = tile('n04000');
  expect([first.getAttribute('aria-posinset'), first.getAttribute('aria-setsize')]).toEqual(['4001', '10000']);
});

test('what has the keyboard is scrolled into sight', async () => {
  there = Array.from({ length: 400 }, (_, i) => `n${String(i).padStart(3, '0')}`);
  const list = await open();
  await press(list, 'End');
  expect(list.scrollTop).toBe(100 * 124 - 500);
  await press(list, 'Home');
  expect(list.scrollTop).toBe(0);
});

test('an entry that comes before it does not change what Enter opens', async () => {
  const list = await open();
  await fireEvent.click(tile('c'));
  there = ['0', '1', ...there];
  await browser.reload();
  await tick();
  expect([active(list), chosen()]).toEqual(['c', 'c']);
  await press(list, 'Enter');
  expect(opened).toEqual(['c']);
});

test('the Menu key is about what is selected, also after others came before it', async () => {
  const list = await open();
  await fireEvent.click(tile('c'));
  there = ['0', ...there];
  await browser.reload();
  await tick();
  list.focus();
  await press(list, 'F10', { shiftKey: true });
  expect([about.at(-1), chosen()]).toEqual([['c'], 'c']);
});

test('when the entry with the keyboard is gone, what stands there then has it', async () => {
  const list = await open();
  await press(list, 'End');
  there = there.slice(0, 3);
  await browser.reload();
  await tick();
  expect(active(list)).toBe('c');
  there = [];
  await browser.reload();
  await tick();
  expect(list.hasAttribute('aria-activedescendant')).toBe(false);
});

test('a right click on another tile is about that one alone', async () => {
  await open();
  await fireEvent.click(tile('a'));
  await fireEvent.click(tile('b'), { ctrlKey: true });
  await fireEvent.contextMenu(tile('a'), { button: 2 });
  expect(about.at(-1)).toEqual(['a', 'b']);
  await fireEvent.contextMenu(tile('d'), { button: 2 });
  expect([about.at(-1), chosen()]).toEqual([['d'], 'd']);
});

test('a key that the app keeps is not one of the list', async () => {
  const list = await open({ onkey: (e) => e.key === 'Enter' });
  await press(list, 'Enter');
  expect(opened).toEqual([]);
});

test('two letters typed at once look for both', async () => {
  there = ['alpha', 'beta', 'bravo'];
  const list = await open();
  await press(list, 'b');
  await press(list, 'r');
  expect(active(list)).toBe('bravo');
});

test('a picture is asked for only where it may be read and is not huge', async () => {
  there = ['cat.jpg'];
  await open();
  expect(document.querySelector('img')).toBeNull();
  document.body.innerHTML = '';
  await open({ pictures: true });
  expect(document.querySelectorAll('img')).toHaveLength(1);
});

// A rectangle drawn with the mouse, from a free place of the list.
const mouse = (on: EventTarget, type: string, x: number, y: number, more: PointerEventInit = {}): boolean =>
  on.dispatchEvent(new PointerEvent(type, { bubbles: true, cancelable: true, pointerType: 'mouse', button: 0, clientX: x, clientY: y, ...more }));

async function draw(list: HTMLElement, from: [number, number], to: [number, number], more: PointerEventInit = {}): Promise<void> {
  mouse(list, 'pointerdown', ...from, more);
  mouse(window, 'pointermove', ...to, more);
  await tick();
}

test('a rectangle selects what it touches and is gone when the button is let go', async () => {
  const list = await open();
  await draw(list, [10, 60], [240, 130]);
  expect(chosen()).toBe('abcefg');
  expect(document.querySelector('.band')).not.toBeNull();
  mouse(window, 'pointermove', 100, 62);
  await tick();
  expect(chosen()).toBe('a'); // it shrinks again as well
  mouse(window, 'pointerup', 100, 62);
  await tick();
  mouse(window, 'pointermove', 400, 400);
  expect([document.querySelector('.band'), chosen()]).toEqual([null, 'a']);
});

test('with Ctrl the rectangle turns round what it touches, with Shift it adds', async () => {
  const list = await open();
  browser.selected = new Set(['/d/a', '/d/h']);
  await draw(list, [10, 60], [200, 62], { ctrlKey: true });
  mouse(window, 'pointerup', 200, 62);
  expect(chosen()).toBe('bh');
  await draw(list, [10, 60], [50, 62], { shiftKey: true });
  mouse(window, 'pointerup', 50, 62);
  expect(chosen()).toBe('abh');
});

test('a press beside the entries selects nothing, a hand that trembles draws nothing', async () => {
  const list = await open();
  browser.selected = new Set(['/d/a']);
  await draw(list, [450, 450], [452, 452]);
  expect([chosen(), document.querySelector('.band')]).toEqual(['a', null]);
  mouse(window, 'pointerup', 452, 452);
  expect(chosen()).toBe('');
});

test.each([
  ['a finger', { pointerType: 'touch' }],
  ['the right button', { button: 2 }],
])('%s draws no rectangle', async (_, more) => {
  const list = await open();
  browser.selected = new Set(['/d/j']);
  await draw(list, [10, 60], [240, 130], more);
  mouse(window, 'pointerup', 240, 130);
  expect(chosen()).toBe('j');
});

test('what is pressed to be dragged is dragged, not drawn over', async () => {
  const list = await open();
  const grab = list.querySelector('.grab') as HTMLElement;
  grab.setAttribute('draggable', 'true'); // as a browser does by the property
  mouse(grab, 'pointerdown', 20, 20);
  mouse(window, 'pointermove', 240, 130);
  await tick();
  expect([chosen(), document.querySelector('.band')]).toEqual(['', null]);
});

test('what a search does not show is not selected any more, and cannot be dragged along', async () => {
  await open();
  server().on('GET /fs/search', { items: [entry('b')], complete: true, seen: 10 });
  browser.selected = new Set(['/d/a', '/d/b']);
  await browser.search('b');
  await tick();
  expect([tiles().map(nameOf), [...browser.selected]]).toEqual([['b'], ['/d/b']]);
});
