// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { windowFor, windows } from '../../desk/desk.svelte';
import { Win, type Params } from '../../desk/windows.svelte';
import { speak } from '../../i18n/index.svelte';
import { button, hands, off, refusal, screenOf, server, signIn, type Call, type Server } from '../../testing';
import { toasts } from '../../ui/toast.svelte';
import type { Schemas } from '../../api/client';
import App from './App.svelte';
import { t } from './strings';
import type { Setting } from './values';

type Sent = { changes: { name: string; value: string }[]; reason?: string };
const setting = (name: string, more: Partial<Setting>): Setting => ({ name, group: 'replication', title: name, description: `About ${name}.`, kind: 'integer', value: '2', default: '2', ...more });

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;
let items: Setting[];
let etag: string;
let history: Schemas['SettingChange'][];

beforeEach(() => {
  screenOf(1100, 700);
  s = server();
  user = hands();
  signIn('admin');
  toasts.list = [];
  etag = '"7"';
  items = [
    setting('copies', { min: '1', max: '3', unit: 'copies' }),
    setting('grace', { kind: 'seconds', value: '1800', default: '600', min: '60', max: '86400', changed_by: 'bea', changed_at: '2026-01-02T03:04:05Z' }),
    setting('read_only', { kind: 'boolean', value: 'false', default: 'false' }),
    setting('speed', { group: 'repair', kind: 'bytes', value: '67108864', default: '0', min: '1048576', max: '1099511627776', unit: 'bytes_per_second' }),
    setting('down_after', { group: 'limits', value: '15000', default: '0', min: '3000', max: '3600000', unit: 'milliseconds' }),
    setting('name', { group: 'general', kind: 'text', value: 'attic', default: '', read_only: true, restart: true }),
  ];
  history = [{ id: 'h1', time: '2026-01-02T03:04:05Z', user: 'bea', changes: [{ name: 'grace', old: '600', new: '1800' }] }];
  s.on('GET /settings', () => ({ etag, items }))
    .on('GET /settings/history', () => history)
    .on('PATCH /settings', (c: Call) => {
      if (c.headers.get('If-Match') !== etag) return refusal(412, 'Somebody changed settings', { code: 'changed' });
      const { changes } = c.body as Sent;
      return {
        dry_run: c.query.get('dry_run') === 'true',
        changes: changes.map((x) => ({ name: x.name, old: items.find((i) => i.name === x.name)?.value ?? '', new: x.value })),
        warnings: changes.some((x) => x.name === 'copies' && x.value === '1') ? ['With one copy, a lost disk is lost data.'] : [],
        etag,
      };
    });
});
afterEach(() => void (windows.list = []));

