// @vitest-environment happy-dom
import { render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import { windowFor, windows } from '../../desk/desk.svelte';
import { Win } from '../../desk/windows.svelte';
import { button, hands, screenOf, server, signIn, type Server } from '../../testing';
import App from './App.svelte';
import { found, runbooks, type Kind } from './find';
import { t } from './strings';

const kind = (code: string, severity: Kind['severity'], title = code): Kind =>
  ({ code, severity, title, meaning: `${code} means`, doing: `${code} is done`, remedy: `${code} is mended`, actions: [] }) as unknown as Kind;

let s: Server;
let win: Win;
beforeEach(() => {
  screenOf(1000, 700);
  s = server().on('GET /health/catalogue', [kind('NODE_DOWN', 'critical'), kind('REPAIR_PAUSED', 'info')]).on('GET /health', cluster.health(cluster.verdicts.protected()));
  signIn('viewer');
});
afterEach(() => void (windows.list = []));

async function open(topic: string): Promise<void> {
  win = new Win('w1', 'help', null);
  win.params = { topic };
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[aria-busy=true]')).toBeNull());
}
const page = (): string => document.querySelector('nav [aria-current=page]')?.textContent?.trim() ?? '';
const codes = (): string[] => [...document.querySelectorAll('.code')].map((x) => x.textContent ?? '');

test.each([
  ['', 'runbooks'],
  ['NODE_DOWN', 'runbooks'],
  ['no such thing', 'runbooks'],
  ['glossary', 'glossary'],
  ['shortcuts', 'shortcuts'],
  ['about', 'about'],
] as const)('the address “%s” shows the page %s', async (topic, want) => {
  await open(topic);
  expect(page()).toBe(t.pages[want]);
});

test('where all is well, no instruction claims to be of now', async () => {
  await open('');
  await vi.waitFor(() => expect(s.sent('GET /health')).not.toHaveLength(0));
  expect([codes().length, screen.queryByText(t.nowTrue), screen.queryByText(t.openOverview)]).toEqual([2, null, null]);
});

test('an instruction that nobody linked to is closed', async () => {
  await open('');
  expect([...document.querySelectorAll('details')].some((d) => d.open)).toBe(false);
});

test('what was looked for in one list is looked for in the other, and cleared for both', async () => {
  const user = hands();
  await open('');
  await user.type(screen.getByLabelText(t.search), 'node_down');
  expect(codes()).toEqual(['NODE_DOWN']);
  await user.click(button(t.pages.glossary));
  expect(win.params).toEqual({ topic: 'glossary' });
  await vi.waitFor(() => expect(screen.getByText(t.nothing)).toBeTruthy());
  await user.clear(screen.getByLabelText(t.search));
  expect(document.querySelectorAll('dt').length).toBeGreaterThan(5);
});

test('every word must be there, in any order and letters; blanks are no word', () => {
  expect([found('B  a', 'x A', 'b'), found('a c', 'A', 'b'), found('  ', 'x'), found('', '')]).toEqual([true, false, true, true]);
});

test('of the same weight, titles stand in order, and the list that was given stays as it was', () => {
  const all = [kind('B', 'warning'), kind('A', 'warning'), kind('Z', 'critical')];
  expect(runbooks(all, '').map((k) => k.code)).toEqual(['Z', 'A', 'B']);
  expect(all.map((k) => k.code)).toEqual(['B', 'A', 'Z']);
});

test('what one can do about it finds an instruction as well', () => {
  expect(runbooks([kind('A', 'info'), kind('B', 'info')], 'b mended').map((k) => k.code)).toEqual(['B']);
});
