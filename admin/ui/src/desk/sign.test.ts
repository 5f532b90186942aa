// @vitest-environment happy-dom
import { render, screen } from '@testing-library/svelte';
import { flushSync, tick } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import { api, client } from '../api/client';
import { live } from '../api/live.svelte';
import { session } from '../api/session.svelte';
import { hands, refusal, server, signIn as signedIn, type Server } from '../testing';
import { transfers } from '../transfers/queue.svelte';
import { confirmations } from '../ui/confirm.svelte';
import { t as words } from '../ui/strings';
import { toasts } from '../ui/toast.svelte';
import ChangePassword from './ChangePassword.svelte';
import { shell } from './desk.svelte';
import LockOverlay from './LockOverlay.svelte';
import { signOut } from './signin';
import SignIn from './SignIn.svelte';
import SudoDialog from './SudoDialog.svelte';
import { t } from './strings';

let s: Server;
const user = () => hands();
const field = (label: string): HTMLInputElement => screen.getByLabelText(label);
const press = (name: string): Promise<void> => user().click(screen.getByRole('button', { name, hidden: true }));
const said = (): string => [...document.querySelectorAll('[role=alert]')].map((x) => x.textContent!.trim()).join(' ');
const good = 'correct horse battery';

beforeEach(() => {
  s = server();
  toasts.list = [];
  shell.password = false;
});
afterEach(() => void history.replaceState(null, '', '/'));

function nobody(change: Parameters<typeof cluster.session>[0] = {}): void {
  session.me = cluster.session({ signed_in: false, user: '', role: 'none', ...change });
}

test('signing in sends the name and the password, and the desk has them', async () => {
  nobody();
  s.on('POST /session', cluster.session({ user: 'anna' }));
  render(SignIn);
  await user().type(field(t.user), 'anna');
  await user().type(field(t.password), `${good}{Enter}`);
  await vi.waitFor(() => expect(session.me?.user).toBe('anna'));
  expect(s.sent('POST /session')[0]!.body).toEqual({ user: 'anna', password: good });
});

test('a wrong password says so, and what was typed can be mended', async () => {
  nobody();
  s.refuse('POST /session', 401, 'Wrong name or password', { detail: 'Four tries are left.' });
  render(SignIn);
  await user().type(field(t.user), 'anna');
  await user().type(field(t.password), 'x{Enter}');
  await vi.waitFor(() => expect(said()).toBe('Wrong name or password. Four tries are left.'));
  expect([session.locked, field(t.user).value]).toEqual([false, 'anna']);
  expect(screen.getByRole('button', { name: t.signIn }).getAttribute('aria-busy')).toBeNull();
});

test('where no server answers, that is what it says, and not the words of the browser', async () => {
  nobody();
  s.silent = true;
  render(SignIn);
  await user().type(field(t.user), 'anna');
  await user().type(field(t.password), 'x{Enter}');
  await vi.waitFor(() => expect(said()).toBe(t.noServer));
});

test('while it is asked, a second press does not ask again', async () => {
  nobody();
  const free = s.on('POST /session', cluster.session()).hold('POST /session');
  render(SignIn);
  await user().type(field(t.user), 'anna');
  await user().type(field(t.password), 'x{Enter}');
  await press(t.signIn);
  free();
  await vi.waitFor(() => expect(session.me?.signed_in).toBe(true));
  expect(s.sent('POST /session')).toHaveLength(1);
});

test('the fields are those that a password manager knows', () => {
  nobody();
  render(SignIn);
  expect([field(t.user).autocomplete, field(t.password).autocomplete, field(t.password).type]).toEqual(['username', 'current-password', 'password']);
});

test('the first sign-in takes the code of the link, and takes it out of the address', async () => {
  nobody({ setup: true });
  history.replaceState(null, '', '/#setup=one-time-7');
  s.on('POST /setup', cluster.session());
  render(SignIn);
  expect(field(t.setUpCode).value).toBe('one-time-7');
  await user().type(field(t.passwordNew), good);
  await user().type(field(t.passwordAgain), `${good}{Enter}`);
  await vi.waitFor(() => expect(location.hash).toBe(''));
  expect(s.sent('POST /setup')[0]!.body).toEqual({ code: 'one-time-7', password: good });
});

