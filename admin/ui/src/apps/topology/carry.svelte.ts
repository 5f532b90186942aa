// Carrying a node to another zone with a mouse or a pen. A finger scrolls: there
// the menu has the same.
import { drag } from '../../desk/drag';
import type { Node } from '../../model/nodes';
import { denied, moveToZone, takes } from '../../parts/zoning.svelte';

const edge = 48; // px from the end of the map in which it scrolls along

export class Carry {
  // carried is the node under way and where its picture is drawn, in the map.
  carried = $state.raw<{ node: Node; x: number; y: number } | null>(null);
  // over is the zone that takes it; null: none does.
  over = $state<string | null>(null);
  #dropped = false;

  // start is for the pointerdown on a node's tile.
  start(e: PointerEvent, node: Node, map: HTMLElement): void {
    this.#dropped = false;
    if (e.pointerType === 'touch' || denied() || node.state === 'removed') return;
    drag(e, () => ({
      move: (_dx, _dy, m) => this.#move(node, m, map),
      end: (cancelled) => this.#end(node, cancelled),
    }));
  }

  #move(node: Node, m: PointerEvent, map: HTMLElement): void {
    const r = map.getBoundingClientRect();
    if (m.clientY < r.top + edge) map.scrollTop -= 16;
    else if (m.clientY > r.bottom - edge) map.scrollTop += 16;
    this.carried = { node, x: m.clientX - r.left + map.scrollLeft, y: m.clientY - r.top + map.scrollTop };
    const under = document.elementFromPoint(m.clientX, m.clientY)?.closest<HTMLElement>('[data-zone]');
    const zone = under && map.contains(under) ? under.dataset.zone : undefined;
    this.over = zone !== undefined && takes(node, zone) ? zone : null;
  }

  #end(node: Node, cancelled: boolean): void {
    const to = cancelled ? null : this.over;
    this.carried = null;
    this.over = null;
    this.#dropped = true;
    if (to !== null) void moveToZone(node, to);
  }

  // opens says whether a click means the node: the one that ends a drag does not.
  opens(): boolean {
    const opens = !this.#dropped;
    this.#dropped = false;
    return opens;
  }
}
