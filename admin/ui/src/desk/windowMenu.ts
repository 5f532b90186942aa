// The window menu: everything that a mouse does with a window, by keys.
import AppWindow from '@lucide/svelte/icons/app-window';
import LinkIcon from '@lucide/svelte/icons/link';
import Maximize2 from '@lucide/svelte/icons/maximize-2';
import Minus from '@lucide/svelte/icons/minus';
import Move from '@lucide/svelte/icons/move';
import MoveDiagonal2 from '@lucide/svelte/icons/move-diagonal-2';
import X from '@lucide/svelte/icons/x';
import { copyText } from '../ui/clipboard';
import type { MenuItem } from '../ui/menu.svelte';
import { toast } from '../ui/toast.svelte';
import { closeWindow, minimiseWindow, openApp, windows } from './desk.svelte';
import type { Snap } from './geometry';
import { format } from './route';
import { t } from './strings';
import type { Win } from './windows.svelte';
import type { AppId } from '../apps/registry';

async function copyLink(win: Win): Promise<void> {
  if (await copyText(location.origin + format(win))) toast(t.linkCopied);
}

// windowItems are the items; mode starts moving or resizing by arrow keys.
export function windowItems(win: Win, mode: (m: 'move' | 'size') => void): MenuItem[] {
  const snap = (label: string, to: Snap): MenuItem => ({ label, checked: win.snap === to, run: () => windows.snap(win, to) });
  return [
    { label: t.move, icon: Move, run: () => mode('move') },
    { label: t.resize, icon: MoveDiagonal2, run: () => mode('size') },
    { label: win.snap === 'max' ? t.restore : t.maximise, icon: Maximize2, run: () => windows.toggleMax(win) },
    { label: t.minimise, icon: Minus, run: () => minimiseWindow(win) },
    'separator',
    snap(t.snapLeft, 'left'),
    snap(t.snapRight, 'right'),
    snap(t.snapTopLeft, 'top-left'),
    snap(t.snapTopRight, 'top-right'),
    snap(t.snapBottomLeft, 'bottom-left'),
    snap(t.snapBottomRight, 'bottom-right'),
    { label: t.onTop, checked: win.pinned, run: () => void (win.pinned = !win.pinned) },
    'separator',
    { label: t.copyLink, icon: LinkIcon, run: () => void copyLink(win) },
    { label: t.newWindow, icon: AppWindow, run: () => openApp(win.app as AppId, win.params, { fresh: true }) },
    { label: t.close, icon: X, run: () => closeWindow(win) },
  ];
}
