// The columns of tasks and of the audit.
import type { Schemas } from '../../api/client';
import { ago, bytes, count, date, spanRange } from '../../i18n/format';
import { w } from '../../model/strings';
import { said } from '../../said/render';
import type { Column } from '../../ui/grid/types';
import type { Tone } from '../../ui/tone';
import { t } from './strings';

export type Task = Schemas['Task'];
export type Audit = Schemas['AuditRecord'];

export const taskTones: Record<Task['state'], Tone> = { running: 'busy', waiting: 'none', failed: 'warn', done: 'ok' };
const states: readonly Task['state'][] = ['failed', 'running', 'waiting', 'done'];

// progress is how far a task is, in its own unit; empty where it has none.
export function progress(task: Task): string {
  if (task.unit === 'none' || task.total === 0) return '';
  const of = (n: number): string => (task.unit === 'bytes' ? bytes(n) : count(n));
  return t.ofAll(of(task.done), task.unit === 'bytes' ? bytes(task.total) : w.volumes(task.total, count(task.total)));
}

// titleOf and detailOf are what the server calls a task, and what it waits for.
export const titleOf = (task: Task): string => said(task.title, task.title_phrase);
const detailOf = (task: Task): string => said(task.detail ?? '', task.detail_phrase);

export function eta(task: Task): string {
  return task.eta_max_seconds ? spanRange(task.eta_min_seconds ?? 0, task.eta_max_seconds) : t.none;
}

export function taskColumns(): Column<Task>[] {
  return [
    { id: 'title', title: t.col.title, text: titleOf, width: 170, grow: 1, sort: titleOf, phone: 'title' },
    { id: 'state', title: t.col.state, text: (x) => w.work[x.state], width: 115, sort: (x) => states.indexOf(x.state), phone: 'end' },
    { id: 'progress', title: t.col.progress, text: (x) => progress(x) || t.none, width: 190, phone: 'none' },
    { id: 'eta', title: t.col.eta, text: eta, width: 105, sort: (x) => x.eta_max_seconds ?? 0, phone: 'meta' },
    {
      id: 'since',
      title: t.col.since,
      text: (x) => (x.since ? ago(x.since) : t.none),
      width: 100,
      sort: (x) => (x.since ? Date.parse(x.since) : 0),
      phone: 'none',
    },
    { id: 'detail', title: t.col.detail, text: detailOf, width: 190, grow: 2, phone: 'meta' },
    { id: 'acts', title: t.col.acts, text: () => '', width: 96, align: 'end', phone: 'end' },
  ];
}

// outcomeOf is the word for it; what has none is shown as the server says it.
export const outcomeOf = (r: Audit): string => t.outcomes[r.outcome] ?? r.outcome;

// outcomeTone: whatever is not ok was refused or failed.
export const outcomeTone = (r: Audit): Tone => (r.outcome === 'ok' ? 'ok' : 'warn');

export function auditColumns(): Column<Audit>[] {
  return [
    { id: 'text', title: t.col.text, text: (r) => r.text || `${r.action} ${r.target ?? ''}`.trim(), width: 220, grow: 2, phone: 'title' },
    { id: 'user', title: t.col.user, text: (r) => r.user, width: 90, phone: 'meta' },
    { id: 'outcome', title: t.col.outcome, text: outcomeOf, width: 115, phone: 'end' },
    { id: 'time', title: t.col.time, text: (r) => date(r.time), width: 125, phone: 'meta' },
    { id: 'action', title: t.col.action, text: (r) => r.action, width: 120, phone: 'none' },
    { id: 'target', title: t.col.target, text: (r) => r.target ?? '', width: 125, phone: 'none' },
    { id: 'reason', title: t.col.reason, text: (r) => r.reason ?? '', width: 160, phone: 'none' },
    { id: 'origin', title: t.col.origin, text: (r) => r.origin, width: 110, phone: 'none', hidden: true },
    { id: 'remote', title: t.col.remote, text: (r) => r.remote ?? '', width: 150, phone: 'none', hidden: true },
    { id: 'request', title: t.col.request, text: (r) => r.request_id ?? '', width: 150, phone: 'none', hidden: true },
  ];
}