async function open(params: Params = {}): Promise<void> {
  win = new Win('w1', 'settings', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[aria-busy=true]')).toBeNull());
}

const field = (name: string): HTMLInputElement => screen.getByLabelText<HTMLInputElement>(name);
const sent = (dry: boolean): Call[] => s.sent('PATCH /settings').filter((c) => (c.query.get('dry_run') === 'true') === dry);
const cells = (): string[][] => [...document.querySelectorAll('dialog tbody tr')].map((r) => [...r.children].map((c) => c.textContent));

async function write(name: string, text: string): Promise<void> {
  await user.clear(field(name));
  if (text) await user.type(field(name), text);
}
async function review(): Promise<void> {
  await user.click(button(t.review));
  await waitFor(() => expect(document.querySelector('dialog table')).toBeTruthy());
}

describe('the settings', () => {
  test('in their groups, with their values as people write them', async () => {
    await open();
    expect(field('copies').value).toBe('2');
    expect(field('grace').value).toBe('30 min');
    await user.click(button(t.pages.repair));
    expect(field('speed').value).toBe('64 MiB/s');
    await user.click(button(t.pages.limits));
    expect(field('down_after').value).toBe('15 s');
    expect(win.params).toEqual({ page: 'limits' });
  });

  test('each tells its default, its range and who changed it', async () => {
    await open();
    const grace = field('grace').closest('section')?.textContent ?? '';
    expect(grace).toContain(t.default('10 min'));
    expect(grace).toContain(t.range('1 min', '1 d'));
    expect(grace).toContain(t.changedBy('bea'));
    expect(field('read_only').closest('section')?.textContent).toContain(t.isDefault);
  });

  test('one that is set elsewhere is shown and cannot be changed here', async () => {
    await open({ page: 'general' });
    expect(field('name').disabled).toBe(true);
    expect(screen.getByText(t.readOnly)).toBeTruthy();
    expect(screen.getByText(t.restart)).toBeTruthy();
  });

  test.each(['viewer', 'operator'] as const)('a %s sees them and changes none', async (role) => {
    signIn(role);
    await open();
    for (const name of ['copies', 'grace', 'read_only']) expect(field(name).disabled).toBe(true);
    expect(screen.queryByRole('button', { name: t.resetOf('grace') })).toBeNull();
  });

  test('finding looks at names and descriptions of all pages', async () => {
    await open();
    await user.type(screen.getByLabelText(t.search), 'about SPE');
    expect(field('speed')).toBeTruthy();
    expect(screen.queryByLabelText('copies')).toBeNull();
    await user.type(screen.getByLabelText(t.search), 'zz');
    expect(screen.getByText(t.nothingFound)).toBeTruthy();
  });

  test('a fault names the request, and is tried again', async () => {
    s.refuse('GET /settings', 503, 'The nameserver does not answer');
    await open();
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
    s.on('GET /settings', () => ({ etag, items }));
    await user.click(button('Try again'));
    await waitFor(() => expect(field('copies')).toBeTruthy());
  });
});

describe('what is typed', () => {
  test.each([
    ['soon', t.faults.time],
    ['10 s', t.faults.range],
    ['2 d', t.faults.range],
    ['', t.faults.time],
  ])('a time of "%s" is refused at its field', async (text, why) => {
    await open();
    await write('grace', text);
    expect(screen.getByRole('alert').textContent).toBe(why);
    expect(field('grace').getAttribute('aria-invalid')).toBe('true');
    expect(screen.getByText(t.pendingFaults(1))).toBeTruthy();
    expect(off(button(t.review))).toBe(true);
  });

  test.each([
    ['1 KiB/s', t.faults.range],
    ['fast', t.faults.size],
    ['2 TiB/s', t.faults.range],
  ])('a speed of "%s" is refused at its field', async (text, why) => {
    await open({ page: 'repair' });
    await write('speed', text);
    expect(screen.getByRole('alert').textContent).toBe(why);
  });

  test('both ends of a range are in it', async () => {
    await open();
    await write('grace', '60');
    expect(screen.queryByRole('alert')).toBeNull();
    await write('grace', '24 h');
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.getByText(t.pending(1))).toBeTruthy();
  });

  test('the same value in other words is no change', async () => {
    await open();
    await write('grace', '1800 s');
    expect(screen.queryByText(t.pending(1))).toBeNull();
    await write('grace', '0,5 h');
    expect(screen.queryByText(t.pending(1))).toBeNull();
  });

  test('a field at fault keeps the others from being applied by half', async () => {
    await open();
    await user.selectOptions(field('copies'), '3');
    await write('grace', 'soon');
    await user.click(button(t.review));
    expect(document.querySelector('dialog')).toBeNull();
    expect(s.sent('PATCH /settings')).toHaveLength(0);
  });

  test('the arrow sets the default, and Discard forgets all', async () => {
    await open();
    await user.click(button(t.resetOf('grace')));
    expect(field('grace').value).toBe('10 min');
    await user.selectOptions(field('copies'), '3');
    expect(screen.getByText(t.pending(2))).toBeTruthy();
    await user.click(button(t.discard));
    expect([field('grace').value, field('copies').value]).toEqual(['30 min', '2']);
    expect(screen.queryByText(t.pending(2))).toBeNull();
  });

  test('what was typed stays while one looks at another page', async () => {
    await open();
    await write('grace', '20 min');
    await user.click(button(t.pages.repair));
    await user.click(button(t.pages.replication));
    expect(field('grace').value).toBe('20 min');
  });
});

