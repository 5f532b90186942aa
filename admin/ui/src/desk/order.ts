// The order of the icons. Pure.

// moved puts id at a place among those that are shown; what a role does not see
// keeps its place between its neighbours.
export function moved(order: readonly string[], shown: readonly string[], id: string, to: number): string[] {
  const others = shown.filter((x) => x !== id);
  const before = others[Math.max(0, to)];
  const out = order.filter((x) => x !== id);
  const last = others.at(-1);
  const at = before !== undefined ? out.indexOf(before) : last !== undefined ? out.indexOf(last) + 1 : out.length;
  out.splice(at, 0, id);
  return out;
}
