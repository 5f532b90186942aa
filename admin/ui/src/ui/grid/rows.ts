// Which rows are drawn, and in which order. Pure.
import type { Column, Sort } from './types';

export type Range = { from: number; to: number };

// visible answers the rows to draw: those in sight and a few around them.
export function visible(scroll: number, height: number, row: number, count: number, spare = 6): Range {
  const from = Math.max(0, Math.floor(scroll / row) - spare);
  const to = Math.min(count, Math.ceil((scroll + height) / row) + spare);
  return { from: Math.min(from, count), to: Math.max(to, 0) };
}

// reveal answers the scroll position at which row i is in sight.
export function reveal(i: number, scroll: number, height: number, row: number): number {
  const top = i * row;
  if (top < scroll) return top;
  if (top + row > scroll + height) return top + row - height;
  return scroll;
}

const words = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

// sorted orders rows by a column; equal ones keep their place. Rows that the
// server sorts stay as they are.
export function sorted<T>(rows: readonly T[], columns: readonly Column<T>[], sort: Sort | null): readonly T[] {
  const by = sort && columns.find((c) => c.id === sort.by)?.sort;
  if (!sort || typeof by !== 'function') return rows;
  const keyed = rows.map((row) => ({ row, key: by(row) }));
  const sign = sort.desc ? -1 : 1;
  keyed.sort((a, b) => {
    if (typeof a.key === 'number' && typeof b.key === 'number') return sign * (a.key - b.key);
    return sign * words.compare(String(a.key), String(b.key));
  });
  return keyed.map((k) => k.row);
}

// template is the CSS track list of the columns.
export function template<T>(columns: readonly Column<T>[], widths: Readonly<Record<string, number>>): string {
  return columns
    .map((c, i) => {
      const fixed = widths[c.id];
      if (fixed) return `${fixed}px`;
      const grow = c.grow ?? (i === 0 ? 1 : 0);
      return grow ? `minmax(${c.width ?? 120}px, ${grow}fr)` : `${c.width ?? 120}px`;
    })
    .join(' ');
}

// titleOf is the column that names a row.
export function titleOf<T>(cols: readonly Column<T>[]): Column<T> | undefined {
  return cols.find((c) => c.phone === 'title') ?? cols[0];
}

// lines are the places of the columns on a narrow screen.
export function lines<T>(cols: readonly Column<T>[]): { title: Column<T> | undefined; meta: readonly Column<T>[]; ends: readonly Column<T>[] } {
  const title = titleOf(cols);
  const others = cols.filter((c) => c !== title);
  return { title, meta: others.filter((c) => (c.phone ?? 'meta') === 'meta'), ends: others.filter((c) => c.phone === 'end') };
}

// follow answers where the row that was at i is now, after its list changed;
// one that is gone leaves its place to what follows it.
export function follow(i: number, key: string | undefined, count: number, keyAt: (i: number) => string | undefined): number {
  if (key !== undefined && keyAt(i) !== key) {
    // Most moves are short ones: look around first.
    for (let by = 1; by < count; by++) {
      if (i - by >= 0 && keyAt(i - by) === key) return i - by;
      if (i + by < count && keyAt(i + by) === key) return i + by;
    }
  }
  return Math.max(0, Math.min(i, count - 1));
}