describe('applying', () => {
  test('shows what will be, by the server’s own dry run, with its warnings', async () => {
    await open();
    await user.selectOptions(field('copies'), '1');
    await write('grace', '20 min');
    await review();
    expect(cells()).toEqual([
      ['copies', '2', '1'],
      ['grace', '30 min', '20 min'],
    ]);
    expect(screen.getByText('With one copy, a lost disk is lost data.')).toBeTruthy();
    expect(sent(true)[0]?.headers.get('If-Match')).toBe('"7"');
    expect(sent(false)).toHaveLength(0);
  });

  test('sends all at once, with the version that was seen and the reason', async () => {
    await open();
    await user.selectOptions(field('copies'), '3');
    await user.selectOptions(field('read_only'), 'true');
    await review();
    await user.type(screen.getByLabelText(t.reason), ' more room ');
    items = items.map((x) => (x.name === 'copies' ? { ...x, value: '3' } : x.name === 'read_only' ? { ...x, value: 'true' } : x));
    await user.click(button(t.apply));
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([t.applied]));
    expect(sent(false)).toHaveLength(1);
    expect(sent(false)[0]?.headers.get('If-Match')).toBe('"7"');
    expect(sent(false)[0]?.body).toEqual({ changes: [{ name: 'copies', value: '3' }, { name: 'read_only', value: 'true' }], reason: 'more room' });
    await waitFor(() => expect(field('copies').value).toBe('3'));
    expect(document.querySelector('dialog')).toBeNull();
    expect(document.querySelector('footer [role=status]')).toBeNull();
  });

  test('pressed twice applies once', async () => {
    await open();
    await user.selectOptions(field('copies'), '3');
    await review();
    const free = s.hold('PATCH /settings');
    await user.dblClick(button(t.apply));
    free();
    await waitFor(() => expect(toasts.list).toHaveLength(1));
    expect(sent(false)).toHaveLength(1);
  });

  test('what somebody else changed meanwhile is read again and shown before it is applied', async () => {
    await open();
    await user.selectOptions(field('copies'), '3');
    await review();
    etag = '"8"';
    items = items.map((x) => (x.name === 'copies' ? { ...x, value: '1' } : x));
    await user.click(button(t.apply));
    expect(await screen.findByText(t.outdated)).toBeTruthy();
    await waitFor(() => expect(cells()).toEqual([['copies', '1', '3']]));
    expect(toasts.list).toEqual([]);
    await user.click(button(t.apply));
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([t.applied]));
    expect(sent(false).map((c) => c.headers.get('If-Match'))).toEqual(['"7"', '"8"']);
  });

  test('changed already when the review opens: it is read again at once', async () => {
    await open();
    await user.selectOptions(field('copies'), '3');
    etag = '"8"';
    await review();
    expect(screen.getByText(t.outdated)).toBeTruthy();
    expect(cells()).toEqual([['copies', '2', '3']]);
  });

  test('when it cannot be read again, that is said instead of waiting for ever', async () => {
    await open();
    await user.selectOptions(field('copies'), '3');
    etag = '"8"';
    s.refuse('GET /settings', 503, 'The nameserver does not answer');
    await user.click(button(t.review));
    await waitFor(() => expect(document.querySelector('dialog [role=alert]')?.textContent).toContain('The nameserver does not answer'));
  });

  test('a refusal of the whole is told in the review', async () => {
    s.on('PATCH /settings', (c: Call) => (c.query.get('dry_run') === 'true' ? { dry_run: true, changes: [], warnings: [], etag } : refusal(400, 'Too few servers', { detail: 'There are 2.' })));
    await open();
    await user.selectOptions(field('copies'), '3');
    await review();
    await user.click(button(t.apply));
    expect(await screen.findByText('Too few servers')).toBeTruthy();
    expect(field('copies').value).toBe('3');
  });

  test('a dry run that is refused leaves nothing to apply', async () => {
    s.refuse('PATCH /settings', 400, 'This is outside of the range');
    await open();
    await user.selectOptions(field('copies'), '3');
    await user.click(button(t.review));
    expect(await screen.findByText('This is outside of the range')).toBeTruthy();
    expect(off(button(t.apply))).toBe(true);
  });

  test('Cancel applies nothing and keeps what was typed', async () => {
    await open();
    await user.selectOptions(field('copies'), '3');
    await review();
    await user.click(button('Cancel'));
    expect(sent(false)).toHaveLength(0);
    expect(field('copies').value).toBe('3');
  });
});

