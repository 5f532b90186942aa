// What can be done about a task: ending it, holding it, looking at it.
import CirclePause from '@lucide/svelte/icons/circle-pause';
import Gauge from '@lucide/svelte/icons/gauge';
import PanelRight from '@lucide/svelte/icons/panel-right';
import Play from '@lucide/svelte/icons/play';
import Trash from '@lucide/svelte/icons/trash-2';
import { session } from '../../api/session.svelte';
import { go } from '../../model/go';
import { perform, roleFor } from '../../model/perform';
import { w } from '../../model/strings';
import type { MenuItem } from '../../ui/menu.svelte';
import type { Task } from './columns';
import { t } from './strings';

export type Act = { op: string; target: string };

// actsOf names the operations that end or change a task. Repair cannot be ended,
// only held; paused says whether it is.
export function actsOf(task: Pick<Task, 'kind' | 'state' | 'target'>, paused: boolean): Act[] {
  const target = task.target ?? '';
  switch (task.kind) {
    case 'repair':
      return [
        { op: paused ? 'resumeRepair' : 'pauseRepair', target: '' },
        { op: 'limitRepair', target: '' },
      ];
    case 'drain':
      if (!target) return [];
      return [...(task.state === 'done' ? [{ op: 'removeNode', target }] : []), { op: 'activateNode', target }];
    case 'maintenance':
      return target ? [{ op: 'activateNode', target }] : [];
    default:
      return [];
  }
}

// placeOf is where a task is shown whole.
export function placeOf(task: Pick<Task, 'kind' | 'target'>): { app: 'replication' | 'nodes'; params: Record<string, string> } | null {
  if (task.kind === 'repair') return { app: 'replication', params: {} };
  return task.target && (task.kind === 'drain' || task.kind === 'maintenance') ? { app: 'nodes', params: { id: task.target } } : null;
}

export function open(task: Task): void {
  const place = placeOf(task);
  if (place) go(place.app, place.params);
}

const icons = { resumeRepair: Play, pauseRepair: CirclePause, limitRepair: Gauge, activateNode: Play, removeNode: Trash };

export function label(act: Act, task: Pick<Task, 'kind'>): string {
  if (act.op === 'activateNode') return task.kind === 'drain' ? t.act.endDrain : t.act.endMaintenance;
  return t.act[act.op as 'resumeRepair' | 'pauseRepair' | 'limitRepair' | 'removeNode'];
}

// menu is that of a task's row and of its button.
export function menu(task: Task, paused: boolean): MenuItem[] {
  const acts = actsOf(task, paused).map((act): MenuItem => {
    const role = roleFor(act.op);
    return {
      label: label(act, task),
      icon: icons[act.op as keyof typeof icons],
      danger: act.op === 'removeNode',
      disabled: role && !session.can(role) ? w.act.needs(w.role[role]) : false,
      run: () => void perform({ op: act.op, target: act.target, label: '' }),
    };
  });
  if (!placeOf(task)) return acts;
  return [{ label: t.act.open, icon: PanelRight, keys: 'Enter', run: () => open(task) }, ...(acts.length ? (['separator', ...acts] as const) : [])];
}
