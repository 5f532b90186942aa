// What can be done with nodes: the same in the row's menu and on the node's page.
import HeartPulse from '@lucide/svelte/icons/heart-pulse';
import LogOut from '@lucide/svelte/icons/log-out';
import MapPin from '@lucide/svelte/icons/map-pin';
import PanelRight from '@lucide/svelte/icons/panel-right';
import Play from '@lucide/svelte/icons/play';
import Trash from '@lucide/svelte/icons/trash-2';
import Wrench from '@lucide/svelte/icons/wrench';
import { session } from '../../api/session.svelte';
import * as acts from '../../model/acts';
import { go } from '../../model/go';
import type { Node } from '../../model/nodes';
import { w } from '../../model/strings';
import { t as parts } from '../../parts/strings';
import { askZone } from '../../parts/zoning.svelte';
import type { MenuItem } from '../../ui/menu.svelte';
import { bulkDrain, bulkMaintain, cannot } from './bulk';
import { t } from './strings';

// actsOf is the menu of one node, without what its state rules out; all are the
// nodes whose zones are offered.
export function actsOf(n: Node, all: readonly Node[] = [n]): MenuItem[] {
  const operator = session.can('operator') ? false : w.act.needs(w.role.operator);
  const admin = session.can('admin') ? false : w.act.needs(w.role.admin);
  const items: MenuItem[] = [];
  if (n.state === 'removed') return items;
  if (n.state === 'draining' || n.state === 'maintenance') {
    items.push({ label: t.activate, icon: Play, disabled: operator, run: () => void acts.activate(n) });
  }
  if (n.state !== 'maintenance') items.push({ label: t.maintain, icon: Wrench, disabled: operator, run: () => void acts.maintain(n) });
  if (n.storage && n.state !== 'draining') items.push({ label: t.drain, icon: LogOut, disabled: operator, run: () => void acts.drain(n) });
  items.push({ label: parts.zoneMove, icon: MapPin, disabled: operator, run: () => askZone(n, all) });
  items.push('separator', { label: t.remove, icon: Trash, danger: true, disabled: admin, run: () => void acts.remove(n) });
  return items;
}

// several is what can be done with more than one at once.
function several(nodes: readonly Node[]): MenuItem[] {
  const denied = cannot(nodes);
  return [
    { label: t.drain, icon: LogOut, disabled: denied, run: () => void bulkDrain(nodes) },
    { label: t.maintain, icon: Wrench, disabled: denied, run: () => void bulkMaintain(nodes) },
  ];
}

// menu is the grid's: one node's acts, or those of several that are chosen.
export function menu(nodes: readonly Node[], open: (n: Node) => void, all: readonly Node[] = nodes): MenuItem[] {
  const [n] = nodes;
  if (!n) return [];
  if (nodes.length > 1) return several(nodes);
  return [
    { label: t.open, icon: PanelRight, run: () => open(n), keys: 'Enter' },
    { label: t.stop, icon: HeartPulse, run: () => go('nodes', { id: n.id, tab: 'stop' }) },
    'separator',
    ...actsOf(n, all),
  ];
}
