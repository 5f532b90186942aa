// @vitest-environment happy-dom
import { fireEvent, render, screen } from '@testing-library/svelte';
import { createRawSnippet, flushSync, tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { button, hands, off, screenOf, snippet } from '../testing';
import CodeLine from './CodeLine.svelte';
import Copy from './Copy.svelte';
import Facts from './Facts.svelte';
import MenuButton from './MenuButton.svelte';
import Meter from './Meter.svelte';
import Pages from './Pages.svelte';
import SearchBox from './SearchBox.svelte';
import Select from './Select.svelte';
import Spark from './Spark.svelte';
import TextField from './TextField.svelte';
import Tree from './Tree.svelte';
import { copyText } from './clipboard';
import { spot } from './place';
import { t } from './strings';
import { toast, toasts } from './toast.svelte';

beforeEach(() => {
  screenOf(1000, 700);
  toasts.list = [];
});

test('a command is copied as it stands, to the letter', async () => {
  const user = hands(); // who brings a clipboard
  const write = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
  render(CodeLine, { text: 'ken join --zone "attic 1"', label: 'Copy the command' });
  await user.click(button('Copy the command'));
  expect(write.mock.calls).toEqual([['ken join --zone "attic 1"']]);
});

test('copying that failed does not say that it worked', async () => {
  const user = hands();
  vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error('not allowed'));
  Object.assign(document, { execCommand: () => false });
  render(Copy, { text: 'x' });
  await user.click(button(t.copy));
  await tick();
  expect([await copyText('x'), screen.getByRole('status').textContent]).toEqual([false, '']);
  expect(document.querySelector('textarea')).toBeNull();
});

test('a choice that cannot be made now is there and cannot be made', () => {
  render(Select, { label: 'Rate', value: 'a', options: [{ value: 'a', label: 'Slow' }, { value: 'b', label: 'Fast', disabled: true }], error: 'Too fast' });
  const list = screen.getByLabelText<HTMLSelectElement>('Rate');
  expect([...list.options].map((o) => o.disabled)).toEqual([false, true]);
  expect([list.getAttribute('aria-invalid'), screen.getByRole('alert').id]).toEqual(['true', list.getAttribute('aria-describedby')]);
});

test('the cross of the search box clears, tells it, and leaves the keyboard in the field', async () => {
  const told: string[] = [];
  render(SearchBox, { value: 'cat', oninput: (v: string) => told.push(v) });
  await hands().click(button(t.clear));
  const box = screen.getByRole<HTMLInputElement>('searchbox');
  expect([box.value, told, document.activeElement]).toEqual(['', [''], box]);
});

test('Escape in an empty search box is left to what is around', async () => {
  const around = vi.fn();
  document.body.addEventListener('keydown', around);
  render(SearchBox, { value: '' });
  screen.getByRole('searchbox').focus();
  await hands().keyboard('{Escape}');
  document.body.removeEventListener('keydown', around);
  expect(around).toHaveBeenCalledOnce();
});

test('a fact that is more than text is drawn by its app, the others are text', () => {
  render(Facts, { facts: [{ label: 'Zone', text: 'attic' }, { label: 'Disks', id: 'disks' }], value: snippet((f: { label: string }) => `drawn ${f.label}`) });
  expect([...document.querySelectorAll('dd')].map((d) => d.textContent)).toEqual(['attic', 'drawn Disks']);
});

test('an empty text is a text: nothing is drawn in its place', () => {
  render(Facts, { facts: [{ label: 'Zone', text: '' }], value: snippet(() => 'drawn') });
  expect(document.querySelector('dd')?.textContent).toBe('');
});

test('what stands above the pages stays while one goes through them', async () => {
  const props = { items: [{ id: 'a', label: 'One' }, { id: 'b', label: 'Two', count: 3 }], value: 'a', label: 'Pages', head: snippet(() => 'head'), panel: snippet((id: string) => `page ${id}`) };
  const onchange = vi.fn();
  const { rerender } = render(Pages<string>, { ...props, onchange });
  await hands().click(screen.getByRole('button', { name: /Two/ }));
  expect(onchange.mock.calls).toEqual([['b']]);
  await rerender({ ...props, value: 'b', onchange });
  expect([screen.getByText('head').textContent, screen.getByRole('group').getAttribute('aria-label')]).toEqual(['head', 'Two']);
  expect(screen.getByRole('button', { current: 'page' }).textContent).toMatch(/Two\s*3/);
});