describe('what was changed before', () => {
  test('by whom, from what to what, in words of today', async () => {
    await open({ page: 'history' });
    const entry = await waitFor(() => document.querySelector('ol li') as HTMLElement);
    expect(entry.textContent).toContain('bea');
    expect(entry.querySelector('del')?.textContent).toBe('10 min');
    expect(entry.querySelector('ul strong')?.textContent).toBe('30 min');
  });

  test('going back is reviewed like any change', async () => {
    await open({ page: 'history' });
    await user.click((await screen.findAllByText(t.goBack))[0] as HTMLElement);
    await waitFor(() => expect(cells()).toEqual([['grace', '30 min', '10 min']]));
    expect(sent(false)).toHaveLength(0);
    await user.click(button(t.apply));
    await waitFor(() => expect(sent(false)[0]?.body).toEqual({ changes: [{ name: 'grace', value: '600' }] }));
  });

  test('what is as it was before needs no going back', async () => {
    items = items.map((x) => (x.name === 'grace' ? { ...x, value: '600' } : x));
    await open({ page: 'history' });
    await user.click((await screen.findAllByText(t.goBack))[0] as HTMLElement);
    await waitFor(() => expect(toasts.list.map((x) => x.text)).toEqual([t.already]));
    expect(s.sent('PATCH /settings')).toHaveLength(0);
  });

  test('a setting that no longer exists cannot go back', async () => {
    history = [{ id: 'h2', time: '2026-01-01T00:00:00Z', user: 'bea', changes: [{ name: 'gone', old: '1', new: '2' }] }];
    await open({ page: 'history' });
    const back = (await screen.findByText(t.goBack)).closest('button') as HTMLElement;
    expect([off(back), back.title]).toEqual([true, t.unknown]);
    expect(screen.getByText(/gone/)).toBeTruthy();
  });

  test('only administrators go back', async () => {
    signIn('operator');
    await open({ page: 'history' });
    const back = (await screen.findByText(t.goBack)).closest('button') as HTMLElement;
    expect([off(back), back.title]).toEqual([true, t.onlyAdmin]);
  });

  test('nothing was changed yet', async () => {
    history = [];
    await open({ page: 'history' });
    expect(await screen.findByText(t.noHistory)).toBeTruthy();
  });
});

describe('certificates', () => {
  const day = 86_400_000;
  const until = (days: number): string => new Date(Date.now() + days * day).toISOString();
  const rows = (): string[] => [...document.querySelectorAll<HTMLElement>('[data-i]')].map((r) => r.textContent);

  test('the one that ends first stands first, and says what it is', async () => {
    s.on('GET /certificates', [
      { node: 'n1', name: 'loft-1', expires: until(80), renews: until(50) },
      { node: 'n2', name: 'loft-2', expires: until(-1), renews: until(-31) },
      { node: 'n3', name: 'loft-3', expires: until(20), renews: until(-10) },
    ]);
    await open({ page: 'certificates' });
    await waitFor(() => expect(rows()).toHaveLength(3));
    expect(rows().map((r) => [/loft-\d/.exec(r)?.[0], [t.certOk, t.certSoon, t.certOver].find((w) => r.includes(w))])).toEqual([
      ['loft-2', t.certOver],
      ['loft-3', t.certSoon],
      ['loft-1', t.certOk],
    ]);
  });

  test('a certificate leads to its machine', async () => {
    s.on('GET /certificates', [{ node: 'n1', name: 'loft-1', expires: until(80), renews: until(50) }]);
    await open({ page: 'certificates' });
    await waitFor(() => expect(rows()).toHaveLength(1));
    await user.dblClick(document.querySelector('[data-i]') as HTMLElement);
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n1' } });
  });

  test('none yet', async () => {
    s.on('GET /certificates', []);
    await open({ page: 'certificates' });
    expect(await screen.findByText(t.noCertificates)).toBeTruthy();
  });
});

test('in German, with German decimals', async () => {
  await speak('de');
  try {
    await open();
    expect(document.body.textContent).not.toMatch(/undefined|\[object|Default|Changed by/);
    await write('Gelöschtes aufbewahren', '0,5 h');
    expect(screen.queryByRole('alert')).toBeNull();
  } finally {
    await speak('en');
  }
});
