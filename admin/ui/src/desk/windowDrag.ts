// Moving a window by its title bar and resizing it by its edges.
import type { Attachment } from 'svelte/attachments';
import { shell, windows } from './desk.svelte';
import { drag, type Drag } from './drag';
import { snapAt, snapRect, type Edge, type Snap } from './geometry';
import type { Win } from './windows.svelte';

// asItIs is what Escape brings back, while a window is moved or resized.
export function asItIs(win: Win): () => void {
  const { rect, snap, restore } = win;
  return () => Object.assign(win, { rect, snap, restore });
}

function moving(win: Win, x: number): Drag {
  const undo = asItIs(win);
  let from = { ...win.rect };
  if (win.restore) {
    // A snapped window comes loose under the pointer, in its old size, on whole
    // pixels: between two, letters are blurred.
    const share = (x - win.rect.x) / win.rect.w;
    from = { ...win.restore, x: Math.round(x - share * win.restore.w), y: win.rect.y };
  }
  let to: Snap | null = null;
  return {
    move: (dx, dy, at) => {
      windows.place(win, { ...from, x: from.x + dx, y: from.y + dy });
      to = snapAt(at.clientX, at.clientY, windows.area);
      shell.snapHint = to && { ...snapRect(to, windows.area) };
    },
    end: (cancelled) => {
      shell.snapHint = null;
      if (cancelled) return undo();
      if (!to) return;
      win.restore = from;
      windows.snap(win, to);
    },
  };
}

// titleBar moves the window; two presses maximise it or bring it back.
export function titleBar(win: Win): Attachment<HTMLElement> {
  return (bar) => {
    const free = (e: Event): boolean => !(e.target as HTMLElement).closest('button');
    const down = (e: PointerEvent): void => {
      if (free(e)) drag(e, () => moving(win, e.clientX));
    };
    const twice = (e: MouseEvent): void => {
      if (free(e)) windows.toggleMax(win);
    };
    bar.addEventListener('pointerdown', down);
    bar.addEventListener('dblclick', twice);
    return () => {
      bar.removeEventListener('pointerdown', down);
      bar.removeEventListener('dblclick', twice);
    };
  };
}

// grip resizes by one edge; a snapped window comes loose where it stands.
export function grip(win: Win, edge: Edge): Attachment<HTMLElement> {
  return (el) => {
    const down = (e: PointerEvent): void =>
      drag(e, () => {
        const undo = asItIs(win);
        const { x, y, w, h } = win.rect;
        if (win.snap) windows.place(win, { x, y, w, h });
        return {
          move: (dx, dy) => {
            windows.place(win, { x, y, w, h });
            windows.resize(win, edge, dx, dy);
          },
          end: (cancelled) => {
            if (cancelled) undo();
          },
        };
      });
    el.addEventListener('pointerdown', down);
    return () => el.removeEventListener('pointerdown', down);
  };
}
