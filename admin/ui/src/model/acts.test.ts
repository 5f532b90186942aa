// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from 'vitest';
import * as cluster from '../../e2e/fixture/cluster';
import { operations } from '../api/roles';
import { windows } from '../desk/desk.svelte';
import { server, signIn, type Server } from '../testing';
import { confirmations } from '../ui/confirm.svelte';
import { toasts } from '../ui/toast.svelte';
import * as acts from './acts';
import { perform, roleFor } from './perform';
import { presets } from './repair';
import { w } from './strings';

let s: Server;
const impact = { sentence: 'loft-1 is being drained.', facts: [], blockers: [] };
const node = { id: 'n1', name: 'loft-1' };
const question = () => confirmations.current!;

beforeEach(() => {
  s = server().on('GET /nodes/*', cluster.node(1));
  for (const call of ['POST /nodes/*/drain', 'POST /nodes/*/maintenance', 'POST /nodes/*/remove', 'POST /replication/pause', 'PUT /replication/limit']) s.on(call, impact);
  for (const call of ['POST /nodes/*/activate', 'POST /replication/resume', 'POST /volumes/*/prioritise', 'PUT /health/checks/*/mute', 'DELETE /health/checks/*/mute']) s.on(call, undefined);
  signIn('admin');
  toasts.list = [];
  confirmations.current?.answer(null);
  for (const x of windows.list) windows.close(x);
});

const bodies = (call: string): unknown[] => s.sent(call).filter((c) => c.query.get('dry_run') !== 'true').map((c) => c.body);
const said = (): string[] => toasts.list.map((x) => x.text);

// asked runs an act, shows its dry run and answers its question.
async function asked(act: () => Promise<boolean>, answer: { reason: string; choice: string } | null): Promise<boolean> {
  const done = act();
  await vi.waitFor(() => expect(confirmations.current).not.toBeNull());
  await question().preview?.(answer?.choice ?? '');
  question().answer(answer);
  return done;
}

test('to drain asks with a dry run first, then drains with the reason, then says what the server says', async () => {
  expect(await asked(() => acts.drain(node), { reason: 'fan', choice: '' })).toBe(true);
  expect(s.sent('POST /nodes/n1/drain').map((c) => c.query.get('dry_run'))).toEqual(['true', null]);
  expect(bodies('POST /nodes/n1/drain')).toEqual([{ reason: 'fan' }]);
  expect(said()).toEqual(['loft-1 is being drained.']);
});

test.each<[string, () => Promise<boolean>, string]>([
  ['drain', () => acts.drain(node), 'POST /nodes/n1/drain'],
  ['maintenance', () => acts.maintain(node), 'POST /nodes/n1/maintenance'],
  ['removal', () => acts.remove(node), 'POST /nodes/n1/remove'],
  ['pause', () => acts.pauseRepair(), 'POST /replication/pause'],
  ['limit', () => acts.limitRepair('gentle'), 'PUT /replication/limit'],
])('who cancels a %s has done nothing but looked', async (_, act, call) => {
  expect(await asked(act, null)).toBe(false);
  expect(bodies(call)).toEqual([]);
  expect(s.sent(call)).toHaveLength(1);
  expect(said()).toEqual([]);
});

test('maintenance lasts as long as was chosen, in the dry run and in the act', async () => {
  await asked(() => acts.maintain(node), { reason: '', choice: '7200' });
  expect(s.sent('POST /nodes/n1/maintenance').map((c) => (c.body as { seconds: number }).seconds)).toEqual([7200, 7200]);
});

test('what is offered for a length of time is what stands there at first', async () => {
  for (const act of [() => acts.maintain(node), () => acts.pauseRepair()]) {
    const done = act();
    const { options, value } = question().choice!;
    expect(options.map((o) => o.value)).toContain(value);
    question().answer(null);
    await done;
  }
});

test('to remove wants the name typed, and sends it for the server to check', async () => {
  const done = acts.remove(node);
  expect([question().tier, question().typed]).toEqual([2, 'loft-1']);
  question().answer({ reason: 'burnt', choice: '' });
  await done;
  expect(bodies('POST /nodes/n1/remove')).toEqual([{ confirm: 'loft-1', reason: 'burnt' }]);
});

test('a limit is what its preset says', async () => {
  await asked(() => acts.limitRepair('normal'), { reason: '', choice: '' });
  expect(bodies('PUT /replication/limit')).toEqual([{ bytes_per_second: presets.normal, reason: '' }]);
});

test('what can be undone is not asked about', async () => {
  expect(await acts.activate(node)).toBe(true);
  expect(await acts.resumeRepair()).toBe(true);
  expect(await acts.prioritise('v1')).toBe(true);
  expect(confirmations.current).toBeNull();
  expect(said()).toEqual([w.act.activated('loft-1'), w.act.resumed, w.act.prioritised('v1')]);
});

test('a check that was muted can be heard again by Undo', async () => {
  await acts.mute('SCRUB_LATE', 3600);
  expect(bodies('PUT /health/checks/SCRUB_LATE/mute')).toEqual([{ seconds: 3600 }]);
  toasts.list[0]!.action!.run();
  await vi.waitFor(() => expect(s.sent('DELETE /health/checks/SCRUB_LATE/mute')).toHaveLength(1));
});

test('what the server refuses is said with its reason, stays, and is no success', async () => {
  s.refuse('POST /nodes/*/activate', 409, 'The node is gone', { detail: 'It was removed.' });
  expect(await acts.activate(node)).toBe(false);
  expect(toasts.list).toMatchObject([{ tone: 'bad', text: 'The node is gone', detail: 'It was removed.' }]);
});

test('a proposed act asks by the name of the node, not by its id', async () => {
  const done = perform({ op: 'drainNode', target: 'n1', label: 'Drain loft-1' });
  await vi.waitFor(() => expect(question().title).toBe(w.act.drain('loft-1')));
  question().answer(null);
  await done;
});

test.each([
  ['getNode', 'n1', 'nodes', { id: 'n1' }],
  ['safeToStop', 'n1', 'nodes', { id: 'n1', tab: 'stop' }],
  ['getVolume', 'v1', 'replication', { volume: 'v1' }],
  ['listEvents', '', 'activity', { tab: 'events' }],
  ['listEntries', '/a', 'files', { path: '/a' }],
])('%s of %s opens %s there', async (op, target, app, params) => {
  await perform({ op, target, label: '' });
  expect([windows.top?.app, windows.top?.params]).toEqual([app, params]);
});

test('an act of a newer server that this page does not know does no harm', async () => {
  await perform({ op: 'meltNode', target: 'n1', label: 'Melt' });
  expect([windows.list.length, s.calls.length, confirmations.current]).toEqual([0, 0, null]);
});

test('an act on a node that is gone meanwhile says so', async () => {
  s.refuse('GET /nodes/*', 404, 'There is no such node');
  await perform({ op: 'drainNode', target: 'n9', label: '' });
  expect(toasts.list[0]).toMatchObject({ tone: 'bad', text: 'There is no such node' });
});

test('the roles that acts ask for are those of the server', () => {
  const server = operations as Record<string, { role: string }>;
  for (const op of ['drainNode', 'activateNode', 'maintainNode', 'removeNode', 'createToken', 'pauseRepair', 'resumeRepair', 'limitRepair', 'prioritiseVolume', 'muteCheck']) {
    if (server[op]) expect(`${op} ${roleFor(op)}`).toBe(`${op} ${server[op].role}`);
  }
  expect(Object.keys(server).length).toBeGreaterThan(20);
  expect(roleFor('getNode')).toBeNull();
});
