// @vitest-environment happy-dom
import { render, screen } from '@testing-library/svelte';
import { createRawSnippet, flushSync, tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { hands, snippet } from '../testing';
import ContextMenuHost from './ContextMenuHost.svelte';
import MenuButton from './MenuButton.svelte';
import MenuList from './MenuList.svelte';
import { contextMenu, contextMenus, openMenu, type MenuItem } from './menu.svelte';
import Panel from './Panel.svelte';
import { place } from './place';
import { t } from './strings';

const runs: string[] = [];
const item = (label: string, more: Partial<Exclude<MenuItem, 'separator'>> = {}): MenuItem => ({ label, run: () => void runs.push(label), ...more });
const items: MenuItem[] = [item('Open'), item('Rename', { keys: 'F2' }), 'separator', item('Remove', { danger: true }), item('Drain', { disabled: 'Your role does not allow this.' })];

const all = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[role^=menuitem]')];
const focused = (): string => document.activeElement?.textContent?.trim() ?? '';

beforeEach(() => {
  runs.length = 0;
  contextMenus.current = null;
});

function open(list: readonly MenuItem[] = items) {
  const onclose = vi.fn();
  render(MenuList, { props: { items: list, anchor: { x: 5, y: 5 }, label: 'Acts', onclose } });
  return { onclose, user: hands() };
}

test('a menu that opens has the keyboard at its first item', () => {
  open();
  expect(focused()).toBe('Open');
});

test('arrows go round, Home and End go to the ends, separators are stepped over', async () => {
  const { user } = open();
  await user.keyboard('{ArrowDown}{ArrowDown}');
  expect(focused()).toBe('Remove');
  await user.keyboard('{End}');
  expect(focused()).toBe('Drain');
  await user.keyboard('{ArrowDown}');
  expect(focused()).toBe('Open');
  await user.keyboard('{ArrowUp}');
  expect(focused()).toBe('Drain');
  await user.keyboard('{Home}');
  expect(focused()).toBe('Open');
});

test('a letter goes to the next item that begins so, round and round', async () => {
  const { user } = open();
  await user.keyboard('r');
  expect(focused()).toBe('Rename F2');
  await user.keyboard('R');
  expect(focused()).toBe('Remove');
  await user.keyboard('r');
  expect(focused()).toBe('Rename F2');
  await user.keyboard('z');
  expect(focused()).toBe('Rename F2');
});

test('Enter does it once, after the menu is closed and the focus is back', async () => {
  const { user, onclose } = open();
  onclose.mockImplementation(() => runs.push('closed'));
  await user.keyboard('{ArrowDown}{Enter}');
  expect(runs).toEqual(['closed', 'Rename']);
  expect(onclose).toHaveBeenCalledWith(true);
});

test('what may not be chosen can be reached, says why, and does nothing', async () => {
  const { user, onclose } = open();
  await user.keyboard('{End}{Enter}');
  expect([runs, onclose.mock.calls.length]).toEqual([[], 0]);
  expect([all()[3]!.title, all()[3]!.getAttribute('aria-disabled')]).toEqual(['Your role does not allow this.', 'true']);
});

test.each(['{Escape}', '{Tab}'])('%s closes it and gives the focus back, and nothing else hears of it', async (key) => {
  const around = vi.fn();
  document.body.addEventListener('keydown', around);
  const { user, onclose } = open();
  await user.keyboard(key);
  document.body.removeEventListener('keydown', around);
  expect(onclose.mock.calls).toEqual([[true]]);
  expect(around).not.toHaveBeenCalled();
});

test('a press beside it closes it and leaves the focus where the press put it', () => {
  const { onclose } = open();
  all()[0]!.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  expect(onclose).not.toHaveBeenCalled();
  document.body.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  expect(onclose.mock.calls).toEqual([[false]]);
});

test('a window that changes its size closes it: its place is no longer right', () => {
  const { onclose } = open();
  window.dispatchEvent(new Event('resize'));
  expect(onclose).toHaveBeenCalledWith(false);
});

test('the pointer takes the focus along, so that there is one current item', () => {
  open();
  all()[2]!.dispatchEvent(new PointerEvent('pointermove', { bubbles: true }));
  expect(focused()).toBe('Remove');
});

test('an item that is on or off says so', () => {
  open([item('On top', { checked: true }), item('Left', { checked: false }), item('Close')]);
  expect(all().map((b) => `${b.getAttribute('role')} ${b.getAttribute('aria-checked')}`)).toEqual(['menuitemcheckbox true', 'menuitemcheckbox false', 'menuitem null']);
});

test('a menu without items is no trap', async () => {
  const { user, onclose } = open([]);
  document.querySelector<HTMLElement>('[role=menu]')!.focus();
  await user.keyboard('{ArrowDown}x{Escape}');
  expect(onclose).toHaveBeenCalledWith(true);
});

test('the button of a menu says that it has one and whether it is open, and gets the focus back', async () => {
  const user = hands();
  render(MenuButton, { items: () => items, label: 'More' });
  const button = screen.getByRole('button', { name: 'More' });
  expect([button.getAttribute('aria-haspopup'), button.getAttribute('aria-expanded')]).toEqual(['menu', 'false']);
  await user.click(button);
  expect(button.getAttribute('aria-expanded')).toBe('true');
  await user.keyboard('{Escape}');
  expect([document.activeElement === button, button.getAttribute('aria-expanded'), all().length]).toEqual([true, 'false', 0]);
});

test('a second press on the button closes the menu and does not open it again', async () => {
  const user = hands();
  render(MenuButton, { items: () => items });
  const button = screen.getByRole('button', { name: t.more });
  await user.click(button);
  await user.click(button);
  expect(all()).toHaveLength(0);
});

test('the items are those of the moment when the menu opens', async () => {
  let label = 'Mute';
  const user = hands();
  render(MenuButton, { items: () => [item(label)] });
  label = 'Stop muting';
  await user.click(screen.getByRole('button', { name: t.more }));
  expect(focused()).toBe('Stop muting');
});

test('a disabled button opens no menu', async () => {
  render(MenuButton, { items: () => items, disabled: 'No' });
  await hands().click(screen.getByRole('button'));
  expect(all()).toHaveLength(0);
});

function target(list: (at: HTMLElement) => readonly MenuItem[] = () => items): { element: HTMLElement; off: () => void } {
  const element = document.createElement('div');
  element.innerHTML = '<button>row</button>';
  document.body.append(element);
  const off = contextMenu(list, 'Row')(element) as () => void;
  render(ContextMenuHost);
  return { element, off: () => (off(), element.remove()) };
}

test('a right click opens the menu there, Escape gives the focus back', async () => {
  const user = hands();
  const { element, off } = target();
  const button = element.querySelector('button')!;
  button.focus();
  await user.pointer({ keys: '[MouseRight]', target: button, coords: { clientX: 70, clientY: 40 } });
  expect(contextMenus.current).toMatchObject({ anchor: { x: 70, y: 40 }, label: 'Row' });
  await tick();
  expect(focused()).toBe('Open');
  await user.keyboard('{Escape}');
  expect(document.activeElement).toBe(button);
  off();
});

test('the Menu key opens it at what has the focus, not at the corner of the screen', () => {
  const { element, off } = target();
  const button = element.querySelector('button')!;
  button.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }));
  expect(contextMenus.current?.anchor).toBe(button);
  off();
});

