// Rows in groups, each under a head of its own. Pure.

// Head stands in the list before the rows of its group.
export class Head {
  constructor(
    readonly name: string,
    readonly size: number,
  ) {}
}

// grouped puts rows under the heads of their groups; groups are in order of name,
// numbers in it counted as numbers, and rows in a group keep their order.
export function grouped<T>(rows: readonly T[], of: (row: T) => string): (T | Head)[] {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const name = of(row);
    const list = groups.get(name);
    if (list) list.push(row);
    else groups.set(name, [row]);
  }
  const order = new Intl.Collator(undefined, { numeric: true }).compare;
  return [...groups].sort(([a], [b]) => order(a, b)).flatMap(([name, list]) => [new Head(name, list.length), ...list]);
}
