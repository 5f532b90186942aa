// Where windows are and go. Pure.

export type Rect = { x: number; y: number; w: number; h: number };
export type Size = { w: number; h: number };
export type Snap = 'left' | 'right' | 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right' | 'max';
// Edge is what a window is resized by.
export type Edge = 'n' | 's' | 'e' | 'w' | 'ne' | 'nw' | 'se' | 'sw';

export const smallest: Readonly<Size> = { w: 320, h: 200 };

const title = 40; // a title bar must always stay reachable
const handle = 120; // and so much of its width

// clamp keeps a window usable on the area.
export function clamp(r: Rect, area: Rect): Rect {
  const w = Math.min(Math.max(r.w, smallest.w), area.w);
  const h = Math.min(Math.max(r.h, smallest.h), area.h);
  const x = Math.min(Math.max(r.x, area.x - w + handle), area.x + area.w - handle);
  const y = Math.min(Math.max(r.y, area.y), area.y + area.h - title);
  return { x, y, w, h };
}

// resize moves an edge or a corner; the opposite one stays where it is.
export function resize(r: Rect, edge: Edge, dx: number, dy: number, area: Rect): Rect {
  const out = { ...r };
  if (edge.includes('e')) out.w = Math.max(smallest.w, r.w + dx);
  if (edge.includes('s')) out.h = Math.max(smallest.h, r.h + dy);
  if (edge.includes('w')) {
    out.w = Math.max(smallest.w, r.w - dx);
    out.x = r.x + r.w - out.w;
  }
  if (edge.includes('n')) {
    const top = Math.max(area.y, r.y + dy);
    out.h = Math.max(smallest.h, r.y + r.h - top);
    out.y = r.y + r.h - out.h;
  }
  return out;
}

// snapRect is the place of a snapped window.
export function snapRect(s: Snap, a: Rect): Rect {
  const hw = Math.floor(a.w / 2);
  const hh = Math.floor(a.h / 2);
  const right = { x: a.x + hw, w: a.w - hw };
  const bottom = { y: a.y + hh, h: a.h - hh };
  switch (s) {
    case 'max':
      return { ...a };
    case 'left':
      return { x: a.x, y: a.y, w: hw, h: a.h };
    case 'right':
      return { ...right, y: a.y, h: a.h };
    case 'top-left':
      return { x: a.x, y: a.y, w: hw, h: hh };
    case 'top-right':
      return { ...right, y: a.y, h: hh };
    case 'bottom-left':
      return { x: a.x, w: hw, ...bottom };
    case 'bottom-right':
      return { ...right, ...bottom };
  }
}

// snapAt is where a window dropped at a point would snap; a corner beats an edge.
export function snapAt(px: number, py: number, a: Rect, edge = 12): Snap | null {
  const corner = edge * 4;
  const left = px <= a.x + edge;
  const right = px >= a.x + a.w - edge;
  const top = py <= a.y + edge;
  const bottom = py >= a.y + a.h - edge;
  const nearTop = py <= a.y + corner;
  const nearBottom = py >= a.y + a.h - corner;
  const nearLeft = px <= a.x + corner;
  const nearRight = px >= a.x + a.w - corner;
  if ((left && nearTop) || (top && nearLeft)) return 'top-left';
  if ((right && nearTop) || (top && nearRight)) return 'top-right';
  if ((left && nearBottom) || (bottom && nearLeft)) return 'bottom-left';
  if ((right && nearBottom) || (bottom && nearRight)) return 'bottom-right';
  if (top) return 'max';
  if (left) return 'left';
  if (right) return 'right';
  return null;
}

// snapBy is the next snap for an arrow key, from the snap a window has.
export function snapBy(now: Snap | null, key: 'left' | 'right' | 'up' | 'down'): Snap | 'restore' | 'minimise' {
  const side = now === 'left' || now?.endsWith('-left') ? 'left' : now === 'right' || now?.endsWith('-right') ? 'right' : null;
  if (key === 'left' || key === 'right') return side && side !== key ? 'restore' : key;
  if (key === 'up') {
    if (side) return now?.startsWith('bottom') ? side : `top-${side}`;
    return 'max';
  }
  if (side) return now?.startsWith('top') ? side : `bottom-${side}`;
  return now === 'max' ? 'restore' : 'minimise';
}

// cascade places the nth window: in the middle, each a step further.
export function cascade(n: number, size: Size, a: Rect): Rect {
  const step = 32;
  const w = Math.min(size.w, a.w - 32);
  const h = Math.min(size.h, a.h - 24);
  const rooms = Math.max(1, Math.floor(Math.min(a.w - w, a.h - h) / step));
  const i = n % rooms;
  const spread = (Math.min(rooms, 6) - 1) * step;
  const x = a.x + Math.max(16, Math.round((a.w - w - spread) / 2)) + i * step;
  const y = a.y + Math.max(12, Math.round((a.h - h - spread) / 2.6)) + i * step;
  return clamp({ x, y, w, h }, a);
}

// toShare and fromShare keep rects as fractions of the area, so that a layout
// fits another screen.
export function toShare(r: Rect, a: Rect): Rect {
  const round = (n: number): number => Math.round(n * 1e4) / 1e4;
  return { x: round((r.x - a.x) / a.w), y: round((r.y - a.y) / a.h), w: round(r.w / a.w), h: round(r.h / a.h) };
}

export function fromShare(r: Rect, a: Rect): Rect {
  return clamp({ x: Math.round(a.x + r.x * a.w), y: Math.round(a.y + r.y * a.h), w: Math.round(r.w * a.w), h: Math.round(r.h * a.h) }, a);
}
