// Entries dragged within and between windows, and files dragged in from outside.
import type { Attachment } from 'svelte/attachments';
import { contains, parent } from './paths';

const type = 'application/x-ken-paths';

// While a drag is under way the browser hides its data; only we know the paths.
let dragged: readonly string[] = [];

export type Dropped = { paths: readonly string[]; copy: boolean } | { items: readonly FileSystemEntry[] };

// source makes an element start a drag of paths; text is what others may take.
export function source(paths: () => readonly string[]): Attachment<HTMLElement> {
  return (element) => {
    element.draggable = true;
    const start = (e: DragEvent): void => {
      dragged = paths();
      if (!e.dataTransfer || dragged.length === 0) return e.preventDefault();
      e.stopPropagation();
      e.dataTransfer.effectAllowed = 'copyMove';
      e.dataTransfer.setData(type, JSON.stringify(dragged));
    };
    const end = (): void => void (dragged = []);
    element.addEventListener('dragstart', start);
    element.addEventListener('dragend', end);
    return () => {
      element.draggable = false;
      element.removeEventListener('dragstart', start);
      element.removeEventListener('dragend', end);
    };
  };
}

// allowed: a folder does not go into itself, and nothing to where it is.
export function allowed(paths: readonly string[], to: string, copy: boolean): boolean {
  return paths.length > 0 && paths.every((p) => !contains(p, to) && (copy || parent(p) !== to));
}

// target makes an element take what is dropped for the folder it stands for.
// null: this one takes nothing and leaves it to what is around it.
export function target(folder: () => string | null, drop: (to: string, what: Dropped) => void, entries: (items: DataTransferItemList) => FileSystemEntry[]): Attachment<HTMLElement> {
  return (element) => {
    let depth = 0;
    const effect = (e: DragEvent): 'copy' | 'move' | null => {
      const to = folder();
      const types = e.dataTransfer?.types ?? [];
      if (to === null) return null;
      if (types.includes(type)) return allowed(dragged, to, e.ctrlKey) ? (e.ctrlKey ? 'copy' : 'move') : null;
      return types.includes('Files') ? 'copy' : null;
    };
    const mark = (on: boolean): void => {
      if (on) element.dataset.drop = '';
      else delete element.dataset.drop;
    };
    const over = (e: DragEvent): void => {
      const what = effect(e);
      if (!what || !e.dataTransfer) return;
      e.preventDefault();
      e.stopPropagation();
      e.dataTransfer.dropEffect = what;
      mark(true);
    };
    const enter = (): void => void depth++;
    const leave = (): void => {
      depth = Math.max(0, depth - 1);
      if (depth === 0) mark(false);
    };
    const ondrop = (e: DragEvent): void => {
      depth = 0;
      mark(false);
      const to = folder();
      if (!effect(e) || to === null || !e.dataTransfer) return;
      e.preventDefault();
      e.stopPropagation();
      if (e.dataTransfer.types.includes(type)) drop(to, { paths: dragged, copy: e.ctrlKey });
      else drop(to, { items: entries(e.dataTransfer.items) });
      dragged = [];
    };
    const handlers = [['dragover', over], ['dragenter', enter], ['dragleave', leave], ['drop', ondrop]] as const;
    for (const [name, fn] of handlers) element.addEventListener(name, fn);
    return () => {
      for (const [name, fn] of handlers) element.removeEventListener(name, fn);
    };
  };
}