test('a menu button that is off limits says why, and its items are not even asked for', async () => {
  const items = vi.fn(() => []);
  render(MenuButton, { items, label: 'More', disabled: 'Your role does not allow this.' });
  await hands().click(button('More'));
  expect([off(button('More')), items.mock.calls.length, document.querySelector('[role=menu]')]).toEqual([true, 0, null]);
  expect(button('More').title || document.body.textContent).toContain('Your role does not allow this.');
});

test.each([
  [-5, 100, '0'],
  [150, 100, '100'],
  [1, 0, '0'],
  [1, 3, '33'],
])('%d of %d is %s hundredths, never outside of the bar', (value, max, now) => {
  render(Meter, { value, max, label: 'Used', text: 'so much' });
  const bar = screen.getByRole('meter');
  expect([bar.getAttribute('aria-valuenow'), bar.getAttribute('aria-valuetext')]).toEqual([now, 'so much']);
});

test('a line with a gap is two lines, each filled to its own ends', () => {
  const { container } = render(Spark, { values: [1, 2, null, 3, 4], label: 'Reads' });
  expect([...container.querySelectorAll('polyline')].map((p) => p.getAttribute('points')?.split(' ').length)).toEqual([2, 2]);
  expect(container.querySelectorAll('polygon')[1]?.getAttribute('points')).toMatch(/^75\.00,32 75\.00,.* 100\.00,32$/);
});

test('a field takes what browsers know of: a limit, nothing filled in, no correction', () => {
  render(TextField, { label: 'Name', value: '', maxlength: 256, autocomplete: 'off', spellcheck: 'false', required: true });
  const field = screen.getByLabelText<HTMLInputElement>('Name');
  expect([field.maxLength, field.getAttribute('autocomplete'), field.getAttribute('spellcheck'), field.required]).toEqual([256, 'off', 'false', true]);
});

test('what a line of a tree was given is taken back when it goes', async () => {
  const there = new Set<string>();
  const attach = (_: HTMLElement, node: { id: string }) => {
    there.add(node.id);
    return () => void there.delete(node.id);
  };
  const props = { label: 'Folders', roots: [{ id: '/', label: 'Drive' }], children: () => [{ id: '/a', label: 'a', leaf: true }], selected: null, onselect: () => undefined, ontoggle: () => undefined, attach };
  const { rerender } = render(Tree, { ...props, open: new Set(['/']) });
  expect([...there]).toEqual(['/', '/a']);
  await rerender({ ...props, open: new Set<string>() });
  expect([...there]).toEqual(['/']);
});

test('a tree draws the icon of a line by whether it is open', () => {
  const icon = createRawSnippet<[{ id: string }, boolean]>((n, open) => ({ render: () => `<i>${n().id} ${open()}</i>` }));
  render(Tree, { label: 'Folders', roots: [{ id: '/', label: 'Drive' }], children: () => [{ id: '/a', label: 'a' }], open: new Set(['/']), selected: null, onselect: () => undefined, ontoggle: () => undefined, icon });
  expect([...document.querySelectorAll('i')].map((x) => x.textContent)).toEqual(['/ true', '/a false']);
});

test('keys with Alt or Ctrl are not the tree’s', () => {
  const ontoggle = vi.fn();
  render(Tree, { label: 'Folders', roots: [{ id: '/', label: 'Drive' }], children: () => [], open: new Set<string>(), selected: null, onselect: () => undefined, ontoggle });
  const line = screen.getByRole('treeitem');
  for (const held of [{ altKey: true }, { ctrlKey: true }]) expect(fireEvent.keyDown(line, { key: 'ArrowRight', ...held })).toBeTruthy();
  flushSync();
  expect(ontoggle).not.toHaveBeenCalled();
});

test('what opens near the lower right corner opens above and to the left', () => {
  const at = spot({ left: 950, top: 650, right: 990, bottom: 680 }, { w: 200, h: 300 }, { w: 1000, h: 700 });
  expect(at).toEqual({ x: 790, y: 346 });
});

test('what is larger than the screen begins at its corner', () => {
  expect(spot({ left: 50, top: 50, right: 60, bottom: 60 }, { w: 2000, h: 2000 }, { w: 400, h: 300 })).toEqual({ x: 8, y: 8 });
});

test('a word that was dismissed does not take another one with it when its time comes', () => {
  vi.useFakeTimers();
  const first = toast('one');
  toasts.drop(first);
  vi.advanceTimersByTime(4000);
  toast('two');
  vi.advanceTimersByTime(2000);
  expect(toasts.list.map((x) => x.text)).toEqual(['two']);
  vi.advanceTimersByTime(3000);
  expect(toasts.list).toEqual([]);
});
