// Zones, racks and nodes as a tree, and what a tile shows. Pure.
import { byZone, failedDisks, stateOf, type Node, type NodeState } from '../../model/nodes';

export type Rack = { name: string; nodes: Node[] };
export type Place = { name: string; racks: Rack[]; nodes: number; bad: number };

// placeOf splits a zone at its first slash: row-07/rack-01 is a zone and a rack.
export function placeOf(zone: string): { zone: string; rack: string } {
  const cut = zone.indexOf('/');
  return cut < 0 ? { zone, rack: '' } : { zone: zone.slice(0, cut), rack: zone.slice(cut + 1) };
}

const alarming: readonly NodeState[] = ['down', 'suspect'];

// nameOf is the inverse of placeOf.
export function nameOf(zone: string, rack: string): string {
  return rack ? `${zone}/${rack}` : zone;
}

// needsLook: down, suspect, or with a failed disk.
export function needsLook(n: Node): boolean {
  return alarming.includes(stateOf(n)) || failedDisks(n) > 0;
}

// places groups nodes by zone and rack, in order of name.
export function places(nodes: readonly Node[]): Place[] {
  const out = new Map<string, Place>();
  for (const group of byZone(nodes)) {
    const at = placeOf(group.name);
    let place = out.get(at.zone);
    if (!place) out.set(at.zone, (place = { name: at.zone, racks: [], nodes: 0, bad: 0 }));
    place.racks.push({ name: at.rack, nodes: group.nodes });
    place.nodes += group.nodes.length;
    place.bad += group.nodes.filter(needsLook).length;
  }
  return [...out.values()];
}

// targetOf reads what somebody wants to see the copies of.
export function targetOf(text: string): { volume: string } | { path: string } | null {
  const word = text.trim();
  if (word.startsWith('/')) return { path: word };
  return /^v?\d{1,19}$/i.test(word) ? { volume: word.toLowerCase().startsWith('v') ? word.toLowerCase() : `v${word}` } : null;
}

type Box = { x: number; y: number };

// step finds the tile that an arrow key means: the nearest one in its direction.
export function step(key: string, from: number, at: readonly Box[]): number {
  const here = at[from];
  if (!here) return from;
  const away: Record<string, (b: Box) => [number, number]> = {
    ArrowRight: (b) => [b.x - here.x, b.y - here.y],
    ArrowLeft: (b) => [here.x - b.x, b.y - here.y],
    ArrowDown: (b) => [b.y - here.y, b.x - here.x],
    ArrowUp: (b) => [here.y - b.y, b.x - here.x],
  };
  const along = away[key];
  if (!along) return key === 'Home' ? 0 : key === 'End' ? at.length - 1 : from;
  let best = from;
  let least = Infinity;
  at.forEach((b, i) => {
    const [ahead, aside] = along(b);
    const cost = ahead + Math.abs(aside) * 3;
    if (ahead > 1 && cost < least) [best, least] = [i, cost];
  });
  return best;
}
