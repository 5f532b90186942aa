// @vitest-environment happy-dom
import { fireEvent, render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Schemas } from '../../api/client';
import { button, hands, off, refusal, server, signIn, type Server } from '../../testing';
import { t as ui } from '../../ui/strings';
import { toasts } from '../../ui/toast.svelte';
import Account from './Account.svelte';
import PasswordDialog from './PasswordDialog.svelte';
import RoleDialog from './RoleDialog.svelte';
import { t } from './strings';
import UserDialog from './UserDialog.svelte';

let s: Server;
let user: ReturnType<typeof hands>;
const bea: Schemas['User'] = { name: 'bea', role: 'writer', disabled: false, created: '2026-01-01T00:00:00Z', sessions: 0 };
const said = (): string[] => toasts.list.map((x) => x.text);
const field = (label: string): HTMLInputElement => screen.getByLabelText<HTMLInputElement>(label);
const role = (name: Schemas['Role']): HTMLInputElement => document.querySelector(`input[type=radio][value=${name}]`) as HTMLInputElement;
const send = (): boolean => fireEvent.submit(document.querySelector('form') as HTMLFormElement) as unknown as boolean;

beforeEach(() => {
  s = server();
  user = hands();
  signIn('admin');
  toasts.list = [];
});

test('the role one has is chosen at first, and it cannot be saved again', async () => {
  render(RoleDialog, { user: bea, onclose: () => undefined });
  expect([role('writer').checked, off(button(t.save))]).toEqual([true, true]);
  await user.click(role('operator'));
  expect(off(button(t.save))).toBe(false);
  await user.click(role('writer'));
  expect(off(button(t.save))).toBe(true);
});

test('each role tells what it may, so that nobody gives more than is needed', () => {
  render(RoleDialog, { user: bea, onclose: () => undefined });
  const labels = [...document.querySelectorAll('label')].map((l) => l.textContent);
  expect(labels).toHaveLength(5);
  for (const r of ['viewer', 'reader', 'writer', 'operator', 'admin'] as const) expect(labels.find((l) => l.includes(t.about[r]))).toContain(t.roles[r]);
});

test('a refusal is gone while one tries again, so that the same one is told again', async () => {
  const onclose = vi.fn();
  s.refuse('PATCH /users/bea', 409, 'The last administrator stays');
  render(RoleDialog, { user: bea, onclose });
  await user.click(role('viewer'));
  await user.click(button(t.save));
  expect(await screen.findByText('The last administrator stays')).toBeTruthy();
  s.on('PATCH /users/bea', undefined);
  const free = s.hold('PATCH /users/bea');
  await user.click(button(t.save));
  expect(screen.queryByText('The last administrator stays')).toBeNull();
  free();
  await vi.waitFor(() => expect(onclose).toHaveBeenCalledOnce());
  expect([said(), s.sent('PATCH /users/bea').map((c) => c.body)]).toEqual([[t.changed('bea')], [{ role: 'viewer' }, { role: 'viewer' }]]);
});

test('Cancel changes no role', async () => {
  const onclose = vi.fn();
  render(RoleDialog, { user: bea, onclose });
  await user.click(role('admin'));
  await user.click(button(ui.cancel));
  expect([onclose.mock.calls.length, s.calls]).toEqual([1, []]);
});

test('a short password for somebody else is said and not sent, a long one then is', async () => {
  s.on('PUT /users/bea/password', undefined);
  const onclose = vi.fn();
  render(PasswordDialog, { user: bea, onclose });
  await user.type(field(t.password), 'eleven sign');
  expect(screen.queryByText(t.passwordShort)).toBeNull(); // not before one tried
  await user.click(button(t.save));
  expect(screen.getByText(t.passwordShort).getAttribute('role')).toBe('alert');
  expect(s.calls).toEqual([]);
  await user.type(field(t.password), 's');
  expect(screen.queryByText(t.passwordShort)).toBeNull();
  await user.click(button(t.save));
  await vi.waitFor(() => expect(onclose).toHaveBeenCalledOnce());
  expect(s.sent('PUT /users/bea/password').map((c) => c.body)).toEqual([{ password: 'eleven signs' }]);
});

