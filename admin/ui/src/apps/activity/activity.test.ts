import { expect, test, vi } from 'vitest';
import type { Schemas } from '../../api/client';
import { actsOf, label, placeOf } from './acts';
import { auditColumns, eta, outcomeOf, outcomeTone, progress, taskColumns, type Task } from './columns';
import { filterOf, isFiltered, matches, paramsOf, sinceOf } from './filter';

// The desk needs a page.
vi.mock('../../model/go', () => ({ go: () => undefined }));

const event: Schemas['Event'] = { id: '1', time: '2026-01-01T00:00:00Z', severity: 'warning', code: 'NODE_DOWN', node: 'n7', subject: 'dn-07', text: 'is down' };

test('the address is a filter, and a filter an address', () => {
  const f = filterOf({ text: 'dn', severity: 'critical', range: '24h', junk: 'x' });
  expect(f).toEqual({ text: 'dn', severity: 'critical', range: '24h', node: '' });
  expect(paramsOf('events', f)).toEqual({ tab: 'events', text: 'dn', severity: 'critical', range: '24h' });
  expect(paramsOf('events', filterOf({ severity: 'bogus' }))).toEqual({ tab: 'events' });
  expect(isFiltered(filterOf({}))).toBe(false);
  expect(isFiltered(f)).toBe(true);
});

test('a range begins on a whole minute', () => {
  const now = Date.parse('2026-01-02T10:00:42Z');
  expect(sinceOf('1h', now)).toBe('2026-01-02T09:00:00.000Z');
  expect(sinceOf('all', now)).toBeUndefined();
});

test('a live event is filtered as the server would', () => {
  const all = filterOf({});
  expect(matches(event, all)).toBe(true);
  expect(matches(event, { ...all, severity: 'critical' })).toBe(false);
  expect(matches({ ...event, severity: 'critical' }, { ...all, severity: 'warning' })).toBe(true);
  expect(matches(event, { ...all, text: ' DN-07 ' })).toBe(true);
  expect(matches(event, { ...all, text: 'disk' })).toBe(false);
  expect(matches(event, { ...all, node: 'n8' })).toBe(false);
});

const task: Task = { id: 'r', kind: 'repair', title: 'Repair', state: 'running', done: 1 << 30, total: 2 << 29, unit: 'bytes' };

test('a task says how far it is, in its unit', () => {
  expect(progress(task)).toBe('1 GiB of 1 GiB');
  expect(progress({ ...task, unit: 'volumes', done: 3, total: 1200 })).toBe('3 of 1,200 volumes');
  expect(progress({ ...task, unit: 'none' })).toBe('');
  expect(progress({ ...task, total: 0 })).toBe('');
  expect(eta(task)).toBe('–');
  expect(eta({ ...task, eta_min_seconds: 660, eta_max_seconds: 1140 })).toBe('11–19 min');
});

test('columns have a text for records that hold little', () => {
  const bare = { id: '1', time: '2026-01-01T00:00:00Z', user: 'anna', origin: 'admin', action: 'drainNode', outcome: 'denied' };
  for (const c of auditColumns()) expect(typeof c.text(bare), c.id).toBe('string');
  expect(auditColumns()[0]?.text(bare)).toBe('drainNode');
  expect(outcomeTone(bare)).toBe('warn');
  expect(outcomeOf({ ...bare, outcome: 'unknown' })).toBe('unknown');
  expect(outcomeTone({ ...bare, outcome: 'unknown' })).toBe('warn');
  expect(outcomeOf({ ...bare, outcome: 'precondition failed' })).toBe('changed meanwhile');
  expect(outcomeOf({ ...bare, outcome: 'something new' })).toBe('something new');
  expect(outcomeTone({ ...bare, outcome: 'ok' })).toBe('ok');
  for (const c of taskColumns()) expect(typeof c.text({ ...task, unit: 'none' }), c.id).toBe('string');
});

test('a task can be ended or held, as its kind allows', () => {
  const ops = (kind: Task['kind'], state: Task['state'], target = 'n5', paused = false) => actsOf({ kind, state, target }, paused).map((a) => a.op);
  expect(ops('drain', 'running')).toEqual(['activateNode']);
  expect(ops('drain', 'done')).toEqual(['removeNode', 'activateNode']);
  expect(ops('drain', 'running', '')).toEqual([]);
  expect(ops('maintenance', 'running')).toEqual(['activateNode']);
  expect(ops('repair', 'running')).toEqual(['pauseRepair', 'limitRepair']);
  expect(ops('repair', 'waiting', '', true)).toEqual(['resumeRepair', 'limitRepair']);
  expect(ops('scrub', 'running')).toEqual([]);
  expect(label({ op: 'activateNode', target: 'n5' }, { kind: 'maintenance' })).toBe('End the maintenance');
  expect(label({ op: 'pauseRepair', target: '' }, { kind: 'repair' })).toBe('Pause repair…');
});

test('a task is shown whole where it belongs', () => {
  expect(placeOf({ kind: 'repair' })?.app).toBe('replication');
  expect(placeOf({ kind: 'drain', target: 'n5' })).toEqual({ app: 'nodes', params: { id: 'n5' } });
  expect(placeOf({ kind: 'drain' })).toBeNull();
  expect(placeOf({ kind: 'upload', target: 'x' })).toBeNull();
});
