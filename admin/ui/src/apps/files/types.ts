import type { Schemas } from '../../api/client';

export type Entry = Schemas['Entry'];
export type Detail = Schemas['EntryDetail'];
export type Block = Schemas['Block'];
export type Replica = Schemas['Replica'];
