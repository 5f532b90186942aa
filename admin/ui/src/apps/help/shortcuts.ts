// Every key of the desk and its apps, in groups.
import type { Messages } from './en';

type Key = keyof Messages['keys'];
export type Group = { title: 'desk' | 'files' | 'lists'; rows: readonly { keys: readonly string[]; what: Key }[] };

// Keys pressed together are joined by +; several ways are separate texts.
export const groups: readonly Group[] = [
  {
    title: 'desk',
    rows: [
      { keys: ['Ctrl+K'], what: 'launcher' },
      { keys: ['Ctrl+`'], what: 'nextWindow' },
      { keys: ['F6'], what: 'areas' },
      { keys: ['Ctrl+Alt+M'], what: 'windowMenu' },
      { keys: ['Alt+Shift+Arrows'], what: 'snap' },
      { keys: ['?'], what: 'cheat' },
    ],
  },
  {
    title: 'files',
    rows: [
      { keys: ['Ctrl+L'], what: 'path' },
      { keys: ['Backspace', 'Alt+↑'], what: 'up' },
      { keys: ['Alt+←', 'Alt+→'], what: 'history' },
      { keys: ['Enter'], what: 'open' },
      { keys: ['Space'], what: 'preview' },
      { keys: ['F2'], what: 'rename' },
      { keys: ['Delete'], what: 'remove' },
      { keys: ['Ctrl+X', 'Ctrl+C', 'Ctrl+V'], what: 'clip' },
      { keys: ['Ctrl+D'], what: 'download' },
      { keys: ['Alt+Enter'], what: 'properties' },
      { keys: ['Alt+Shift+N'], what: 'create' },
    ],
  },
  {
    title: 'lists',
    rows: [
      { keys: ['↑', '↓', 'Home', 'End'], what: 'move' },
      { keys: ['Shift+↑', 'Shift+↓'], what: 'range' },
      { keys: ['Ctrl+↑', 'Ctrl+↓'], what: 'single' },
      { keys: ['Ctrl+A'], what: 'all' },
      { keys: ['a b c …'], what: 'typing' },
      { keys: ['Shift+F10'], what: 'menu' },
      { keys: ['Esc'], what: 'none' },
    ],
  },
];
