// Where a menu or a panel goes: below its anchor (or above, when there is no
// room), never outside of the screen.

type Box = { left: number; top: number; right: number; bottom: number };
type Size = { w: number; h: number };

const edge = 8;

// spot is the place itself. Pure.
export function spot(anchor: Box, size: Size, screen: Size, gap = 4): { x: number; y: number } {
  const below = anchor.bottom + gap;
  const above = anchor.top - gap - size.h;
  const fits = below + size.h <= screen.h - edge;
  const y = fits || above < edge ? Math.min(below, screen.h - edge - size.h) : above;
  const x = anchor.left + size.w <= screen.w - edge ? anchor.left : anchor.right - size.w;
  return { x: Math.max(edge, Math.min(x, screen.w - edge - size.w)), y: Math.max(edge, y) };
}

// place puts a fixed element at its anchor; below keeps so much free at the
// bottom of the screen.
export function place(element: HTMLElement, anchor: HTMLElement | { x: number; y: number }, gap = 4, below = 0): void {
  const box =
    anchor instanceof HTMLElement
      ? anchor.getBoundingClientRect()
      : { left: anchor.x, right: anchor.x, top: anchor.y, bottom: anchor.y };
  const size = { w: element.offsetWidth, h: element.offsetHeight };
  const at = spot(box, size, { w: innerWidth, h: innerHeight - below }, anchor instanceof HTMLElement ? gap : 1);
  element.style.left = `${at.x}px`;
  element.style.top = `${at.y}px`;
}
