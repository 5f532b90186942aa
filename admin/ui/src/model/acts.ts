// What can be done to the cluster, by the API's operation ids: each act asks as
// its danger demands, does it, and says what came of it. Overview, Nodes,
// Replication and the launcher share them.
import { api, client, type Schemas } from '../api/client';
import { problemOf } from '../api/problem';
import { invalidate } from '../api/query.svelte';
import { rate, span } from '../i18n/format';
import { said } from '../said/render';
import { confirm } from '../ui/confirm.svelte';
import { toast } from '../ui/toast.svelte';
import type { Preset } from './repair';
import { presets } from './repair';
import { w } from './strings';

type Impact = Schemas['Impact'];
// Who is what an act is done to: its id, and its name for people.
export type Who = { id: string; name: string };

// attempt does something, says what came of it, and has the screen read again.
async function attempt(run: () => Promise<unknown>, said: string | ((answer: unknown) => string), undo?: () => Promise<unknown>): Promise<boolean> {
  try {
    const answer = await run();
    toast(typeof said === 'string' ? said : said(answer), undo && { action: { label: w.act.undo, run: () => void undo() } });
    return true;
  } catch (cause) {
    const p = problemOf(cause);
    toast(p.title || w.act.failed, { tone: 'bad', detail: p.detail });
    return false;
  } finally {
    for (const key of ['health', 'nodes', 'node:', 'replication', 'volumes', 'tasks']) invalidate(key);
  }
}

const sentence = (answer: unknown): string => said((answer as Impact).sentence, (answer as Impact).sentence_phrase) || w.act.done;
const path = (id: string) => ({ path: { id } });
const dry = (id: string) => ({ path: { id }, query: { dry_run: true } });

export const minutes = (n: number): { value: string; label: string } => ({ value: String(n * 60), label: span(n * 60) });

export async function drain(node: Who): Promise<boolean> {
  const answer = await confirm({
    tier: 1,
    title: w.act.drain(node.name),
    body: w.act.drainBody,
    verb: w.act.drain(node.name),
    preview: () => api(client.POST('/nodes/{id}/drain', { params: dry(node.id) })),
  });
  if (!answer) return false;
  return attempt(() => api(client.POST('/nodes/{id}/drain', { params: path(node.id), body: { reason: answer.reason } })), sentence);
}

// activate ends a drain or a maintenance; it can be undone, so it is not asked.
export async function activate(node: Who): Promise<boolean> {
  return attempt(() => api(client.POST('/nodes/{id}/activate', { params: path(node.id), body: {} })), w.act.activated(node.name));
}

export async function maintain(node: Who): Promise<boolean> {
  const body = (choice: string, reason = '') => ({ seconds: Number(choice), reason });
  const answer = await confirm({
    tier: 1,
    title: w.act.maintain(node.name),
    body: w.act.maintainBody,
    verb: w.act.maintainVerb,
    choice: { label: w.act.howLong, options: [15, 60, 120, 240, 480].map(minutes), value: '3600' },
    preview: (choice) =>
      api(client.POST('/nodes/{id}/maintenance', { params: dry(node.id), body: body(choice) })),
  });
  if (!answer) return false;
  return attempt(
    () => api(client.POST('/nodes/{id}/maintenance', { params: path(node.id), body: body(answer.choice, answer.reason) })),
    sentence,
  );
}

// remove strikes a node off: its name is typed, the reason is kept, and the server
// asks for the password again.
export async function remove(node: Who): Promise<boolean> {
  const answer = await confirm({
    tier: 2,
    title: w.act.remove(node.name),
    body: w.act.removeBody,
    verb: w.act.remove(node.name),
    typed: node.name,
    preview: () =>
      api(client.POST('/nodes/{id}/remove', { params: dry(node.id), body: { confirm: node.name } })),
  });
  if (!answer) return false;
  return attempt(
    () => api(client.POST('/nodes/{id}/remove', { params: path(node.id), body: { confirm: node.name, reason: answer.reason } })),
    sentence,
  );
}

export async function pauseRepair(): Promise<boolean> {
  const answer = await confirm({
    tier: 1,
    title: w.act.pause,
    body: w.act.pauseBody,
    verb: w.act.pause,
    choice: { label: w.act.howLong, options: [15, 30, 60, 240].map(minutes), value: '1800' },
    preview: (choice) =>
      api(client.POST('/replication/pause', { params: { query: { dry_run: true } }, body: { seconds: Number(choice) } })),
  });
  if (!answer) return false;
  const body = { seconds: Number(answer.choice), reason: answer.reason };
  return attempt(() => api(client.POST('/replication/pause', { body })), sentence);
}

export async function resumeRepair(): Promise<boolean> {
  return attempt(() => api(client.POST('/replication/resume')), w.act.resumed);
}

export const limitText = (bytes: number): string => (bytes === 0 ? w.noLimit : w.perServer(rate(bytes)));

export async function limitRepair(preset: Preset): Promise<boolean> {
  const bytes = presets[preset];
  const title = w.act.limit(w.preset[preset]);
  const answer = await confirm({
    tier: 1,
    title,
    body: `${limitText(bytes)}. ${w.act.limitBody}`,
    verb: title,
    preview: () =>
      api(client.PUT('/replication/limit', { params: { query: { dry_run: true } }, body: { bytes_per_second: bytes } })),
  });
  if (!answer) return false;
  return attempt(() => api(client.PUT('/replication/limit', { body: { bytes_per_second: bytes, reason: answer.reason } })), sentence);
}

export async function prioritise(volume: string): Promise<boolean> {
  return attempt(() => api(client.POST('/volumes/{id}/prioritise', { params: path(volume) })), w.act.prioritised(volume));
}

export async function mute(code: string, seconds: number): Promise<boolean> {
  const params = { path: { code } };
  return attempt(() => api(client.PUT('/health/checks/{code}/mute', { params, body: { seconds } })), w.act.muted(span(seconds)), () => unmute(code));
}

export async function unmute(code: string): Promise<boolean> {
  return attempt(() => api(client.DELETE('/health/checks/{code}/mute', { params: { path: { code } } })), w.act.unmuted);
}
