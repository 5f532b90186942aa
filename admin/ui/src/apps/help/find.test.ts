import { expect, test } from 'vitest';
import { shortcut } from '../files/keys';
import { found, runbooks, type Kind } from './find';
import { groups } from './shortcuts';

const kind = (code: string, severity: Kind['severity'], title: string): Kind => ({ code, severity, title, meaning: 'm', doing: 'd', remedy: 'Look at the cable', actions: [] });
const all = [kind('B', 'info', 'Full soon'), kind('NODE_DOWN', 'critical', 'A machine is down'), kind('C', 'warning', 'Late')];

test('the worst come first', () => expect(runbooks(all, '').map((k) => k.code)).toEqual(['NODE_DOWN', 'C', 'B']));

test('every word must be somewhere', () => {
  expect(runbooks(all, 'node cable').map((k) => k.code)).toEqual(['NODE_DOWN']);
  expect(runbooks(all, 'machine tree')).toEqual([]);
  expect(found('', 'x')).toBe(true);
});

test('the keys told for Files are those that Files has', () => {
  const names: Record<string, string> = { '↑': 'ArrowUp', '←': 'ArrowLeft', '→': 'ArrowRight', Space: ' ' };
  for (const row of groups.find((g) => g.title === 'files')?.rows ?? []) {
    for (const text of row.keys) {
      if (text === 'Enter') continue; // the list's own
      const parts = text.split('+');
      const last = parts.pop() ?? '';
      const key = names[last] ?? last;
      const got = shortcut({ key, ctrlKey: parts.includes('Ctrl'), altKey: parts.includes('Alt'), shiftKey: parts.includes('Shift'), metaKey: false });
      expect(got, text).not.toBeNull();
    }
  }
});
