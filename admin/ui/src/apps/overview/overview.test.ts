// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import type { Schemas } from '../../api/client';
import { live } from '../../api/live.svelte';
import { windowFor, windows } from '../../desk/desk.svelte';
import { Win, type Params } from '../../desk/windows.svelte';
import { speak } from '../../i18n/index.svelte';
import { w } from '../../model/strings';
import { button, hands, off, screenOf, server, signIn, type Server } from '../../testing';
import { confirmations } from '../../ui/confirm.svelte';
import { toasts } from '../../ui/toast.svelte';
import App from './App.svelte';
import { t } from './strings';

type Report = Schemas['Report'];
type Check = Schemas['Check'];
const GiB = 2 ** 30;
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
const check = (code: string, more: Partial<Check> = {}): Check => ({
  code, severity: 'critical', title: `Title of ${code}`, meaning: `Meaning of ${code}`, doing: 'Doing.', remedy: 'Remedy.', since: ago(600), affected: [], count: 0, bytes: 0, actions: [], ...more,
});
const repair = (more: Partial<Report['repair']>): Report['repair'] => ({ ...cluster.report().repair, ...more });

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;

beforeEach(() => {
  screenOf(1000, 900);
  s = server().on('GET /metrics/query', { step_seconds: 10, times: [], columns: [] });
  user = hands();
  signIn('operator');
  toasts.list = [];
  confirmations.current = null;
});
afterEach(() => void (windows.list = []));

async function open(report: Partial<Report> | Report, health: Partial<Schemas['Health']> = {}, params: Params = {}): Promise<string> {
  const r = cluster.report(report);
  s.on('GET /health', { ...cluster.health(r), ...health });
  win = new Win('w1', 'overview', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('.overview [aria-busy=true]')).toBeNull());
  return text();
}
const text = (): string => document.body.textContent.replace(/\s+/g, ' ');
const card = (label: string): HTMLElement => [...document.querySelectorAll<HTMLElement>('.fact')].find((f) => f.querySelector('h3')?.textContent.includes(label)) as HTMLElement;
const big = (label: string): string => card(label).querySelector('.big')?.textContent.trim() ?? '';

describe('the verdict', () => {
  test.each(['protected', 'repairing', 'at_risk', 'unavailable', 'read_only', 'metadata_at_risk', 'unknown'] as const)('%s is said in a word and in the server’s sentence', async (verdict) => {
    const said = await open({ verdict, sentence: 'The sentence of the server.' });
    expect(document.querySelector('.verdict h2')?.textContent).toBe(w.verdict[verdict]);
    expect(said).toContain('The sentence of the server.');
  });

  test.each([
    ['at_risk', 'bad'],
    ['unavailable', 'bad'],
    ['protected', 'ok'],
    ['repairing', 'busy'],
  ] as const)('%s looks %s', async (verdict, tone) => {
    await open({ verdict });
    expect(document.querySelector('.verdict')?.classList.contains(tone)).toBe(true);
  });

  test.each([
    ['nothing to do', {}, null],
    ['how much, how fast and how long', { running: 4, bytes_left: 290 * GiB, bytes_per_second: 410 * 2 ** 20, eta_min_seconds: 660, eta_max_seconds: 1140 }, '290 GiB to copy, at 410 MiB/s · 11–19 min left'],
    ['that it is not known yet how long', { running: 4, bytes_left: GiB, bytes_per_second: 5 }, t.calculating],
    ['why it stands still', { bytes_left: GiB, stalled: 'no server has room' }, t.stalled('no server has room')],
    ['that many failed at once', { bytes_left: GiB, paused: true, paused_by: 'brake' }, t.braked],
    ['that it is paused', { bytes_left: GiB, paused: true, paused_by: 'bea' }, t.pausedOpen],
  ])('repair says %s', async (_, change, want) => {
    await open({ repair: repair(change) });
    const line = document.querySelector('.verdict .line')?.textContent.trim() ?? null;
    if (want === null) expect(line).toBeNull();
    else expect(line).toContain(want);
  });

  test('a pause that ends tomorrow tells the hour', async () => {
    const until = new Date(Date.now() + 86_400_000);
    await open({ repair: repair({ bytes_left: 1, paused: true, paused_until: until.toISOString() }) });
    expect(document.querySelector('.verdict .line')?.textContent).toMatch(/\d\d:\d\d/);
  });

  test('when nothing is known any more, the last that was known is told', async () => {
    expect(await open({ verdict: 'unknown' }, { stale: true, last_verdict: 'protected' })).toContain(t.blind(w.verdict.protected));
  });

  test('a new one comes over the live stream', async () => {
    await open({});
    live.start();
    await vi.waitFor(() => expect(live.state).toBe('live'));
    s.say('health', cluster.health(cluster.verdicts.at_risk()));
    await waitFor(() => expect(document.querySelector('.verdict h2')?.textContent).toBe(w.verdict.at_risk));
    expect(s.sent('GET /health')).toHaveLength(1);
  });

  test('data that is old says so', async () => {
    await open({}, { as_of: ago(300) });
    expect(text()).toContain('Data from');
  });

  test('a fault names the request, and is tried again', async () => {
    s.refuse('GET /health', 503, 'The nameserver does not answer');
    win = new Win('w1', 'overview', null);
    render(App, { win: windowFor(win) });
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
    s.on('GET /health', cluster.health(cluster.report()));
    await user.click(button('Try again'));
    await waitFor(() => expect(document.querySelector('.verdict')).toBeTruthy());
  });
});