test('a password that is refused stays in its field with the words of the server, which go when one tries again', async () => {
  s.refuse('PUT /users/bea/password', 400, 'That password is known', { detail: 'Take another.' });
  const onclose = vi.fn();
  render(PasswordDialog, { user: bea, onclose });
  await user.type(field(t.password), 'password1234');
  await user.click(button(t.save));
  expect((await screen.findByText('That password is known')).parentElement?.parentElement?.textContent).toContain('Take another.');
  expect([field(t.password).value, onclose.mock.calls, said()]).toEqual(['password1234', [], []]);
  const free = s.hold('PUT /users/bea/password');
  await user.click(button(t.save));
  expect(screen.queryByText('That password is known')).toBeNull();
  free();
  await vi.waitFor(() => expect(screen.getByText('That password is known')).toBeTruthy());
});

test('a suggested password is the one that is sent', async () => {
  s.on('PUT /users/bea/password', undefined);
  render(PasswordDialog, { user: bea, onclose: () => undefined });
  await user.click(button(t.suggest));
  const { value, type } = field(t.password);
  expect([type, value.length]).toEqual(['text', 23]); // four groups of five letters
  await user.click(button(t.save));
  await vi.waitFor(() => expect(s.sent('PUT /users/bea/password').map((c) => c.body)).toEqual([{ password: value }]));
});

test('a new account may write, unless another role is chosen', async () => {
  s.on('POST /users', undefined);
  render(UserDialog, { onclose: () => undefined });
  expect(role('writer').checked).toBe(true);
  await user.type(field(t.name), ' Zoë ');
  await user.type(field(t.password), 'twelve letters');
  await user.click(role('viewer'));
  await user.click(button(t.addVerb));
  await vi.waitFor(() => expect(said()).toEqual([t.added('Zoë')]));
  expect(s.sent('POST /users').map((c) => c.body)).toEqual([{ name: 'Zoë', role: 'viewer', password: 'twelve letters' }]);
});

test('a password that the server refuses is told at its field', async () => {
  s.on('POST /users', refusal(400, 'The user could not be added', { fields: { password: 'This password is known.' } }));
  render(UserDialog, { onclose: () => undefined });
  await user.type(field(t.name), 'dora');
  await user.type(field(t.password), 'password1234');
  await user.click(button(t.addVerb));
  expect((await screen.findByText('This password is known.')).id).toBe(field(t.password).getAttribute('aria-describedby'));
  expect(field(t.password).getAttribute('aria-invalid')).toBe('true');
});

test('one’s own password is changed once, however often one presses', async () => {
  s.on('PUT /me/password', undefined);
  const free = s.hold('PUT /me/password');
  render(Account);
  await user.type(field(t.oldPassword), 'old secret');
  await user.type(field(t.newPassword), 'a new long secret');
  await user.type(field(t.repeat), 'a new long secret');
  await user.dblClick(button(t.changePassword));
  free();
  await vi.waitFor(() => expect(said()).toEqual([t.passwordChanged]));
  expect(s.sent('PUT /me/password')).toHaveLength(1);
});

test('nothing is at fault before one tried, and each field says its own', async () => {
  render(Account);
  await user.type(field(t.newPassword), 'short');
  await user.type(field(t.repeat), 'other');
  expect(document.querySelector('[aria-invalid]')).toBeNull();
  send();
  await tick();
  expect([screen.getByText(t.passwordShort).id, screen.getByText(t.differs).id]).toEqual([t.newPassword, t.repeat].map((l) => field(l).getAttribute('aria-describedby')));
  expect(s.calls).toEqual([]);
});
