// Putting a node into another zone: chosen in a dialog or by dragging, told
// before what it means for the copies, and done.
import { api, client } from '../api/client';
import { problemOf } from '../api/problem';
import { invalidate } from '../api/query.svelte';
import { session } from '../api/session.svelte';
import type { Node } from '../model/nodes';
import { w } from '../model/strings';
import { confirm } from '../ui/confirm.svelte';
import { toast } from '../ui/toast.svelte';
import { t } from './strings';

// Where is what is asked of a node's zone.
export type Zoned = Pick<Node, 'id' | 'name' | 'zone' | 'zone_set' | 'machine_zone'>;

class Zoning {
  // asked is the node whose new zone is being chosen, with the zones there are.
  asked = $state.raw<{ node: Zoned; zones: readonly string[] } | null>(null);
}

export const zoning = new Zoning();

// denied says why this person may not, or false.
export const denied = (): string | false => (session.can('operator') ? false : w.act.needs(w.role.operator));

// askZone opens the dialog.
export function askZone(node: Zoned, nodes: readonly Pick<Node, 'zone'>[]): void {
  zoning.asked = { node, zones: zonesOf(nodes) };
}

// zonesOf names the zones that there are, numbers in them counted as numbers.
export function zonesOf(nodes: readonly Pick<Node, 'zone'>[]): string[] {
  return [...new Set(nodes.map((n) => n.zone))].filter(Boolean).sort(new Intl.Collator(undefined, { numeric: true }).compare);
}

// spoken says which zone a node is in, and whose word that is.
export function spoken(n: Zoned): string {
  if (!n.zone_set) return n.zone || t.zoneNone;
  return t.zoneSet(n.zone, n.machine_zone ? t.zoneSays(n.machine_zone) : t.zoneSaysNothing);
}

// takes says whether dropping a node on a zone means something: not where it is,
// and not on "no zone", unless that is what its machine says.
export function takes(n: Zoned, zone: string): boolean {
  if (zone === '') return !!n.zone_set && !n.machine_zone;
  return zone !== n.zone;
}

// moveToZone asks with the server's facts and does it; an empty zone is the one
// that the machine itself says.
export async function moveToZone(node: Zoned, zone: string): Promise<boolean> {
  const path = { id: node.id };
  const answer = await confirm({
    tier: 1,
    title: zone ? t.zoneTitle(node.name, zone) : t.zoneBackTitle(node.name),
    body: t.zoneBody,
    verb: zone ? t.zoneVerb : t.zoneBackVerb,
    preview: () => api(client.POST('/nodes/{id}/zone', { params: { path, query: { dry_run: true } }, body: { zone } })),
  });
  if (!answer) return false;
  try {
    await api(client.POST('/nodes/{id}/zone', { params: { path }, body: { zone, reason: answer.reason } }));
    toast(zone ? t.zoneDone(node.name, zone) : t.zoneBackDone(node.name));
    return true;
  } catch (cause) {
    const p = problemOf(cause);
    toast(p.title || w.act.failed, { tone: 'bad', detail: p.detail });
    return false;
  } finally {
    for (const key of ['nodes', 'node:', 'replication', 'volumes', 'health']) invalidate(key);
  }
}
