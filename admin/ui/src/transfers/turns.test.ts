import { expect, test } from 'vitest';
import { Turns } from './turns';

test('the list in its order, and what comes back before it', () => {
  const done = new Set<number>();
  const turns = new Turns<number>();
  const list = Array.from({ length: 6 }, (_, i) => i);
  const take = (): number | null => {
    const n = turns.next(list, (x) => !done.has(x));
    if (n !== null) done.add(n);
    return n;
  };
  expect([take(), take(), take()]).toEqual([0, 1, 2]);
  for (const n of [1, 0]) {
    done.delete(n);
    turns.back(n);
  }
  expect([take(), take(), take()]).toEqual([1, 0, 3]);
  turns.back(2); // went another way meanwhile
  expect([take(), take(), take()]).toEqual([4, 5, null]);
});

test('a list that became shorter is looked at again', () => {
  const turns = new Turns<string>();
  expect(turns.next(['a', 'b'], () => false)).toBeNull();
  expect(turns.next(['c'], () => true)).toBeNull();
  turns.restart();
  expect(turns.next(['c'], () => true)).toBe('c');
});

test('a hundred thousand turns look at each one once', () => {
  const turns = new Turns<{ waits: boolean }>();
  const list = Array.from({ length: 100_000 }, () => ({ waits: true }));
  let looks = 0;
  for (;;) {
    const item = turns.next(list, (x) => (looks++, x.waits));
    if (!item) break;
    item.waits = false;
  }
  expect(looks).toBeLessThanOrEqual(2 * list.length);
});
