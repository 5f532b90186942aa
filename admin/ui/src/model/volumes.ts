// Where the copies of a volume are.
import type { Schemas } from '../api/client';

type Replica = Pick<Schemas['Replica'], 'liveness' | 'zone'>;

// spread counts live copies and the zones they are in; named is false where
// no zone was ever given, so that there is nothing to judge.
export function spread(replicas: readonly Replica[]): { live: number; zones: number; named: boolean } {
  const live = replicas.filter((r) => r.liveness === 'up' || r.liveness === 'suspect');
  return { live: live.length, zones: new Set(live.map((r) => r.zone ?? '')).size, named: replicas.some((r) => !!r.zone) };
}
