// perform does what a check proposes: an operation of the API with its target.
import { client, api, type Schemas } from '../api/client';
import type { Role } from '../api/session.svelte';
import { problemOf } from '../api/problem';
import { toast } from '../ui/toast.svelte';
import * as acts from './acts';
import { go } from './go';

export type Action = Schemas['Action'];

// roles that the operations ask for (x-role in the API); absent: everybody may look.
const roles: Record<string, Role> = {
  drainNode: 'operator',
  activateNode: 'operator',
  maintainNode: 'operator',
  removeNode: 'admin',
  createToken: 'admin',
  pauseRepair: 'operator',
  resumeRepair: 'operator',
  limitRepair: 'operator',
  prioritiseVolume: 'operator',
  muteCheck: 'operator',
};

export const roleFor = (op: string): Role | null => roles[op] ?? null;

async function who(id: string): Promise<acts.Who> {
  const node = await api(client.GET('/nodes/{id}', { params: { path: { id } } }));
  return { id: node.id, name: node.name };
}

const table: Record<string, (target: string) => unknown> = {
  drainNode: async (id) => acts.drain(await who(id)),
  activateNode: async (id) => acts.activate(await who(id)),
  maintainNode: async (id) => acts.maintain(await who(id)),
  removeNode: async (id) => acts.remove(await who(id)),
  safeToStop: (id) => go('nodes', { id, tab: 'stop' }),
  getNode: (id) => go('nodes', { id }),
  listNodes: () => go('nodes'),
  createToken: () => go('nodes', { add: '1' }),
  pauseRepair: () => acts.pauseRepair(),
  resumeRepair: () => acts.resumeRepair(),
  limitRepair: () => go('replication'),
  getReplication: () => go('replication'),
  prioritiseVolume: (id) => acts.prioritise(id),
  getVolume: (id) => go('replication', { volume: id }),
  listVolumes: () => go('replication', { tab: 'volumes' }),
  listEvents: (id) => go('activity', { tab: 'events', ...(id && { text: id }) }),
  listAudit: () => go('activity', { tab: 'audit' }),
  listTasks: () => go('activity', { tab: 'tasks' }),
  listSettings: () => go('settings'),
  changeSettings: () => go('settings'),
  listEntries: (path) => go('files', path ? { path } : {}),
  listCertificates: () => go('settings', { tab: 'certificates' }),
  listSessions: () => go('users', { tab: 'sessions' }),
  listUsers: () => go('users'),
  getConnect: () => go('connect'),
};

// knows says whether the desktop can do it; what it cannot is shown as a command.
export const knows = (op: string): boolean => op in table;

export async function perform(action: Action): Promise<void> {
  try {
    await table[action.op]?.(action.target ?? '');
  } catch (cause) {
    const p = problemOf(cause); // the machine that it is about could not be read
    toast(p.title, { tone: 'bad', detail: p.detail });
  }
}
