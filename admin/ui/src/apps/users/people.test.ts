// @vitest-environment happy-dom
import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { windowFor, windows } from '../../desk/desk.svelte';
import { Win, type Params } from '../../desk/windows.svelte';
import { speak } from '../../i18n/index.svelte';
import type { Role } from '../../api/session.svelte';
import { button, hands, off, refusal, rows, screenOf, server, signIn, type Call, type Server } from '../../testing';
import { confirmations } from '../../ui/confirm.svelte';
import { contextMenus, type MenuItem } from '../../ui/menu.svelte';
import { toasts } from '../../ui/toast.svelte';
import type { Schemas } from '../../api/client';
import App from './App.svelte';
import { t } from './strings';

type User = Schemas['User'];
type Info = Schemas['SessionInfo'];
const ago = (s: number): string => new Date(Date.now() - s * 1000).toISOString();
const account = (name: string, role: Role, more: Partial<User> = {}): User => ({ name, role, disabled: false, created: ago(90_000), sessions: 0, ...more });
const opened = (id: string, user: string, more: Partial<Info> = {}): Info => ({
  id, user, role: 'admin', remote: '192.0.2.9', agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0', started: ago(4000), seen: ago(10), current: false, ...more,
});

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;

beforeEach(() => {
  screenOf(1100, 700);
  s = server();
  user = hands();
  signIn('admin');
  toasts.list = [];
  confirmations.current = null;
  s.on('GET /users', {
    items: [account('admin', 'admin', { sessions: 2, last_sign_in: ago(60) }), account('bea', 'writer', { last_sign_in: ago(7300) }), account('carl', 'viewer', { disabled: true, sessions: undefined })],
  });
});
afterEach(() => void (windows.list = []));