test('Shift+F10 opens it, F10 alone does not', async () => {
  const user = hands();
  const { element, off } = target();
  element.querySelector('button')!.focus();
  await user.keyboard('{F10}');
  expect(contextMenus.current).toBeNull();
  await user.keyboard('{Shift>}{F10}{/Shift}');
  expect(contextMenus.current).not.toBeNull();
  off();
});

test('a long press of a finger opens it, a short one or one that moves does not', () => {
  vi.useFakeTimers();
  const { element, off } = target();
  const say = (name: string, pointerType = 'touch') => element.dispatchEvent(new PointerEvent(name, { bubbles: true, pointerType, clientX: 9, clientY: 8 }));
  say('pointerdown');
  vi.advanceTimersByTime(300);
  say('pointerup');
  vi.advanceTimersByTime(1000);
  say('pointerdown');
  say('pointermove');
  vi.advanceTimersByTime(1000);
  say('pointerdown', 'mouse');
  vi.advanceTimersByTime(1000);
  expect(contextMenus.current).toBeNull();
  say('pointerdown');
  vi.advanceTimersByTime(600);
  expect(contextMenus.current?.anchor).toEqual({ x: 9, y: 8 });
  off();
});

test('where there is nothing to do, no empty menu opens, and the one of the browser neither', () => {
  const { element, off } = target(() => []);
  const event = new MouseEvent('contextmenu', { bubbles: true, cancelable: true });
  element.dispatchEvent(event);
  expect([contextMenus.current, event.defaultPrevented]).toEqual([null, true]);
  off();
});

