// Where the copies of a volume or of a file are.
import { api, client, type Schemas } from '../../api/client';
import { query, type Query } from '../../api/query.svelte';

export type Copies = { replicas: Schemas['Replica'][]; file: boolean; complete: boolean };

async function ofVolume(id: string, signal: AbortSignal): Promise<Copies> {
  const v = await api(client.GET('/volumes/{id}', { params: { path: { id } }, signal }));
  return { replicas: v.replicas, file: false, complete: true };
}

// blocksMost bounds how much of a large file is looked at.
const blocksMost = 1000;

async function ofFile(path: string, signal: AbortSignal): Promise<Copies> {
  const list = await api(client.GET('/fs/blocks', { params: { query: { path, limit: blocksMost } }, signal }));
  const found = new Map<string, Schemas['Replica']>();
  for (const b of list.items) for (const r of b.replicas) found.set(r.node, r);
  return { replicas: [...found.values()], file: true, complete: !list.next_cursor };
}

export function copiesQuery(volume: () => string, path: () => string): Query<Copies> {
  return query(
    () => (volume() ? `volumes/copies/${volume()}` : path() ? `fs/copies/${path()}` : ''),
    (signal) => (volume() ? ofVolume(volume(), signal) : ofFile(path(), signal)),
    { every: 10_000 },
  );
}
