import { expect, test } from 'vitest';
import { allowed } from './drag';

test.each([
  [['/a'], '/b', false, true],
  [['/a'], '/a', false, false],
  [['/a'], '/a/b', false, false],
  [['/a'], '/a/b', true, false],
  [['/b/x'], '/b', false, false],
  [['/b/x'], '/b', true, true],
  [['/b/x', '/c'], '/d', false, true],
  [['/b/x', '/d'], '/d', false, false],
  [[], '/d', false, false],
])('%j to %s, copy %s: %s', (paths, to, copy, want) => expect(allowed(paths, to, copy)).toBe(want));
