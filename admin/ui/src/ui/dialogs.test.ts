// @vitest-environment happy-dom
import { render, screen } from '@testing-library/svelte';
import { flushSync, tick } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hands, snippet } from '../testing';
import { confirm, confirmations } from './confirm.svelte';
import ConfirmHost from './ConfirmHost.svelte';
import Dialog from './Dialog.svelte';
import { t } from './strings';
import { toast, toasts } from './toast.svelte';
import ToastHost from './ToastHost.svelte';

const dialog = (): HTMLDialogElement | null => document.querySelector('dialog');
const button = (name: string): HTMLElement => screen.getByRole('button', { name, hidden: true });

function open(more: Record<string, unknown> = {}) {
  const back = document.createElement('button');
  document.body.append(back);
  back.focus();
  const onclose = vi.fn();
  const got = render(Dialog, { open: true, title: 'Set up', children: snippet(() => 'body'), onclose, ...more });
  return { ...got, back, onclose };
}

afterEach(() => document.querySelectorAll('body > button').forEach((b) => b.remove()));

test('a dialog is modal and named by its title', () => {
  open();
  expect(dialog()!.open).toBe(true);
  expect(document.getElementById(dialog()!.getAttribute('aria-labelledby')!)!.textContent).toBe('Set up');
});

test('two dialogs have titles of their own', () => {
  open();
  open({ title: 'Sure?' });
  const ids = [...document.querySelectorAll('dialog')].map((d) => d.getAttribute('aria-labelledby'));
  expect(new Set(ids).size).toBe(2);
});

test('Escape closes it, and who used it is told once', () => {
  const { onclose } = open();
  const cancel = new Event('cancel', { cancelable: true });
  dialog()!.dispatchEvent(cancel);
  flushSync();
  expect([dialog(), onclose.mock.calls.length, cancel.defaultPrevented]).toEqual([null, 1, true]);
});

test('its cross and a press beside it close it, a press inside does not', async () => {
  const { onclose } = open();
  document.querySelector('h2')!.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  expect(onclose).not.toHaveBeenCalled();
  dialog()!.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  flushSync();
  expect(dialog()).toBeNull();
  open();
  await hands().click(button(t.close));
  expect(dialog()).toBeNull();
});

test('one that must be answered has no cross and stays', () => {
  const { onclose } = open({ dismiss: false });
  dialog()!.dispatchEvent(new Event('cancel', { cancelable: true }));
  dialog()!.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  flushSync();
  expect(dialog()!.open).toBe(true);
  expect(onclose).not.toHaveBeenCalled();
  expect(screen.queryByRole('button', { name: t.close, hidden: true })).toBeNull();
});

// A browser asks whether Escape may close a dialog only once; the second press closes it.
test('one that must be answered comes back when the browser closes it all the same', () => {
  open({ dismiss: false });
  dialog()!.close();
  dialog()!.dispatchEvent(new Event('close'));
  flushSync();
  expect(dialog()!.open).toBe(true);
});

test('one that the browser closed is not believed to be open', () => {
  const { onclose } = open();
  dialog()!.close();
  dialog()!.dispatchEvent(new Event('close'));
  flushSync();
  expect([dialog(), onclose.mock.calls.length]).toEqual([null, 1]);
});

test('the focus goes back to what had it', async () => {
  const { back } = open();
  button(t.close).focus();
  button(t.close).click();
  await tick();
  expect(document.activeElement).toBe(back);
});

test('the focus does not go back where something else has taken it', async () => {
  const { back, unmount } = open();
  const other = document.createElement('button');
  document.body.append(other);
  other.focus();
  unmount();
  await tick();
  expect(document.activeElement).toBe(other);
  expect(back.isConnected).toBe(true);
});

test('what had the focus and is gone is not looked for', async () => {
  const { back } = open();
  back.remove();
  button(t.close).click();
  await tick();
  expect(document.activeElement).toBe(document.body);
});

