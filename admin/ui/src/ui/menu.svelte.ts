// Menus are data: the same items serve a right click, the "..." button, the
// Menu key and a long press.
import type { LucideIcon } from '@lucide/svelte';
import type { Attachment } from 'svelte/attachments';

export type MenuItem =
  | {
      label: string;
      run: () => void;
      icon?: LucideIcon;
      // keys is the shortcut as text: "F2"
      keys?: string;
      danger?: boolean;
      // a string says why it cannot be chosen
      disabled?: boolean | string;
      checked?: boolean;
    }
  | 'separator';

export type Anchor = { x: number; y: number } | HTMLElement;

type Open = { items: readonly MenuItem[]; anchor: Anchor; label: string; back: HTMLElement | null };

class ContextMenus {
  current = $state.raw<Open | null>(null);
}

export const contextMenus = new ContextMenus();

// openMenu opens a menu at a point or below an element.
export function openMenu(items: readonly MenuItem[], anchor: Anchor, label = ''): void {
  contextMenus.current = { items, anchor, label, back: document.activeElement as HTMLElement | null };
}

const longPress = 550;

// contextMenu gives an element its menu: <div {@attach contextMenu(() => items)}>.
export function contextMenu(items: (target: HTMLElement) => readonly MenuItem[], label = ''): Attachment<HTMLElement> {
  return (element) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = (target: HTMLElement, anchor: Anchor): void => {
      const list = items(target);
      if (list.length) openMenu(list, anchor, label);
    };
    const onmenu = (e: MouseEvent): void => {
      e.preventDefault();
      e.stopPropagation();
      const target = e.target as HTMLElement;
      open(target, e.button === 2 || e.clientX || e.clientY ? { x: e.clientX, y: e.clientY } : target);
    };
    const onkey = (e: KeyboardEvent): void => {
      if (e.key !== 'F10' || !e.shiftKey) return;
      e.preventDefault();
      e.stopPropagation();
      open(e.target as HTMLElement, e.target as HTMLElement);
    };
    const ondown = (e: PointerEvent): void => {
      if (e.pointerType !== 'touch') return;
      const [x, y, target] = [e.clientX, e.clientY, e.target as HTMLElement];
      timer = setTimeout(() => open(target, { x, y }), longPress);
    };
    const stop = (): void => clearTimeout(timer);
    const handlers: [string, (e: never) => void][] = [
      ['contextmenu', onmenu],
      ['keydown', onkey],
      ['pointerdown', ondown],
      ['pointerup', stop],
      ['pointermove', stop],
      ['pointercancel', stop],
    ];
    for (const [name, fn] of handlers) element.addEventListener(name, fn as EventListener);
    return () => {
      stop();
      for (const [name, fn] of handlers) element.removeEventListener(name, fn as EventListener);
    };
  };
}
