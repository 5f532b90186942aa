import { expect, test } from 'vitest';
import { moved } from './order';

const order = ['a', 'b', 'c', 'd'];
const go = (id: string, to: number, shown = order): string => moved(order, shown, id, to).join('');

test('to any place, the first and the last among them', () => {
  expect(go('c', 0)).toBe('cabd');
  expect(go('a', 3)).toBe('bcda');
  expect(go('b', 2)).toBe('acbd');
  expect(go('b', 1)).toBe('abcd');
  expect(go('a', 99)).toBe('bcda');
  expect(go('d', -5)).toBe('dabc');
});

test('what is not seen is stepped over', () => {
  expect(go('a', 1, ['a', 'c', 'd'])).toBe('bcad'); // one step down is behind c, not behind b
  expect(go('d', 0, ['a', 'c', 'd'])).toBe('dabc');
  expect(go('a', 2, ['a', 'c'])).toBe('bcad');
  expect(go('a', 0, ['a'])).toBe('bcda');
});

test('nothing is lost or doubled', () => {
  for (let i = 0; i < 4; i++) for (let to = -1; to < 6; to++) expect([...moved(order, order, order[i] ?? '', to)].sort()).toEqual(order);
});
