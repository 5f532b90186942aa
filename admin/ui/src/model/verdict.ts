// The tone of verdicts, checks and events. The words stand in the dictionary,
// the sentences in src/said.
import type { Schemas } from '../api/client';
import type { Tone } from '../ui/tone';

export type Report = Schemas['Report'];
export type Verdict = Report['verdict'];
export type Check = Schemas['Check'];
export type Severity = Check['severity'];
export type Action = Schemas['Action'];

export const verdictTones: Record<Verdict, Tone> = {
  protected: 'ok',
  repairing: 'busy',
  at_risk: 'bad',
  unavailable: 'bad',
  read_only: 'warn',
  metadata_at_risk: 'warn',
  unknown: 'none',
};

export const severityTones: Record<Severity, Tone> = { critical: 'bad', warning: 'warn', info: 'none' };

// isMuted says whether a check is silenced now.
export function isMuted(c: Check, now: number): boolean {
  return !!c.muted_until && Date.parse(c.muted_until) > now;
}

// destructive operations are never the quick answer: they stand inside their check.
const destructive: readonly string[] = ['removeNode', 'deleteUser', 'deleteEntries'];

// looking opens something and changes nothing: it comes after what helps.
const looking = (op: string): boolean => /^(list|get)/.test(op);

// doNow picks the first few different actions of the checks that speak, which
// the server orders by severity: first what does something, then where to look.
export function doNow(checks: readonly Check[], now: number, most = 3): { action: Action; check: Check }[] {
  const found = new Map<string, { action: Action; check: Check }>();
  for (const check of checks) {
    if (check.severity === 'info' || isMuted(check, now)) continue;
    for (const action of check.actions) {
      const key = `${action.op} ${action.target ?? ''}`;
      if (!found.has(key) && !destructive.includes(action.op)) found.set(key, { action, check });
    }
  }
  const all = [...found.values()];
  return [...all.filter((x) => !looking(x.action.op)), ...all.filter((x) => looking(x.action.op))].slice(0, most);
}