test('a first password that is short or typed twice differently does not reach the server', async () => {
  nobody({ setup: true });
  render(SignIn);
  await user().type(field(t.setUpCode), 'c');
  await user().type(field(t.passwordNew), good);
  await user().type(field(t.passwordAgain), 'another horse battery{Enter}');
  await vi.waitFor(() => expect(said()).toBe(t.passwordDiffers));
  await user().clear(field(t.passwordNew));
  await user().type(field(t.passwordNew), 'short');
  document.querySelector('form')!.dispatchEvent(new SubmitEvent('submit', { cancelable: true }));
  await tick();
  expect(said()).toContain(t.passwordShort);
  expect(s.calls).toEqual([]);
});

test('plain HTTP and made-up figures are told at the sign-in already', () => {
  nobody({ encrypted: false, demo: true });
  render(SignIn);
  expect(document.body.textContent).toMatch(new RegExp(`${t.notEncrypted}.*${t.demo}`, 's'));
});

function lock() {
  signedIn('admin', { user: 'anna' });
  session.locked = true;
  const back = document.createElement('button');
  document.body.append(back);
  back.focus();
  return { back, ...render(LockOverlay) };
}

test('the lock asks the same person for the password, and what waited goes on', async () => {
  signedIn('admin', { user: 'anna' });
  let out = true;
  s.on('GET /nodes', () => (out ? refusal(401, 'Sign in first') : { items: [] }));
  s.on('POST /session', () => ((out = false), cluster.session({ user: 'anna' })));
  const call = api(client.GET('/nodes'));
  await vi.waitFor(() => expect(session.locked).toBe(true));
  render(LockOverlay);
  expect(document.body.textContent).toContain(t.lockText('anna'));
  await user().type(field(t.password), `${good}{Enter}`);
  expect(await call).toEqual({ items: [] });
  expect([session.locked, s.sent('POST /session')[0]!.body]).toEqual([false, { user: 'anna', password: good }]);
});

test('a wrong password at the lock is said, and the field is empty for the next', async () => {
  lock();
  s.refuse('POST /session', 401, 'Wrong name or password');
  await user().type(field(t.password), 'x{Enter}');
  await vi.waitFor(() => expect(said()).toBe('Wrong name or password'));
  expect([field(t.password).value, session.locked]).toEqual(['', true]);
});

test('Escape does not open the lock, however often', () => {
  lock();
  const dialog = document.querySelector('dialog')!;
  const cancel = new Event('cancel', { cancelable: true });
  dialog.dispatchEvent(cancel);
  expect([cancel.defaultPrevented, dialog.open]).toEqual([true, true]);
  dialog.close();
  dialog.dispatchEvent(new Event('close'));
  flushSync();
  expect(dialog.open).toBe(true);
});

test('somebody else at the lock gets a desk of their own', async () => {
  lock();
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => undefined);
  s.on('POST /session', cluster.session({ user: 'bert' }));
  await user().type(field(t.password), 'x{Enter}');
  await vi.waitFor(() => expect(reload).toHaveBeenCalled());
  expect(session.locked).toBe(true);
});

test('after the lock the focus is where it was', async () => {
  const { back, unmount } = lock();
  field(t.password).focus();
  unmount();
  await vi.waitFor(() => expect(document.activeElement).toBe(back));
  back.remove();
});

test('after the lock the live stream does not wait for its next try', async () => {
  lock();
  const retry = vi.spyOn(live, 'retry').mockImplementation(() => undefined);
  s.on('POST /session', cluster.session({ user: 'anna' }));
  await user().type(field(t.password), `${good}{Enter}`);
  await vi.waitFor(() => expect(retry).toHaveBeenCalled());
});

test('what destroys asks for the password, and is done when it is right', async () => {
  signedIn('admin');
  let asked = false;
  s.on('DELETE /tokens/*', () => (asked ? undefined : refusal(403, 'The password is needed again.', { code: 'sudo' })));
  s.on('POST /session/sudo', () => ((asked = true), cluster.session()));
  const call = api(client.DELETE('/tokens/{id}', { params: { path: { id: 't1' } } }));
  await vi.waitFor(() => expect(session.askingPassword).toBe(true));
  render(SudoDialog);
  await user().type(field(t.password), `${good}{Enter}`);
  await call;
  expect([s.sent('POST /session/sudo')[0]!.body, s.sent('DELETE /tokens/*').length]).toEqual([{ password: good }, 2]);
});

test('who gives up the password has nothing destroyed', async () => {
  signedIn('admin');
  s.refuse('DELETE /tokens/*', 403, 'The password is needed again.', { code: 'sudo' });
  const call = api(client.DELETE('/tokens/{id}', { params: { path: { id: 't1' } } })).catch((e: { code: string }) => e.code);
  await vi.waitFor(() => expect(session.askingPassword).toBe(true));
  render(SudoDialog);
  await press(words.cancel);
  expect(await call).toBe('sudo');
  expect(s.sent('DELETE /tokens/*')).toHaveLength(1);
});

