// Where the copies of a volume or of a file are.
import { api, client, type Schemas } from '../../api/client';
import { query, type Query } from '../../api/query.svelte';
import type { Group } from './judge';

export type Copies = { groups: Group[]; file: boolean; complete: boolean };

async function ofVolume(id: string, signal: AbortSignal): Promise<Copies> {
  const v = await api(client.GET('/volumes/{id}', { params: { path: { id } }, signal }));
  return { groups: [{ volume: v.id, target: v.target, replicas: v.replicas }], file: false, complete: true };
}

// blocksMost bounds how much of a large file is looked at.
const blocksMost = 1000;

// groupsOf has each volume once: its blocks are on the same nodes.
export function groupsOf(blocks: readonly Pick<Schemas['Block'], 'volume' | 'target' | 'replicas'>[]): Group[] {
  return [...new Map(blocks.map((b) => [b.volume, { volume: b.volume, target: b.target, replicas: b.replicas }])).values()];
}

async function ofFile(path: string, signal: AbortSignal): Promise<Copies> {
  const list = await api(client.GET('/fs/blocks', { params: { query: { path, limit: blocksMost } }, signal }));
  return { groups: groupsOf(list.items), file: true, complete: !list.next_cursor };
}

export function copiesQuery(volume: () => string, path: () => string): Query<Copies> {
  return query(
    () => (volume() ? `volumes/copies/${volume()}` : path() ? `fs/copies/${path()}` : ''),
    (signal) => (volume() ? ofVolume(volume(), signal) : ofFile(path(), signal)),
    { every: 10_000 },
  );
}