async function open(params: Params = {}): Promise<void> {
  win = new Win('w1', 'users', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[aria-busy=true]')).toBeNull());
}

const row = (name: string): HTMLElement => rows().find((r) => r.textContent.includes(name)) as HTMLElement;
const said = (): string[] => toasts.list.map((x) => x.text);

type Item = Exclude<MenuItem, 'separator'>;
function menuOf(name: string): Item[] {
  contextMenus.current = null;
  fireEvent.contextMenu(row(name), { button: 2 });
  return (contextMenus.current as { items: readonly MenuItem[] } | null)?.items.filter((x): x is Item => x !== 'separator') ?? [];
}
const choose = (name: string, label: string): void => menuOf(name).find((x) => x.label === label)?.run();

describe('the list of accounts', () => {
  test('who may what, and when they were here', async () => {
    await open();
    expect(row('bea').textContent).toContain(t.roles.writer);
    expect(row('bea').textContent).toMatch(/2 hr\.? ago|2 hours ago/);
    expect(row('carl').textContent).toContain(t.disabled);
    expect(row('carl').textContent).toContain(t.never);
    expect(row('admin').textContent).toContain(t.you);
  });

  test('how many sessions are not known is not said to be none', async () => {
    await open();
    expect(row('carl').textContent).toContain('–');
  });

  test('finding goes by a part of the name, whatever its case', async () => {
    await open();
    await user.type(screen.getByLabelText(t.search), 'BE');
    expect(rows().map((r) => r.querySelector('bdi')?.textContent)).toEqual(['bea']);
    await user.type(screen.getByLabelText(t.search), 'zz');
    expect(screen.getByText(t.nothingFound)).toBeTruthy();
  });

  test('the one that was asked for from elsewhere is found', async () => {
    await open({ user: 'carl' });
    expect(rows().map((r) => r.querySelector('bdi')?.textContent)).toEqual(['carl']);
  });

  test.each(['viewer', 'operator'] as const)('a %s begins with their own account', async (role) => {
    signIn(role);
    await open();
    expect(screen.getByText(t.signedInAs)).toBeTruthy();
    expect(s.sent('GET /users')).toHaveLength(0);
  });

  test('who may not see it is told whom it is for', async () => {
    signIn('operator');
    s.refuse('GET /users', 403, 'Forbidden', { code: 'forbidden' });
    await open({ tab: 'users' });
    expect(screen.getByText(/It needs the role Administrator/)).toBeTruthy();
    expect(off(button(t.add))).toBe(true);
  });

  test('a fault names the request', async () => {
    s.refuse('GET /users', 503, 'The nameserver does not answer');
    await open();
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
  });
});

describe('oneself', () => {
  test('nobody takes their own rights away: another administrator does', async () => {
    await open();
    const mine = menuOf('admin');
    expect(mine.map((x) => [x.label, x.disabled])).toEqual([
      [t.changeRole, t.self],
      [t.setPassword, t.self],
      [t.disable, t.self],
      [t.remove, t.self],
    ]);
    expect(menuOf('bea').every((x) => !x.disabled)).toBe(true);
  });
});

describe('adding somebody', () => {
  async function dialog(): Promise<void> {
    await open();
    await user.click(button(t.add));
    await screen.findByLabelText(t.name);
  }
  const fill = async (name: string, password: string): Promise<void> => {
    await user.type(screen.getByLabelText(t.name), name);
    if (password) await user.type(screen.getByLabelText(t.password), password);
  };

  test('sends the name without what is around it, the role and the password', async () => {
    s.on('POST /users', undefined);
    await dialog();
    await fill('  dora ', 'twelve letters');
    await user.click(screen.getByRole('radio', { name: new RegExp(t.roles.reader), hidden: true }));
    await user.click(button(t.addVerb));
    await waitFor(() => expect(said()).toEqual([t.added('dora')]));
    expect(s.sent('POST /users').map((c) => c.body)).toEqual([{ name: 'dora', role: 'reader', password: 'twelve letters' }]);
    expect(screen.queryByLabelText(t.password)).toBeNull();
  });

  test('a password of eleven is refused before it is sent, one of twelve signs of any kind is not', async () => {
    s.on('POST /users', undefined);
    await dialog();
    await fill('dora', 'x'.repeat(11));
    await user.click(button(t.addVerb));
    expect(screen.getByText(t.passwordShort)).toBeTruthy();
    expect(s.sent('POST /users')).toHaveLength(0);
    await user.clear(screen.getByLabelText(t.password));
    await user.click(screen.getByLabelText(t.password));
    await user.paste('🔑'.repeat(12));
    await user.click(button(t.addVerb));
    await waitFor(() => expect(s.sent('POST /users')).toHaveLength(1));
  });

  test('pressed twice adds once', async () => {
    s.on('POST /users', undefined);
    const free = s.hold('POST /users');
    await dialog();
    await fill('dora', 'twelve letters');
    await user.dblClick(button(t.addVerb));
    await user.click(button(t.addVerb));
    free();
    await waitFor(() => expect(said()).toEqual([t.added('dora')]));
    expect(s.sent('POST /users')).toHaveLength(1);
  });

  test('a name that is taken is said at its field, and what was typed stays', async () => {
    s.refuse('POST /users', 409, 'The user could not be added', { fields: { name: 'There is a user of this name.' } });
    await dialog();
    await fill('bea', 'twelve letters');
    await user.click(button(t.addVerb));
    expect(await screen.findByText('There is a user of this name.')).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>(t.name).value).toBe('bea');
    expect(screen.getByLabelText<HTMLInputElement>(t.password).value).toBe('twelve letters');
    expect(said()).toEqual([]);
  });

  test('a suggested password is shown to be copied, long and new each time', async () => {
    await dialog();
    await user.click(button(t.suggest));
    const field = screen.getByLabelText<HTMLInputElement>(t.password);
    const first = field.value;
    expect(field.type).toBe('text');
    expect(first).toMatch(/^[a-zA-Z2-9]{5}(-[a-zA-Z2-9]{5}){3}$/);
    expect(first).not.toMatch(/[01lIO]/);
    await user.click(button(t.suggest));
    expect(field.value).not.toBe(first);
  });

  test('a typed password is not shown', async () => {
    await dialog();
    expect(screen.getByLabelText<HTMLInputElement>(t.password).type).toBe('password');
  });

  test('Cancel adds nobody', async () => {
    await dialog();
    await fill('dora', 'twelve letters');
    await user.click(button('Cancel'));
    expect(s.sent('POST /users')).toHaveLength(0);
    expect(screen.queryByLabelText(t.password)).toBeNull();
  });
});

