// What can be done with a node on the map, and in the list beside it.
import MapPin from '@lucide/svelte/icons/map-pin';
import PanelRight from '@lucide/svelte/icons/panel-right';
import { go } from '../../model/go';
import type { Node } from '../../model/nodes';
import { t as parts } from '../../parts/strings';
import { askZone, denied } from '../../parts/zoning.svelte';
import type { MenuItem } from '../../ui/menu.svelte';
import { t } from './strings';

export const open = (n: Node): void => go('nodes', { id: n.id });

export function menu(n: Node | undefined, all: readonly Node[]): MenuItem[] {
  if (!n) return [];
  return [
    { label: t.open, icon: PanelRight, keys: 'Enter', run: () => open(n) },
    { label: parts.zoneMove, icon: MapPin, disabled: denied(), run: () => askZone(n, all) },
  ];
}
