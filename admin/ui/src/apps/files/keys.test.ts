import { expect, test } from 'vitest';
import { shortcut } from './keys';

const press = (text: string) => {
  const parts = text.split('+');
  const key = parts.pop() ?? '';
  return { key: key === 'Space' ? ' ' : key, ctrlKey: parts.includes('Ctrl'), metaKey: parts.includes('Meta'), altKey: parts.includes('Alt'), shiftKey: parts.includes('Shift') };
};

test.each([
  ['Ctrl+l', 'path'],
  ['Ctrl+L', 'path'],
  ['Meta+c', 'copy'],
  ['Alt+ArrowUp', 'up'],
  ['Backspace', 'up'],
  ['Alt+ArrowLeft', 'back'],
  ['Alt+Enter', 'properties'],
  ['Space', 'look'],
  ['F2', 'rename'],
  ['Delete', 'delete'],
  ['Alt+Shift+N', 'create'],
  // the browser's and the desk's own
  ['Ctrl+Shift+c', null],
  ['Alt+Shift+ArrowLeft', null],
  ['Ctrl+Alt+m', null],
  ['Ctrl+k', null],
  ['Enter', null],
  ['a', null],
  ['Shift+Delete', null],
])('%s is %s', (text, want) => expect(shortcut(press(text))).toBe(want));