test('a question waits for its answer', async () => {
  render(ConfirmHost);
  const answer = confirm({ tier: 1, title: 'Drain n1?', verb: 'Drain', reason: false });
  flushSync();
  await hands().click(button('Drain'));
  expect(await answer).toEqual({ reason: '', choice: '' });
  expect(dialog()).toBeNull();
});

test('a second question answers the first with no', async () => {
  render(ConfirmHost);
  const first = confirm({ tier: 1, title: 'One?', verb: 'Do one' });
  flushSync();
  const second = confirm({ tier: 1, title: 'Two?', verb: 'Do two' });
  flushSync();
  expect(await first).toBeNull();
  expect(screen.queryByText('One?')).toBeNull();
  await hands().click(button('Do two'));
  expect(await second).not.toBeNull();
});

test('what was typed for one question is not there for the next', async () => {
  render(ConfirmHost);
  void confirm({ tier: 2, title: 'Remove a?', verb: 'Remove', typed: 'same' });
  flushSync();
  await hands().type(screen.getByLabelText(t.typeToConfirm('same')), 'same');
  void confirm({ tier: 2, title: 'Remove b?', verb: 'Remove', typed: 'same' });
  flushSync();
  expect((screen.getByLabelText(t.typeToConfirm('same')) as HTMLInputElement).value).toBe('');
  confirmations.current?.answer(null);
});

test('a choice asks for another dry run, and an answer to the old one is dropped', async () => {
  const tells: Record<string, (text: string) => void> = {};
  const preview = (choice: string) => new Promise<{ sentence: string; facts: []; blockers: [] }>((done) => (tells[choice] = (sentence) => done({ sentence, facts: [], blockers: [] })));
  render(ConfirmHost);
  const options = ['15', '60'].map((value) => ({ value, label: `${value} min` }));
  const answer = confirm({ tier: 1, title: 'Maintain?', verb: 'Start', preview, choice: { label: 'How long', options, value: '15' } });
  flushSync();
  await hands().selectOptions(screen.getByLabelText('How long'), '60 min');
  tells['60']!('an hour');
  tells['15']!('a quarter');
  await vi.waitFor(() => screen.getByText('an hour'));
  expect(screen.queryByText('a quarter')).toBeNull();
  await hands().click(button('Start'));
  expect(await answer).toMatchObject({ choice: '60' });
});

test('a dry run that failed blocks, says why and can be tried again', async () => {
  let fail = true;
  const preview = async () => {
    if (fail) throw new Error('away');
    return { sentence: 'No data is affected.', facts: [], blockers: [] };
  };
  render(ConfirmHost);
  const answer = confirm({ tier: 1, title: 'Drain?', verb: 'Drain', preview });
  await vi.waitFor(() => expect(document.body.textContent).toContain('away'));
  await hands().click(button('Drain'));
  expect(confirmations.current).not.toBeNull();
  fail = false;
  await hands().click(button(t.retry));
  await vi.waitFor(() => screen.getByText('No data is affected.'));
  await hands().click(button('Drain'));
  expect(await answer).not.toBeNull();
});

test('a fact that means loss is told by more than its colour', async () => {
  render(ConfirmHost);
  const facts = [{ label: 'Files lost', value: '61', danger: true }, { label: 'Nodes', value: '3' }];
  void confirm({ tier: 1, title: 'Forget?', verb: 'Forget', preview: async () => ({ sentence: '', facts, blockers: [] }) } as never);
  await vi.waitFor(() => screen.getByText('61'));
  const rows = [...document.querySelectorAll('dl > div')];
  expect(rows.map((r) => r.querySelector('svg') !== null)).toEqual([true, false]);
  confirmations.current?.answer(null);
});

beforeEach(() => (toasts.list = []));

test('an error is told at once, the rest politely', () => {
  render(ToastHost);
  toast('The node is drained');
  toast('It could not be saved', { tone: 'bad', detail: 'No room' });
  flushSync();
  expect(screen.getByRole('status').textContent).toContain('The node is drained');
  expect(screen.getByRole('alert').textContent).toMatch(/could not be saved.*No room/s);
});

