// @vitest-environment happy-dom
import { render, screen } from '@testing-library/svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { hands, snippet } from '../testing';
import { contextMenus } from './menu.svelte';
import Pages from './Pages.svelte';
import Tabs from './Tabs.svelte';
import Tree, { type TreeNode } from './Tree.svelte';
import { t } from './strings';

const focused = (): string => document.activeElement?.textContent?.trim() ?? '';

const tabs = [
  { id: 'disks', label: 'Disks', count: 3 },
  { id: 'blocks', label: 'Blocks' },
  { id: 'log', label: 'Log' },
] as const;
type Tab = (typeof tabs)[number]['id'] | 'gone';

function showTabs(value: Tab = 'disks') {
  const onchange = vi.fn();
  render(Tabs<Tab>, { items: tabs, value, label: 'Node', panel: snippet((id: string) => `panel of ${id}`), onchange });
  return { onchange, user: hands() };
}

const tab = (name: string): HTMLElement => screen.getByRole('tab', { name: new RegExp(name) });

test('one tab is reached by Tab, and it is the one that is shown', () => {
  showTabs('blocks');
  expect(screen.getAllByRole('tab').map((x) => `${x.tabIndex} ${x.getAttribute('aria-selected')}`)).toEqual(['-1 false', '0 true', '-1 false']);
  expect(screen.getByRole('tabpanel', { name: 'Blocks' }).textContent).toContain('panel of blocks');
});

test('arrows move and show, round the ends; Home and End go there', async () => {
  const { user, onchange } = showTabs();
  tab('Disks').focus();
  await user.keyboard('{ArrowRight}');
  expect(focused()).toBe('Blocks');
  expect(screen.getByRole('tabpanel', { name: 'Blocks' })).toBeDefined();
  await user.keyboard('{ArrowRight}{ArrowRight}');
  expect(focused()).toContain('Disks');
  await user.keyboard('{ArrowLeft}');
  expect(focused()).toBe('Log');
  await user.keyboard('{Home}{End}');
  expect(onchange.mock.calls.map(([id]) => id as string)).toEqual(['blocks', 'log', 'disks', 'log', 'disks', 'log']);
});

test('keys with Alt or Ctrl belong to the window and the browser', async () => {
  const { user, onchange } = showTabs();
  tab('Disks').focus();
  await user.keyboard('{Alt>}{ArrowRight}{/Alt}{Control>}{End}{/Control}');
  expect(onchange).not.toHaveBeenCalled();
});

test('a press on the tab that is shown changes nothing', async () => {
  const { user, onchange } = showTabs();
  await user.click(tab('Disks'));
  expect(onchange).not.toHaveBeenCalled();
  await user.click(tab('Log'));
  expect(onchange.mock.calls).toEqual([['log']]);
});

test('a tab that a link names and that is not there leaves the tabs within reach of the keyboard', async () => {
  const { user } = showTabs('gone');
  expect(tab('Disks').tabIndex).toBe(0);
  tab('Disks').focus();
  await user.keyboard('{ArrowRight}');
  expect(focused()).toContain('Disks');
});

test('how many there are stands on the tab', () => {
  showTabs();
  expect(tab('Disks').textContent).toContain('3');
});

test('a page of an app is named, current and starts at its top', async () => {
  const onchange = vi.fn();
  render(Pages<Tab>, { items: tabs, value: 'disks', label: 'Settings', panel: snippet((id: string) => `page ${id}`), onchange });
  const body = screen.getByRole('group', { name: 'Disks' });
  body.scrollTop = 300;
  expect(screen.getByRole('button', { name: /Disks/ }).getAttribute('aria-current')).toBe('page');
  await hands().click(screen.getByRole('button', { name: 'Log' }));
  expect([onchange.mock.calls, body.scrollTop]).toEqual([[['log']], 0]);
});

const below: Record<string, TreeNode[] | undefined> = {
  '/': [{ id: '/a', label: 'a' }, { id: '/b', label: 'b', leaf: true }],
  '/a': [{ id: '/a/x', label: 'x' }],
  '/slow': undefined,
};
const roots: TreeNode[] = [{ id: '/', label: 'Drive' }, { id: '/slow', label: 'slow' }];