describe('changing somebody', () => {
  test('another role is sent alone, and only when it is another', async () => {
    s.on('PATCH /users/bea', undefined);
    await open();
    choose('bea', t.changeRole);
    await screen.findByText(t.changeRoleTitle('bea'));
    expect(off(button(t.save))).toBe(true);
    await user.click(screen.getByRole('radio', { name: new RegExp(t.roles.operator), hidden: true }));
    await user.click(button(t.save));
    await waitFor(() => expect(said()).toEqual([t.changed('bea')]));
    expect(s.sent('PATCH /users/bea').map((c) => c.body)).toEqual([{ role: 'operator' }]);
  });

  test('the last administrator is kept by the server, and its words are shown where one asked', async () => {
    s.refuse('PATCH /users/bea', 409, 'This is the last administrator', { detail: 'Make another one first.' });
    await open();
    choose('bea', t.changeRole);
    await screen.findByText(t.changeRoleTitle('bea'));
    await user.click(screen.getByRole('radio', { name: new RegExp(t.roles.viewer), hidden: true }));
    await user.click(button(t.save));
    expect(await screen.findByText('This is the last administrator')).toBeTruthy();
    expect(screen.getByText('Make another one first.')).toBeTruthy();
    expect(screen.getByText(t.changeRoleTitle('bea'))).toBeTruthy();
  });

  test('a new password goes to that user alone', async () => {
    s.on('PUT /users/bea/password', undefined);
    await open();
    choose('bea', t.setPassword);
    await user.type(await screen.findByLabelText(t.password), 'correct horse');
    await user.click(button(t.save));
    await waitFor(() => expect(said()).toEqual([t.passwordSet('bea')]));
    expect(s.sent('PUT /users/bea/password').map((c) => c.body)).toEqual([{ password: 'correct horse' }]);
  });

  test('a name with signs in it is one part of the address', async () => {
    s.on('GET /users', { items: [account('eve/../bea?x=1', 'viewer')] }).on('PUT /users/*/password', undefined);
    await open();
    choose('eve', t.setPassword);
    await user.type(await screen.findByLabelText(t.password), 'correct horse');
    await user.click(button(t.save));
    await waitFor(() => expect(s.sent('PUT /users/*/password').map((c) => c.path)).toEqual(['/users/eve%2F..%2Fbea%3Fx%3D1/password']));
  });

  test('to disable is asked, to enable is done', async () => {
    s.on('PATCH /users/*', undefined);
    await open();
    choose('bea', t.disable);
    await waitFor(() => expect(confirmations.current).toMatchObject({ tier: 1, danger: true, title: t.disableTitle('bea') }));
    expect(s.sent('PATCH /users/*')).toHaveLength(0);
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(said()).toEqual([t.changed('bea')]));
    choose('carl', t.enable);
    await waitFor(() => expect(s.sent('PATCH /users/*').map((c) => [c.path, c.body])).toEqual([
      ['/users/bea', { disabled: true }],
      ['/users/carl', { disabled: false }],
    ]));
  });

  test('a refusal to disable is told', async () => {
    s.refuse('PATCH /users/bea', 409, 'This is the last administrator');
    await open();
    choose('bea', t.disable);
    await waitFor(() => expect(confirmations.current).not.toBeNull());
    confirmations.current?.answer({ reason: '', choice: '' });
    await waitFor(() => expect(toasts.list[0]).toMatchObject({ tone: 'bad', text: 'This is the last administrator' }));
  });
});

