// How well the copies of a volume, or of all volumes that a file is in, are spread.
import type { Schemas } from '../../api/client';
import { spread } from '../../model/volumes';
import { placeOf } from './places';

export type Group = { volume: string; target: number; replicas: readonly Schemas['Replica'][] };

export type Judged = {
  groups: number;
  nodes: number;
  // of the group that is worst off
  live: number;
  copies: number;
  lost: number; // groups that no live copy is left of
  below: number; // groups with fewer live copies than wanted
  alone: number; // groups whose live copies, two or more, are all in one place
  // the fewest places and zones that a group's live copies are in
  places: number;
  zones: number;
  racks: boolean; // a place is more than a zone
  named: boolean; // false: no zone was ever given, there is nothing to judge
  tone: 'ok' | 'warn' | 'bad';
};

// judge looks at each group by itself: two blocks in two zones, each with all of
// its copies in one, are not spread.
export function judge(groups: readonly Group[]): Judged | null {
  const [first] = groups;
  if (!first) return null;
  const out: Judged = {
    groups: groups.length,
    nodes: new Set(groups.flatMap((g) => g.replicas.map((r) => r.node))).size,
    live: Infinity,
    copies: 0,
    lost: 0,
    below: 0,
    alone: 0,
    places: Infinity,
    zones: Infinity,
    racks: false,
    named: groups.some((g) => spread(g.replicas).named),
    tone: 'ok',
  };
  for (const g of groups) {
    const s = spread(g.replicas);
    const live = g.replicas.filter((r) => r.liveness === 'up' || r.liveness === 'suspect');
    if (s.live < out.live) [out.live, out.copies] = [s.live, g.replicas.length];
    if (s.live === 0) out.lost++;
    if (s.live < g.target) out.below++;
    if (s.live > 1 && s.zones === 1) out.alone++;
    if (s.live > 0) {
      out.places = Math.min(out.places, s.zones);
      out.zones = Math.min(out.zones, new Set(live.map((r) => placeOf(r.zone ?? '').zone)).size);
    }
    out.racks ||= live.some((r) => placeOf(r.zone ?? '').rack !== '');
  }
  if (out.places === Infinity) out.places = out.zones = 0;
  out.tone = out.lost ? 'bad' : out.below || (out.named && out.alone) ? 'warn' : 'ok';
  return out;
}
