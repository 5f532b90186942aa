// What several windows read: one entry in the cache each, kept fresh by the live stream.
import { api, client, type Schemas } from '../api/client';
import { withAllFigures, withRepairs } from '../api/liveChanges';
import { query, type Query } from '../api/query.svelte';
import { merge } from './nodes';

export type Health = Schemas['Health'];
export type NodeList = Schemas['NodeList'];
export type Repairs = Schemas['Repairs'];
export type TaskList = Schemas['TaskList'];
export type Volume = Schemas['Volume'];

// most bounds the list of nodes that a page holds.
const most = 10_000;

export function healthQuery(): Query<Health> {
  return query(() => 'health', (signal) => api(client.GET('/health', { signal })), {
    topics: ['health'],
    merge: (_, __, message) => message as Health,
  });
}

async function everyNode(signal: AbortSignal): Promise<NodeList> {
  let cursor: string | undefined;
  let list: NodeList | null = null;
  do {
    const page: NodeList = await api(client.GET('/nodes', { params: { query: { limit: 1000, cursor } }, signal }));
    list = list ? { ...page, items: [...list.items, ...page.items] } : page;
    cursor = page.next_cursor;
  } while (cursor && list.items.length < most);
  return list;
}

// nodesQuery reads all nodes, while enabled says that they are wanted.
export function nodesQuery(enabled: () => boolean = () => true): Query<NodeList> {
  return query(() => (enabled() ? 'nodes' : ''), everyNode, {
    topics: ['nodes'],
    merge: (old, _, message) => {
      const change = message as Schemas['NodeChanges'];
      const items = withAllFigures(merge(old.items, change.changed, change.removed), change.figures);
      return items && { ...old, items, total: items.length, as_of: new Date().toISOString(), stale: false };
    },
  });
}

export function repairsQuery(): Query<Repairs> {
  return query(() => 'replication', (signal) => api(client.GET('/replication', { signal })), {
    topics: ['repairs'],
    merge: (old, _, message) => withRepairs(old, message as Schemas['RepairChanges']),
  });
}

export function tasksQuery(): Query<TaskList> {
  return query(() => 'tasks', (signal) => api(client.GET('/tasks', { signal })), {
    topics: ['tasks'],
    merge: (_, __, message) => message as TaskList,
  });
}