describe('deleting somebody', () => {
  const impact = { dry_run: true, sentence: 'bea has 2 sessions.', facts: [{ label: 'Locks', value: '1', danger: true }], blockers: [] };
  const dries = (): (string | null)[] => s.sent('POST /users/bea/delete').map((c) => c.query.get('dry_run'));

  test('wants the name typed, tells what goes, and is sent with name and reason', async () => {
    s.on('POST /users/bea/delete', impact);
    await open();
    choose('bea', t.remove);
    await waitFor(() => expect(confirmations.current).toMatchObject({ tier: 2, typed: 'bea' }));
    expect((await confirmations.current?.preview?.(''))?.facts[0]?.value).toBe('1');
    expect(dries()).toEqual(['true']);
    confirmations.current?.answer({ reason: 'left us', choice: '' });
    await waitFor(() => expect(said()).toEqual([t.removed('bea')]));
    expect(dries()).toEqual(['true', 'false']);
    expect(s.sent('POST /users/bea/delete')[1]?.body).toEqual({ confirm: 'bea', reason: 'left us' });
  });

  test('Cancel deletes nobody', async () => {
    s.on('POST /users/bea/delete', impact);
    await open();
    choose('bea', t.remove);
    await waitFor(() => expect(confirmations.current).not.toBeNull());
    confirmations.current?.answer(null);
    await Promise.resolve();
    expect(dries().filter((d) => d === 'false')).toEqual([]);
  });

  test('who must give the password again and gives up has deleted nobody', async () => {
    s.on('POST /users/bea/delete', (c: Call) => (c.query.get('dry_run') === 'true' ? impact : refusal(403, 'The password again', { code: 'sudo' })));
    const { session } = await import('../../api/session.svelte');
    await open();
    choose('bea', t.remove);
    await waitFor(() => expect(confirmations.current).not.toBeNull());
    confirmations.current?.answer({ reason: 'x', choice: '' });
    await waitFor(() => expect(session.askingPassword).toBe(true));
    session.sudoDone(false);
    await waitFor(() => expect(toasts.list[0]).toMatchObject({ tone: 'bad', text: 'The password again' }));
    expect(said()).not.toContain(t.removed('bea'));
  });
});

describe('where this admin is open', () => {
  const all = [opened('s1', 'admin', { current: true }), opened('s2', 'admin'), opened('s3', 'admin', { agent: 'curl/8.5.0' }), opened('s4', 'bea', { agent: '' })];
  const ended = (): string[] => s.sent('DELETE /sessions/*').map((c) => c.path.split('/').at(-1) as string);
  beforeEach(() => void s.on('GET /sessions', { items: all }));

  test('each with its browser; this one cannot be ended by mistake', async () => {
    await open({ tab: 'sessions' });
    expect(row('Firefox on Linux')).toBeTruthy();
    expect(row('curl')).toBeTruthy();
    expect(row('bea').textContent).toContain(t.unknownDevice);
    const here = rows().find((r) => r.textContent.includes(t.current)) as HTMLElement;
    expect(here.querySelector('button')).toBeNull();
  });

  test('one is ended by its id', async () => {
    s.on('DELETE /sessions/*', undefined);
    await open({ tab: 'sessions' });
    await user.click(row('bea').querySelector('button') as HTMLElement);
    await waitFor(() => expect(said()).toEqual([t.ended]));
    expect(ended()).toEqual(['s4']);
  });

  test('pressed twice it is ended once', async () => {
    s.on('DELETE /sessions/*', undefined);
    const free = s.hold('DELETE /sessions/*');
    await open({ tab: 'sessions' });
    await user.dblClick(row('bea').querySelector('button') as HTMLElement);
    free();
    await waitFor(() => expect(said()).toEqual([t.ended]));
    expect(ended()).toEqual(['s4']);
  });

  test('“all my other ones” are mine, without this one', async () => {
    s.on('DELETE /sessions/*', undefined);
    await open({ tab: 'sessions' });
    await user.click(button(t.endOthers));
    await waitFor(() => expect(said()).toEqual([t.endedOthers(2)]));
    expect(ended()).toEqual(['s2', 's3']);
  });

  test('one that had ended by itself does not keep the others open', async () => {
    s.on('DELETE /sessions/*', (c: Call) => (c.path.endsWith('s2') ? refusal(404, 'There is no such session', { code: 'not_found' }) : undefined));
    await open({ tab: 'sessions' });
    await user.click(button(t.endOthers));
    await waitFor(() => expect(said()).toEqual([t.endedOthers(2)]));
    expect(ended()).toEqual(['s2', 's3']);
  });

  test('one that cannot be ended does not keep the others open, and it is said', async () => {
    s.on('DELETE /sessions/*', (c: Call) => (c.path.endsWith('s2') ? refusal(503, 'Not now') : undefined));
    await open({ tab: 'sessions' });
    await user.click(button(t.endOthers));
    await waitFor(() => expect(toasts.list.some((x) => x.tone === 'bad' && x.text === 'Not now')).toBe(true));
    expect(ended()).toEqual(['s2', 's3']);
    expect(said()).not.toContain(t.endedOthers(2));
  });

  test('without others there is no button for them', async () => {
    s.on('GET /sessions', { items: [all[0]] });
    await open({ tab: 'sessions' });
    expect(screen.queryByText(t.endOthers)).toBeNull();
  });
});