describe('a new cluster', () => {
  const none = { nodes: { up: 0, suspect: 0, down: 0, unknown: 0, draining: 0, maintenance: 0, missing: [] }, volumes: { volumes: 0, bytes: 0 } };

  test('says what to do first, to who may', async () => {
    signIn('admin');
    expect(await open(none)).toContain(t.emptyDetail);
    await user.click(button(t.addMachine));
    expect(windows.top).toMatchObject({ app: 'nodes', params: { add: '1' } });
  });

  test('tells others who may', async () => {
    await open(none);
    expect([off(button(t.addMachine)), button(t.addMachine).title]).toEqual([true, w.act.needs(w.role.admin)]);
  });

  test('a cluster that cannot be seen is not taken for a new one', async () => {
    expect(await open({ ...none, verdict: 'unknown' }, { stale: true })).not.toContain(t.emptyDetail);
  });
});

describe('the facts', () => {
  test('how many copies, how many servers, how full, who leads', async () => {
    await open({ nodes: { up: 3, suspect: 1, down: 2, unknown: 0, draining: 1, maintenance: 0 }, capacity_bytes: 1000 * GiB, used_bytes: 421 * GiB, free_bytes: 579 * GiB, days_to_full: 12.9, nameservers: 3, nameservers_healthy: 3 });
    expect(card(t.copies).textContent).toContain('1,204');
    expect(big(t.nodes)).toBe(t.nodesUp('3', '6'));
    expect(card(t.nodes).textContent).toContain(t.down('2'));
    expect(card(t.nodes).textContent).toContain(t.suspect('1'));
    expect(card(t.nodes).textContent).toContain(t.draining('1'));
    expect(card(t.nodes).textContent).not.toContain(t.maintenance('0'));
    expect(big(t.capacity)).toBe('42% full');
    expect(card(t.capacity).textContent).toContain(t.full('12'));
    expect(big(t.metadata)).toBe(t.voters('3', '3'));
    expect(card(t.metadata).textContent).toContain(t.leader('loft-1'));
  });

  test.each([
    [0, t.loseNone, 'bad'],
    [1, t.loseSome('1'), 'ok'],
    [-1, t.loseUnknown, 'none'],
  ])('can lose %s more', async (can_lose, want, tone) => {
    await open({ can_lose });
    expect(big(t.lose)).toContain(want);
    expect(card(t.lose).querySelector(`.${tone}`)).toBeTruthy();
  });

  test('with nothing stored nothing is promised', async () => {
    await open({ can_lose: 0, volumes: { volumes: 0, bytes: 0 }, copies: [] });
    expect(big(t.lose)).toBe(t.copiesNone);
    expect(card(t.lose).textContent).toContain(t.loseEmptyHint);
  });

  test('data that cannot be read stands before what is well', async () => {
    await open({ copies: [{ live: 2, target: 2, volumes: 90, bytes: GiB }, { live: 0, target: 2, volumes: 12, bytes: 4 * GiB }, { live: 1, target: 2, volumes: 3, bytes: GiB }] });
    const lines = [...card(t.copies).querySelectorAll('li')].map((l) => l.querySelector('.name')?.textContent);
    expect(lines).toEqual([w.safety.lost, w.safety.single, w.safety.whole]);
    expect(card(t.copies).textContent).toContain(w.volumes(12, '12'));
  });

  test.each([
    [0.4, t.fullSoon],
    [null, t.notFilling],
  ])('with %s days to full it says so', async (days, want) => {
    await open({ days_to_full: days as number });
    expect(card(t.capacity).textContent).toContain(want);
  });

  test('a cluster without room is full, not unknown', async () => {
    await open({ capacity_bytes: 0, used_bytes: 0, free_bytes: 0 });
    expect(card(t.capacity).textContent).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('one that nobody leads says so, and that nothing can be written', async () => {
    await open({ nameservers: 3, nameservers_healthy: 1, nameserver: { leader: '', name: '', term: 1, applied: 1 }, read_only: true });
    expect(card(t.metadata).textContent).toContain(t.noLeader);
    expect(card(t.metadata).textContent).toContain(t.readOnly);
    expect(card(t.metadata).querySelector('.bad')).toBeTruthy();
  });

  test.each([
    [t.copies, 'replication', {}],
    [t.lose, 'topology', {}],
    [t.nodes, 'nodes', {}],
    [t.capacity, 'nodes', { sort: 'used' }],
  ])('%s leads to what is behind it', async (label, app, params) => {
    await open({});
    await user.click(card(label).querySelector('button') as HTMLElement);
    expect(windows.top).toMatchObject({ app, params });
  });
});

describe('what to do now', () => {
  const drain = { op: 'drainNode', target: 'n3', label: 'Drain loft-3' };
  const acts = (): string[] => [...document.querySelectorAll('section[aria-labelledby=overview-donow] li')].map((l) => l.textContent.trim().replace(/\s+/g, ' '));

  test('up to three acts, each with its reason; what destroys is not among them', async () => {
    await open({
      verdict: 'at_risk',
      checks: [
        check('A', { actions: [{ op: 'removeNode', target: 'n3', label: 'Remove loft-3' }, { op: 'getNode', target: 'n3', label: 'Show loft-3' }] }),
        check('B', { actions: [drain, { op: 'resumeRepair', label: 'Resume repair' }] }),
        check('C', { severity: 'info', actions: [{ op: 'listUsers', label: 'Show users' }] }),
        check('D', { actions: [drain] }),
      ],
    });
    expect(acts()).toHaveLength(3);
    expect(acts().join()).not.toMatch(/Remove/);
    expect(acts()[0]).toContain('Title of B');
    expect(acts()[2]).toContain('Title of A');
  });

  test('an act is tried, asked and done like everywhere', async () => {
    s.on('GET /nodes/n3', { ...cluster.node(3), id: 'n3', name: 'loft-3' }).on('POST /nodes/n3/drain', { dry_run: true, sentence: 'It takes 2 h.', facts: [], blockers: [] });
    await open({ verdict: 'at_risk', checks: [check('A', { actions: [drain] })] });
    await user.click(document.querySelector('section[aria-labelledby=overview-donow] button') as HTMLElement);
    await waitFor(() => expect(confirmations.current).toMatchObject({ tier: 1, title: w.act.drain('loft-3') }));
    await confirmations.current?.preview?.('');
    confirmations.current?.answer({ reason: 'old', choice: '' });
    await waitFor(() => expect(s.sent('POST /nodes/n3/drain').map((c) => [c.query.get('dry_run'), c.body])).toEqual([['true', undefined], [null, { reason: 'old' }]]));
  });

  test('pressed twice it asks once', async () => {
    s.on('GET /nodes/n3', cluster.node(3));
    const free = s.hold('GET /nodes/n3');
    await open({ verdict: 'at_risk', checks: [check('A', { actions: [drain] })] });
    await user.dblClick(document.querySelector('section[aria-labelledby=overview-donow] button') as HTMLElement);
    free();
    await waitFor(() => expect(confirmations.current).not.toBeNull());
    expect(s.sent('GET /nodes/n3')).toHaveLength(1);
    confirmations.current?.answer(null);
  });

  test('a machine that cannot be read is said, instead of doing nothing', async () => {
    s.refuse('GET /nodes/n3', 404, 'There is no such node');
    await open({ verdict: 'at_risk', checks: [check('A', { actions: [drain] })] });
    const b = document.querySelector('section[aria-labelledby=overview-donow] button') as HTMLElement;
    await user.click(b);
    await waitFor(() => expect(toasts.list.map((x) => [x.tone, x.text])).toEqual([['bad', 'There is no such node']]));
    expect(b.getAttribute('aria-busy')).toBeNull();
  });

  test('who may not is told who may', async () => {
    signIn('writer');
    await open({ verdict: 'at_risk', checks: [check('A', { actions: [drain] })] });
    const b = document.querySelector('section[aria-labelledby=overview-donow] button') as HTMLElement;
    expect([off(b), b.title]).toEqual([true, w.act.needs(w.role.operator)]);
    await user.click(b);
    expect(s.sent('GET /nodes/n3')).toHaveLength(0);
  });

  test('what the desktop cannot do is a command to copy', async () => {
    await open({ verdict: 'at_risk', checks: [check('A', { actions: [{ op: 'startNameserver', label: 'Start it', command: 'systemctl start ken' }] })] });
    expect(acts()[0]).toContain('systemctl start ken');
  });

  test('while nothing is known for sure, nothing is proposed', async () => {
    await open({ verdict: 'unknown', checks: [check('A', { actions: [drain] })] }, { stale: true });
    expect(acts()).toEqual([]);
    expect(text()).not.toContain(t.nothingToDo);
  });

  test('with nothing to do it says so, and not when something is wrong', async () => {
    expect(await open({ verdict: 'protected' })).toContain(t.nothingToDo);
  });

  test('a muted check proposes nothing', async () => {
    await open({ verdict: 'at_risk', checks: [check('A', { actions: [drain], muted_until: new Date(Date.now() + 3_600_000).toISOString() })] });
    expect(acts()).toEqual([]);
    expect(text()).not.toContain(t.nothingToDo);
  });
});

describe('the checks', () => {
  const heads = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('.check h4 button')];
  const titles = (): string[] => heads().map((h) => h.querySelector('.title')?.textContent ?? '');
  const soon = (): string => new Date(Date.now() + 3_600_000).toISOString();

  test('none is said calmly', async () => {
    expect(await open({})).toContain(t.noChecks);
  });

  test('those that are muted stand last and are counted apart', async () => {
    const said = await open({ checks: [check('A', { muted_until: soon() }), check('B'), check('C')] });
    expect(titles()).toEqual(['Title of B', 'Title of C', 'Title of A']);
    expect(said).toContain(`2 · ${t.mutedCount('1')}`);
  });

  test('one whose mute is over speaks again', async () => {
    await open({ checks: [check('B'), check('A', { muted_until: ago(60) })] });
    expect(document.querySelectorAll('.check.muted')).toHaveLength(0);
  });

  test('opened it tells what it means, what is done and what one can do', async () => {
    await open({ checks: [check('A', { affected: ['loft-3', 'loft-4'], count: 214, bytes: 38.2 * GiB })] });
    expect(text()).not.toContain('Meaning of A');
    await user.click(heads()[0] as HTMLElement);
    const said = text();
    expect(said).toContain('Meaning of A');
    expect(said).toContain('38.2 GiB');
    expect(said).toContain('loft-4');
    expect(said).toContain(t.andMore('212'));
    expect(heads()[0]?.getAttribute('aria-expanded')).toBe('true');
  });

  test('the one that was asked for from elsewhere is open', async () => {
    await open({ checks: [check('A'), check('B')] }, {}, { check: 'B' });
    expect(heads().map((h) => h.getAttribute('aria-expanded'))).toEqual(['false', 'true']);
  });

  test('muting is for a time, and can be undone at once', async () => {
    s.on('PUT /health/checks/A/mute', undefined).on('DELETE /health/checks/A/mute', undefined);
    await open({ checks: [check('A')] });
    await user.click(heads()[0] as HTMLElement);
    await user.click(button(t.mute));
    await user.click(await screen.findByText(t.muteFor('8 h')));
    await waitFor(() => expect(s.sent('PUT /health/checks/A/mute').map((c) => c.body)).toEqual([{ seconds: 28_800 }]));
    await waitFor(() => expect(toasts.list).toHaveLength(1));
    toasts.list[0]?.action?.run();
    await waitFor(() => expect(s.sent('DELETE /health/checks/A/mute')).toHaveLength(1));
  });

  test('a muted one can speak again', async () => {
    s.on('DELETE /health/checks/A/mute', undefined);
    await open({ checks: [check('A', { muted_until: soon() })] });
    await user.click(heads()[0] as HTMLElement);
    await user.click(button(t.unmute));
    await waitFor(() => expect(s.sent('DELETE /health/checks/A/mute')).toHaveLength(1));
  });

  test('a refusal to mute is told', async () => {
    s.refuse('PUT /health/checks/A/mute', 409, 'This one cannot be muted');
    await open({ checks: [check('A')] });
    await user.click(heads()[0] as HTMLElement);
    await user.click(button(t.mute));
    await user.click(await screen.findByText(t.muteFor('1 h')));
    await waitFor(() => expect(toasts.list.map((x) => [x.tone, x.text])).toEqual([['bad', 'This one cannot be muted']]));
  });

  test('who may not mute is told who may', async () => {
    signIn('reader');
    await open({ checks: [check('A')] });
    await user.click(heads()[0] as HTMLElement);
    expect([off(button(t.mute)), button(t.mute).title]).toEqual([true, w.act.needs(w.role.operator)]);
  });

  test('what destroys stands inside its check, for who may', async () => {
    await open({ checks: [check('A', { actions: [{ op: 'removeNode', target: 'n3', name: 'loft-3', label: 'Remove loft-3' }] })] });
    await user.click(heads()[0] as HTMLElement);
    const b = [...document.querySelectorAll<HTMLElement>('.check .acts button')].find((x) => /Remove/.test(x.textContent)) as HTMLElement;
    expect([off(b), b.title]).toEqual([true, w.act.needs(w.role.admin)]);
  });
});

describe('the last hour', () => {
  const column = (series: string, values: (number | null)[]) => ({ series, node: '', values });
  const chart = (name: string): string => [...document.querySelectorAll('.chart')].find((c) => c.textContent.includes(name))?.querySelector('.figure')?.textContent ?? '';

  test('each figure is the newest that there is, in its unit', async () => {
    s.on('GET /metrics/query', { step_seconds: 10, times: [1, 2, 3], columns: [column('read_bytes', [1, 2 * 2 ** 20, null]), column('write_bytes', [0, 0, 0]), column('latency_p99', [3, 8.44, 12.5])] });
    await open({});
    await waitFor(() => expect(chart(t.reading)).toBe('2 MiB/s'));
    expect(chart(t.writing)).toBe('0 B/s');
    expect(chart(t.latency)).toBe('12.5 ms');
    expect(chart(t.repairing)).toBe(t.noFigure);
    expect(s.sent('GET /metrics/query')[0]?.query.get('range')).toBe('1h');
  });

  test('it is not read while the window is put away', async () => {
    s.on('GET /health', cluster.health(cluster.report()));
    win = new Win('w1', 'overview', null);
    win.min = true;
    render(App, { win: windowFor(win) });
    await waitFor(() => expect(document.querySelector('.verdict')).toBeTruthy());
    expect(s.sent('GET /metrics/query')).toHaveLength(0);
  });

  test('when it cannot be read, the verdict stands all the same', async () => {
    s.refuse('GET /metrics/query', 503, 'No history');
    await open({});
    expect(await screen.findByText('No history')).toBeTruthy();
    expect(document.querySelector('.verdict')).toBeTruthy();
  });
});

test('in German', async () => {
  await speak('de');
  try {
    await open(cluster.verdicts.protected());
    expect(text()).not.toMatch(/undefined|\[object|Do now|Storage servers|Can lose|healthy/);
  } finally {
    await speak('en');
  }
});
