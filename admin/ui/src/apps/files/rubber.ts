// Selecting by drawing a rectangle with the mouse, in lists and in tile grids
// with rows of one height. Pure geometry here; Rubber.svelte draws it.

export type Box = { x: number; y: number; w: number; h: number };
export type Tiles = { count: number; columns: number; width: number; height: number };

export function boxOf(ax: number, ay: number, bx: number, by: number): Box {
  return { x: Math.min(ax, bx), y: Math.min(ay, by), w: Math.abs(ax - bx), h: Math.abs(ay - by) };
}

// covered are the indices of the tiles that a box touches, in order.
export function covered(box: Box, t: Tiles): number[] {
  const out: number[] = [];
  const rows = Math.ceil(t.count / t.columns);
  const top = Math.max(0, Math.floor(box.y / t.height));
  const bottom = Math.min(rows - 1, Math.floor((box.y + box.h) / t.height));
  const left = Math.max(0, Math.floor(box.x / t.width));
  const right = Math.min(t.columns - 1, Math.floor((box.x + box.w) / t.width));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const i = y * t.columns + x;
      if (i < t.count) out.push(i);
    }
  }
  return out;
}

// combine: with Ctrl what is touched changes sides, with Shift it is added.
export function combine(before: ReadonlySet<string>, touched: readonly string[], ctrl: boolean, shift: boolean): Set<string> {
  if (!ctrl && !shift) return new Set(touched);
  const out = new Set(before);
  for (const k of touched) if (ctrl && before.has(k)) out.delete(k);
    else out.add(k);
  return out;
}
