// The keys of Files, beside those that the list itself has.

export type Shortcut = 'path' | 'up' | 'back' | 'forward' | 'refresh' | 'look' | 'properties' | 'rename' | 'delete' | 'cut' | 'copy' | 'paste' | 'download' | 'create';

type Key = { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean; shiftKey: boolean };

const plain: Readonly<Record<string, Shortcut>> = { Backspace: 'up', ' ': 'look', F2: 'rename', F5: 'refresh', Delete: 'delete' };
const withCtrl: Readonly<Record<string, Shortcut>> = { l: 'path', x: 'cut', c: 'copy', v: 'paste', d: 'download' };
const withAlt: Readonly<Record<string, Shortcut>> = { ArrowUp: 'up', ArrowLeft: 'back', ArrowRight: 'forward', Enter: 'properties' };

export function shortcut(e: Key): Shortcut | null {
  const ctrl = e.ctrlKey || e.metaKey;
  if (ctrl && e.altKey) return null;
  if (ctrl && e.shiftKey) return null;
  if (e.altKey) return e.shiftKey ? (e.key.toLowerCase() === 'n' ? 'create' : null) : (withAlt[e.key] ?? null);
  if (ctrl) return withCtrl[e.key.toLowerCase()] ?? null;
  return e.shiftKey ? null : (plain[e.key] ?? null);
}