test('a word goes by itself, one with an act stays longer, an error stays', () => {
  vi.useFakeTimers();
  render(ToastHost);
  toast('plain');
  toast('with undo', { action: { label: 'Undo', run: () => undefined } });
  toast('error', { tone: 'bad' });
  const after = (ms: number): string[] => (vi.advanceTimersByTime(ms), toasts.list.map((x) => x.text));
  expect(after(4900)).toHaveLength(3);
  expect(after(200)).toEqual(['with undo', 'error']);
  expect(after(4900)).toEqual(['error']);
  expect(after(3_600_000)).toEqual(['error']);
});

test('at most four are on the screen, and news does not push an error away', () => {
  toast('lost', { tone: 'bad' });
  for (let i = 0; i < 6; i++) toast(`news ${i}`);
  expect(toasts.list).toHaveLength(4);
  expect(toasts.list.map((x) => x.text)).toEqual(['lost', 'news 3', 'news 4', 'news 5']);
});

test('a flood of errors is bounded too, and the newest are seen', () => {
  for (let i = 0; i < 9; i++) toast(`error ${i}`, { tone: 'bad' });
  expect(toasts.list.map((x) => x.text)).toEqual(['error 5', 'error 6', 'error 7', 'error 8']);
});

test('Undo is done once and takes the word away', async () => {
  const run = vi.fn();
  render(ToastHost);
  toast('Muted', { action: { label: 'Undo', run } });
  flushSync();
  await hands().click(button('Undo'));
  expect([run.mock.calls.length, toasts.list.length]).toEqual([1, 0]);
});

test('each can be dismissed by itself', async () => {
  render(ToastHost);
  toast('one', { tone: 'bad' });
  toast('two', { tone: 'bad' });
  flushSync();
  await hands().click(screen.getAllByRole('button', { name: t.dismiss })[0]!);
  expect(toasts.list.map((x) => x.text)).toEqual(['two']);
});

test('Enter in a field of a question that is not ready confirms nothing', async () => {
  render(ConfirmHost);
  void confirm({ tier: 2, title: 'Remove n1?', verb: 'Remove', typed: 'n1' });
  flushSync();
  await hands().type(screen.getByLabelText(t.typeToConfirm('n1')), 'n{Enter}');
  expect(confirmations.current).not.toBeNull();
  confirmations.current?.answer(null);
});

test('the name must be typed as it is: not in other letters, not with a space', async () => {
  render(ConfirmHost);
  void confirm({ tier: 2, title: 'Remove Loft-1?', verb: 'Remove', typed: 'Loft-1', reason: false });
  flushSync();
  const field = screen.getByLabelText(t.typeToConfirm('Loft-1'));
  for (const typed of ['loft-1', 'Loft-1 ', 'Loft-']) {
    await hands().clear(field);
    await hands().type(field, typed);
    expect(button('Remove').getAttribute('aria-disabled'), typed).toBe('true');
  }
  await hands().clear(field);
  await hands().type(field, 'Loft-1');
  expect(button('Remove').getAttribute('aria-disabled')).toBeNull();
  confirmations.current?.answer(null);
});

test('a reason of blanks is none where one is wanted', async () => {
  render(ConfirmHost);
  void confirm({ tier: 2, title: 'Purge?', verb: 'Purge', typed: 'x' });
  flushSync();
  await hands().type(screen.getByLabelText(t.typeToConfirm('x')), 'x');
  await hands().type(screen.getByLabelText(t.reason), '   ');
  expect(button('Purge').getAttribute('aria-disabled')).toBe('true');
  confirmations.current?.answer(null);
});

test('what destroys looks it, and what only disturbs does not', () => {
  render(ConfirmHost);
  void confirm({ tier: 1, title: 'Drain?', verb: 'Drain' });
  flushSync();
  expect(button('Drain').classList.contains('danger')).toBe(false);
  void confirm({ tier: 2, title: 'Purge?', verb: 'Purge', typed: 'x' });
  flushSync();
  expect(button('Purge').classList.contains('danger')).toBe(true);
  confirmations.current?.answer(null);
});