describe('my account', () => {
  const change = async (old: string, next: string, again = next): Promise<void> => {
    await user.type(screen.getByLabelText(t.oldPassword), old);
    await user.type(screen.getByLabelText(t.newPassword), next);
    await user.type(screen.getByLabelText(t.repeat), again);
    await user.click(button(t.changePassword));
  };

  test('a new password is sent with the old one, and the fields are empty again', async () => {
    s.on('PUT /me/password', undefined);
    await open({ tab: 'account' });
    await change('old secret', 'a new long secret');
    await waitFor(() => expect(said()).toEqual([t.passwordChanged]));
    expect(s.sent('PUT /me/password').map((c) => c.body)).toEqual([{ old: 'old secret', new: 'a new long secret' }]);
    for (const label of [t.oldPassword, t.newPassword, t.repeat]) expect(screen.getByLabelText<HTMLInputElement>(label).value).toBe('');
  });

  test('two that differ are not sent', async () => {
    await open({ tab: 'account' });
    await change('old secret', 'a new long secret', 'another long secret');
    expect(screen.getByText(t.differs)).toBeTruthy();
    expect(s.sent('PUT /me/password')).toHaveLength(0);
  });

  test('a short one is not sent', async () => {
    await open({ tab: 'account' });
    await change('old secret', 'short');
    expect(screen.getByText(t.passwordShort)).toBeTruthy();
    expect(s.sent('PUT /me/password')).toHaveLength(0);
  });

  test('a wrong old one is told, and the new one need not be typed again', async () => {
    s.refuse('PUT /me/password', 403, 'The present password is not right', { code: 'forbidden' });
    await open({ tab: 'account' });
    await change('wrong', 'a new long secret');
    expect(await screen.findByText('The present password is not right')).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>(t.newPassword).value).toBe('a new long secret');
    expect(said()).toEqual([]);
  });

  test('a page that is not encrypted warns of typing a password', async () => {
    signIn('reader', { encrypted: false });
    await open({ tab: 'account' });
    expect(screen.getByText(t.notEncryptedDetail)).toBeTruthy();
  });
});

describe('the roles', () => {
  test('each act with who may, and what asks for the password again', async () => {
    await open({ tab: 'roles' });
    const line = (act: string): string[] => {
      const tr = [...document.querySelectorAll('tbody tr')].find((r) => r.textContent.includes(act)) as HTMLElement;
      return [...tr.querySelectorAll('td .sr')].map((x) => x.textContent);
    };
    const yes = t.allowed;
    const no = t.notAllowed;
    expect(line(t.acts.state)).toEqual([yes, yes, yes, yes, yes]);
    expect(line(t.acts.read)).toEqual([no, yes, yes, yes, yes]);
    expect(line(t.acts.write)).toEqual([no, no, yes, yes, yes]);
    expect(line(t.acts.nodes)).toEqual([no, no, no, yes, yes]);
    expect(line(t.acts.destroy)).toEqual([no, no, no, no, yes]);
    const asks = [...document.querySelectorAll('tbody tr')].filter((r) => r.textContent.includes(t.again)).map((r) => r.querySelector('th')?.firstChild?.textContent?.trim());
    expect(asks).toContain(t.acts.destroy);
    expect(asks).not.toContain(t.acts.state);
  });

  test('my own is marked', async () => {
    signIn('operator');
    await open({ tab: 'roles' });
    expect(document.querySelector('.mine')?.textContent).toContain(t.roles.operator);
  });
});

test('the pages are in the address', async () => {
  await open();
  await user.click(button(t.pages.roles));
  expect(win.params).toEqual({ tab: 'roles' });
  await waitFor(() => expect(screen.getByText(t.rolesIntro)).toBeTruthy());
});

test('in German', async () => {
  await speak('de');
  try {
    for (const tab of ['users', 'roles', 'account']) await open({ tab });
    expect(document.body.textContent).toContain(t.rolesIntro);
    expect(document.body.textContent).not.toMatch(/undefined|\[object|Signed in|May sign in|Each role/);
  } finally {
    await speak('en');
  }
});