function tree(open: string[] = ['/'], selected: string | null = null) {
  const heard: string[] = [];
  const menu = vi.fn((id: string) => [{ label: `Open ${id}`, run: () => undefined }]);
  const props = { label: 'Folders', roots, children: (id: string) => below[id] ?? undefined, open: new Set(open), selected, menu };
  const got = render(Tree, { props: { ...props, onselect: (id: string) => heard.push(`select ${id}`), ontoggle: (id: string, on: boolean) => heard.push(`${on ? 'open' : 'close'} ${id}`) } });
  return { ...got, heard, menu, user: hands() };
}

const lines = (): HTMLElement[] => screen.getAllByRole('treeitem');
const line = (label: string): HTMLElement => lines().find((x) => x.textContent!.trim() === label)!;

afterEach(() => (contextMenus.current = null));

test('a tree says level, place and whether it is open; a leaf neither', () => {
  tree(['/', '/a']);
  const said = lines().map((x) => ['level', 'posinset', 'setsize', 'expanded'].map((a) => x.getAttribute(`aria-${a}`)).join(' '));
  expect(said).toEqual(['1 1 2 true', '2 1 2 true', '3 1 1 false', '2 2 2 ', '1 2 2 false'].map((s) => (s.endsWith(' ') ? s.trimEnd() + ' ' : s)));
});

test('one line is reached by Tab: the one that is selected, else the first', () => {
  tree(['/'], '/b');
  expect(lines().filter((x) => x.tabIndex === 0)).toEqual([line('b')]);
});

test('a selected line that is not in sight leaves the first within reach', () => {
  tree([], '/a/x');
  expect(lines().filter((x) => x.tabIndex === 0)).toEqual([line('Drive')]);
});

test('arrows go up and down over what is in sight and stop at the ends', async () => {
  const { user } = tree();
  line('Drive').focus();
  await user.keyboard('{ArrowUp}');
  expect(focused()).toBe('Drive');
  await user.keyboard('{ArrowDown}{ArrowDown}');
  expect(focused()).toBe('b');
  await user.keyboard('{End}');
  expect(focused()).toBe('slow');
  await user.keyboard('{ArrowDown}{Home}');
  expect(focused()).toBe('Drive');
});

test('right opens, then goes in; left closes, then goes out', async () => {
  const { user, heard } = tree(['/', '/a']);
  line('a').focus();
  await user.keyboard('{ArrowRight}');
  expect(focused()).toBe('x');
  await user.keyboard('{ArrowRight}');
  expect(heard).toEqual(['open /a/x']);
  await user.keyboard('{ArrowLeft}');
  expect(focused()).toBe('a');
  await user.keyboard('{ArrowLeft}');
  expect(heard).toEqual(['open /a/x', 'close /a']);
});

test('a leaf does not open', async () => {
  const { user, heard } = tree();
  line('b').focus();
  await user.keyboard('{ArrowRight}');
  expect([heard, focused()]).toEqual([[], 'b']);
});

test('a branch whose children are still being read is open and empty, and no trap', async () => {
  const { user } = tree(['/slow']);
  line('slow').focus();
  await user.keyboard('{ArrowRight}{ArrowDown}');
  expect(focused()).toBe('slow');
});

test('Enter, Space and a click select, the little arrow only opens', async () => {
  const { user, heard } = tree();
  line('a').focus();
  await user.keyboard('{Enter} ');
  await user.click(screen.getByText('b'));
  await user.click(line('a').querySelector('.twist')!);
  expect(heard).toEqual(['select /a', 'select /a', 'select /b', 'open /a']);
  expect(line('a').querySelector<HTMLElement>('.twist')!.title).toBe(t.expand);
});

test('the menu of a line is about that line, by mouse and by key', async () => {
  const { user, menu } = tree();
  await user.pointer({ keys: '[MouseRight]', target: screen.getByText('b') });
  line('a').focus();
  await user.keyboard('{Shift>}{F10}{/Shift}');
  expect(menu.mock.calls.map(([id]) => id)).toEqual(['/b', '/a']);
});

test('when the line with the focus is closed away, the tree can still be reached', async () => {
  const { rerender } = tree(['/', '/a'], '/a');
  line('x').focus();
  await rerender({ open: new Set(['/']) });
  expect(lines().filter((x) => x.tabIndex === 0)).toEqual([line('a')]);
});