test('an element that is gone opens nothing a moment later', () => {
  vi.useFakeTimers();
  const { element, off } = target();
  element.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerType: 'touch' }));
  off();
  vi.advanceTimersByTime(1000);
  expect(contextMenus.current).toBeNull();
});

test('a second menu takes the place of the first', async () => {
  render(ContextMenuHost);
  openMenu([item('One')], { x: 1, y: 1 });
  flushSync();
  openMenu([item('Two')], { x: 2, y: 2 });
  flushSync();
  expect(all().map((b) => b.textContent!.trim())).toEqual(['Two']);
});

const trigger = createRawSnippet<[{ 'aria-expanded': boolean; onclick: (e: MouseEvent) => void }]>((attrs) => ({
  render: () => '<button>Bell</button>',
  setup: (button) => {
    button.addEventListener('click', (e) => attrs().onclick(e as MouseEvent));
  },
}));

function panel() {
  render(Panel, { label: 'Notifications', trigger: trigger as never, children: snippet(() => 'two checks') });
  return { user: hands(), button: screen.getByRole('button', { name: 'Bell' }), dialog: () => document.querySelector<HTMLElement>('[role=dialog]') };
}

test('a panel opens by its button and has the keyboard; Escape closes it and goes back', async () => {
  const { user, button, dialog } = panel();
  await user.click(button);
  expect(document.activeElement).toBe(dialog());
  expect(dialog()!.getAttribute('aria-label')).toBe('Notifications');
  await user.keyboard('{Escape}');
  expect([dialog(), document.activeElement]).toEqual([null, button]);
});

test('a press beside a panel closes it, a press inside does not, its button closes it', async () => {
  const { user, button, dialog } = panel();
  await user.click(button);
  dialog()!.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  flushSync();
  expect(dialog()).not.toBeNull();
  document.body.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  flushSync();
  expect(dialog()).toBeNull();
  await user.click(button);
  await user.click(button);
  expect(dialog()).toBeNull();
});

test('Escape in a closed panel is left to others', async () => {
  const { user, button } = panel();
  const around = vi.fn();
  document.body.addEventListener('keydown', around);
  button.focus();
  await user.keyboard('{Escape}');
  document.body.removeEventListener('keydown', around);
  expect(around).toHaveBeenCalledOnce();
});

test('what opens is put on the screen, above the bar of a phone', () => {
  vi.stubGlobal('innerWidth', 400);
  vi.stubGlobal('innerHeight', 600);
  const element = document.createElement('div');
  vi.spyOn(element, 'offsetWidth', 'get').mockReturnValue(200);
  vi.spyOn(element, 'offsetHeight', 'get').mockReturnValue(100);
  place(element, { x: 390, y: 590 }, 4, 60);
  expect([element.style.left, element.style.top]).toEqual(['190px', '489px']);
});
