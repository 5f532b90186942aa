// One node on the live stream.
import type { Schemas } from '../../api/client';
import { withFigures } from '../../api/liveChanges';
import type { Node } from '../../model/nodes';

// follow answers the node as the stream has it now; undefined: it was struck off
// or does not fit, and must be asked for again.
export function follow(old: Node, changes: Schemas['NodeChanges']): Node | undefined {
  if (changes.removed.includes(old.id)) return undefined;
  const node = changes.changed.find((n) => n.id === old.id) ?? old;
  const row = changes.figures?.find((f) => f.id === old.id);
  return row ? withFigures(node, row) : node;
}

// newcomers are the nodes that were not there before; while it is not known who
// was there, nobody is new.
export function newcomers(nodes: readonly Node[] | undefined, before: ReadonlySet<string> | null): Node[] {
  return before && nodes ? nodes.filter((n) => !before.has(n.id)) : [];
}
