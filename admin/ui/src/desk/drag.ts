// Dragging with mouse, pen or finger, by pointer capture.

export type Drag = {
  move: (dx: number, dy: number, e: PointerEvent) => void;
  end?: (cancelled: boolean) => void;
};

const threshold = 4; // px before a press becomes a drag

// drag starts with the pointerdown and calls move with the way from the start,
// at most once a frame. Escape, or losing the pointer, cancels it.
export function drag(e: PointerEvent, start: () => Drag | null): void {
  if (e.button !== 0 || !(e.currentTarget instanceof HTMLElement)) return;
  const handle = e.currentTarget;
  const [x, y] = [e.clientX, e.clientY];
  let active: Drag | null = null;
  let last: PointerEvent | null = null;
  let frame = 0;

  const flush = (): void => {
    frame = 0;
    if (last) active?.move(last.clientX - x, last.clientY - y, last);
  };
  const onmove = (m: PointerEvent): void => {
    if (m.pointerId !== e.pointerId) return;
    if (!active) {
      if (Math.hypot(m.clientX - x, m.clientY - y) < threshold) return;
      active = start();
      if (!active) return stop();
    }
    last = m;
    frame ||= requestAnimationFrame(flush);
  };
  const finish = (cancelled: boolean): void => {
    cancelAnimationFrame(frame);
    if (frame && !cancelled) flush();
    const done = active;
    active = null;
    stop();
    done?.end?.(cancelled);
  };
  const onup = (m: PointerEvent): void => {
    if (m.pointerId === e.pointerId) finish(false);
  };
  const oncancel = (): void => finish(true);
  const onkey = (k: KeyboardEvent): void => {
    if (k.key !== 'Escape' || !active) return;
    k.preventDefault();
    k.stopPropagation();
    finish(true);
  };
  const stop = (): void => {
    if (handle.hasPointerCapture(e.pointerId)) handle.releasePointerCapture(e.pointerId);
    removeEventListener('keydown', onkey, true);
    handle.removeEventListener('lostpointercapture', oncancel);
    handle.removeEventListener('pointermove', onmove);
    handle.removeEventListener('pointerup', onup);
    handle.removeEventListener('pointercancel', oncancel);
  };
  // At once: a quick pointer leaves a thin edge before its first move is told.
  handle.setPointerCapture(e.pointerId);
  handle.addEventListener('pointermove', onmove);
  handle.addEventListener('lostpointercapture', oncancel);
  addEventListener('keydown', onkey, true);
  handle.addEventListener('pointerup', onup);
  handle.addEventListener('pointercancel', oncancel);
}
