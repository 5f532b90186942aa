// One confirmation for several nodes: what the act would mean for all of them together.
import { api, client } from '../../api/client';
import { problemOf } from '../../api/problem';
import { invalidate } from '../../api/query.svelte';
import { session } from '../../api/session.svelte';
import { count } from '../../i18n/format';
import { minutes } from '../../model/acts';
import type { Node } from '../../model/nodes';
import { w } from '../../model/strings';
import { confirm, type Preview } from '../../ui/confirm.svelte';
import { toast } from '../../ui/toast.svelte';
import { t } from './strings';

// bulkMost bounds what one confirmation can show and a person can judge.
export const bulkMost = 20;

// cannot says why these cannot be acted on together, or false.
export function cannot(nodes: readonly unknown[]): string | false {
  if (!session.can('operator')) return w.act.needs(w.role.operator);
  return nodes.length > bulkMost ? t.bulkTooMany(count(bulkMost)) : false;
}

// names are those of the nodes, in order, so that nobody acts on what is not seen.
export const names = (nodes: readonly Pick<Node, 'name'>[]): string => nodes.map((n) => n.name).join(', ');

// together asks the server what an act on all of them would mean.
function together(act: 'drain' | 'maintenance', nodes: readonly Node[]): Promise<Preview> {
  return api(client.GET('/impact', { params: { query: { act, node: nodes.map((n) => n.id) } } }));
}

// result says what came of it: how many, and of each that failed why.
export function result(done: number, failed: readonly string[]): { text: string; tone: 'ok' | 'bad'; detail: string } {
  const all = done + failed.length;
  return { text: t.bulkDone(count(done), count(all)), tone: failed.length ? 'bad' : 'ok', detail: failed.slice(0, 3).join(' ') };
}

async function each(nodes: readonly Node[], run: (n: Node) => Promise<unknown>): Promise<boolean> {
  let done = 0;
  const failed: string[] = [];
  for (const n of nodes) {
    try {
      await run(n);
      done++;
    } catch (cause) {
      failed.push(`${n.name}: ${problemOf(cause).message}`);
    }
  }
  const said = result(done, failed);
  toast(said.text, { tone: said.tone, detail: said.detail });
  for (const key of ['health', 'nodes', 'node:', 'replication', 'tasks']) invalidate(key);
  return failed.length === 0;
}

const path = (n: Node) => ({ path: { id: n.id } });

export async function bulkDrain(nodes: readonly Node[]): Promise<boolean> {
  const answer = await confirm({
    tier: 1,
    title: t.bulkDrain(count(nodes.length)),
    body: `${names(nodes)}. ${t.bulkDrainBody}`,
    verb: t.bulkDrain(count(nodes.length)),
    preview: () => together('drain', nodes),
  });
  if (!answer) return false;
  return each(nodes, (n) => api(client.POST('/nodes/{id}/drain', { params: path(n), body: { reason: answer.reason } })));
}

export async function bulkMaintain(nodes: readonly Node[]): Promise<boolean> {
  const answer = await confirm({
    tier: 1,
    title: t.bulkMaintain(count(nodes.length)),
    body: `${names(nodes)}. ${t.bulkMaintainBody}`,
    verb: w.act.maintainVerb,
    choice: { label: w.act.howLong, options: [15, 60, 120, 240, 480].map(minutes), value: '3600' },
    preview: () => together('maintenance', nodes),
  });
  if (!answer) return false;
  const body = { seconds: Number(answer.choice), reason: answer.reason };
  return each(nodes, (n) => api(client.POST('/nodes/{id}/maintenance', { params: path(n), body })));
}
