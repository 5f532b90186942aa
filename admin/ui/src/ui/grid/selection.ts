// What is selected in a list, as pure steps. Keys name rows; the anchor is
// where a range starts.

export type Selection = { keys: ReadonlySet<string>; anchor: string | null };

export const nothing: Selection = { keys: new Set(), anchor: null };

export function only(key: string): Selection {
  return { keys: new Set([key]), anchor: key };
}

export function toggle(s: Selection, key: string): Selection {
  const keys = new Set(s.keys);
  if (!keys.delete(key)) keys.add(key);
  return { keys, anchor: key };
}

// range selects from the anchor to key, in the order shown.
export function range(s: Selection, key: string, order: readonly string[]): Selection {
  const to = order.indexOf(key);
  const from = s.anchor === null ? to : order.indexOf(s.anchor);
  if (to < 0) return s;
  const [a, b] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
  return { keys: new Set(order.slice(a, b + 1)), anchor: from < 0 ? key : s.anchor };
}

export function all(s: Selection, order: readonly string[]): Selection {
  return { keys: new Set(order), anchor: s.anchor ?? order[0] ?? null };
}
