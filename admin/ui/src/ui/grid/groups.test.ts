import { expect, test } from 'vitest';
import { grouped, Head } from './groups';

test('groups in order of name, rows in the order they had', () => {
  const rows = [{ n: 3, z: 'rack-10' }, { n: 1, z: 'rack-9' }, { n: 2, z: 'rack-10' }, { n: 4, z: '' }];
  const got = grouped(rows, (r) => r.z);
  expect(got.map((e) => (e instanceof Head ? `${e.name}:${e.size}` : e.n))).toEqual([':1', 4, 'rack-9:1', 1, 'rack-10:2', 3, 2]);
  expect(grouped([], () => '')).toEqual([]);
});
