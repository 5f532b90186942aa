import { expect, test } from 'vitest';
import { Problem } from '../api/problem';
import { passing, told } from './failure';

test('a file that cannot be read is not a server that does not answer', () => {
  expect(told(new DOMException('changed', 'NotReadableError')).code).toBe('unreadable');
  expect(told(new DOMException('stopped', 'AbortError')).unreachable).toBe(true);
  const p = new Problem(507, 'full');
  expect(told(p)).toBe(p);
});

test.each([
  [0, '', true],
  [401, '', true],
  [429, '', true],
  [503, '', true],
  [409, 'busy', true],
  [409, 'exists', false],
  [403, '', false],
  [507, 'no_space', false],
  [413, '', false],
])('status %d %s passes: %s', (status, code, passes) => expect(passing(new Problem(status, 'x', '', code))).toBe(passes));