test('a wrong password for what destroys asks again and does nothing', async () => {
  signedIn('admin');
  session.askingPassword = true;
  s.refuse('POST /session/sudo', 403, 'The password is wrong', { code: 'wrong_password' });
  render(SudoDialog);
  await user().type(field(t.password), 'x{Enter}');
  await vi.waitFor(() => expect(said()).toBe('The password is wrong'));
  expect([field(t.password).value, field(t.password).getAttribute('aria-invalid'), session.askingPassword]).toEqual(['', 'true', true]);
});

test('a session that ends while the password is asked for is not asked for twice at once', async () => {
  signedIn('admin', { user: 'anna' });
  const answers = [refusal(401, 'Sign in first'), refusal(403, 'Again', { code: 'sudo' }), undefined];
  s.on('DELETE /tokens/*', () => answers.shift());
  const call = api(client.DELETE('/tokens/{id}', { params: { path: { id: 't1' } } }));
  await vi.waitFor(() => expect(session.locked).toBe(true));
  session.unlock(cluster.session({ user: 'anna' }));
  await vi.waitFor(() => expect(session.askingPassword).toBe(true));
  session.sudoDone(true);
  await call;
  expect(s.sent('DELETE /tokens/*')).toHaveLength(3);
});

async function change(old: string, next: string, again: string): Promise<void> {
  await user().type(field(t.passwordOld), old);
  await user().type(field(t.passwordNew), next);
  await user().type(field(t.passwordAgain), again);
  await press(t.changePassword);
}

function changing(): void {
  signedIn('writer', { user: 'anna' });
  shell.password = true;
  render(ChangePassword);
}

test('a password is changed, the dialog goes and it is said', async () => {
  changing();
  s.on('PUT /me/password', undefined);
  await change('old', good, good);
  await vi.waitFor(() => expect(shell.password).toBe(false));
  expect(s.sent('PUT /me/password')[0]!.body).toEqual({ old: 'old', new: good });
  expect(toasts.list.map((x) => x.text)).toEqual([t.passwordChanged]);
});

test.each([
  ['short', 'short', t.passwordShort],
  [good, `${good}!`, t.passwordDiffers],
  ['😀😀😀😀😀😀', '😀😀😀😀😀😀', t.passwordShort], // six signs, though twelve units of the browser
])('a new password %s, again %s is refused here', async (next, again, why) => {
  changing();
  await change('old', next, again);
  await vi.waitFor(() => expect(said()).toContain(why));
  expect(s.calls).toEqual([]);
});

test('what the server has against it is said, and the dialog stays', async () => {
  changing();
  s.refuse('PUT /me/password', 403, 'The present password is wrong', { code: 'wrong_password' });
  await change('x', good, good);
  await vi.waitFor(() => expect(said()).toContain('The present password is wrong'));
  expect(shell.password).toBe(true);
});

test('a server that does not answer is told in plain words there, too', async () => {
  changing();
  s.silent = true;
  await change('x', good, good);
  await vi.waitFor(() => expect(said()).toContain(t.noServer));
  expect(said()).not.toContain('fetch');
});

test('signing out leaves the page, even when the server does not hear of it', async () => {
  const leave = vi.spyOn(location, 'assign').mockImplementation(() => undefined);
  signedIn();
  s.silent = true;
  await signOut().catch(() => undefined);
  expect(leave).toHaveBeenCalledWith('/');
});

test('signing out asks before it gives up what is being uploaded', async () => {
  const leave = vi.spyOn(location, 'assign').mockImplementation(() => undefined);
  signedIn();
  s.on('DELETE /session', undefined);
  vi.spyOn(transfers, 'open', 'get').mockReturnValue(3);
  const cancelled = vi.spyOn(transfers, 'cancelAll').mockImplementation(() => undefined);
  const first = signOut();
  expect(confirmations.current?.body).toBe(t.signOutBody(3));
  confirmations.current!.answer(null);
  await first;
  expect([leave.mock.calls.length, cancelled.mock.calls.length]).toEqual([0, 0]);
  const second = signOut();
  confirmations.current!.answer({ reason: '', choice: '' });
  await second;
  expect([leave.mock.calls.length, cancelled.mock.calls.length, s.sent('DELETE /session').length]).toEqual([1, 1, 1]);
});
