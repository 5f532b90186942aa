// One confirmation for several nodes: the dry run of each, its blockers with its name.
import { api, client, type Schemas } from '../../api/client';
import { problemOf } from '../../api/problem';
import { invalidate } from '../../api/query.svelte';
import { count } from '../../i18n/format';
import { minutes } from '../../model/acts';
import type { Node } from '../../model/nodes';
import { w } from '../../model/strings';
import { confirm, type Preview } from '../../ui/confirm.svelte';
import { toast } from '../../ui/toast.svelte';
import { t } from './strings';

type Impact = Schemas['Impact'];

// bulkMost bounds what one confirmation can show and a person can judge.
export const bulkMost = 20;

// combined makes one preview of many. What each does alone is all that the
// server judges, and the sentence says so.
export function combined(nodes: readonly Pick<Node, 'name'>[], impacts: readonly Impact[]): Preview {
  const blockers = impacts.flatMap((im, i) => im.blockers.map((b) => `${nodes[i]?.name}: ${b}`));
  const facts = impacts.map((im, i) => ({
    label: nodes[i]?.name ?? '',
    value: im.sentence,
    danger: im.facts.some((f) => f.danger),
  }));
  return { sentence: t.together, facts, blockers };
}

async function each(nodes: readonly Node[], run: (n: Node) => Promise<unknown>): Promise<boolean> {
  let done = 0;
  let failed = '';
  for (const n of nodes) {
    try {
      await run(n);
      done++;
    } catch (cause) {
      failed ||= `${n.name}: ${problemOf(cause).message}`;
    }
  }
  toast(t.bulkDone(count(done), count(nodes.length)), { tone: failed ? 'bad' : 'ok', detail: failed });
  for (const key of ['health', 'nodes', 'node:', 'replication', 'tasks']) invalidate(key);
  return !failed;
}

const at = (n: Node, dry: boolean) => ({ path: { id: n.id }, query: { dry_run: dry } });

export async function bulkDrain(nodes: readonly Node[]): Promise<boolean> {
  const drain = (n: Node, dry: boolean, reason = '') =>
    api(client.POST('/nodes/{id}/drain', { params: at(n, dry), body: { reason } }));
  const answer = await confirm({
    tier: 1,
    title: t.bulkDrain(count(nodes.length)),
    body: w.act.drainBody,
    verb: t.bulkDrain(count(nodes.length)),
    preview: async () => combined(nodes, await Promise.all(nodes.map((n) => drain(n, true)))),
  });
  return answer ? each(nodes, (n) => drain(n, false, answer.reason)) : false;
}

export async function bulkMaintain(nodes: readonly Node[]): Promise<boolean> {
  const maintain = (n: Node, dry: boolean, seconds: string, reason = '') =>
    api(client.POST('/nodes/{id}/maintenance', { params: at(n, dry), body: { seconds: Number(seconds), reason } }));
  const answer = await confirm({
    tier: 1,
    title: t.bulkMaintain(count(nodes.length)),
    body: w.act.maintainBody,
    verb: w.act.maintainVerb,
    choice: { label: w.act.howLong, options: [15, 60, 120, 240, 480].map(minutes), value: '3600' },
    preview: async (choice) => combined(nodes, await Promise.all(nodes.map((n) => maintain(n, true, choice)))),
  });
  return answer ? each(nodes, (n) => maintain(n, false, answer.choice, answer.reason)) : false;
}
