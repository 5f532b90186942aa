import { expect, test } from 'vitest';
import type { Repair } from '../../model/repair';
import { spread } from '../../model/volumes';
import { columns, isSingle, note, order } from './queue';

const repair: Repair = { volume: 'v1', class: 'repair', state: 'waiting', live: 2, target: 3, bytes: 10, bytes_done: 0, blocks: 1, on: ['n1'], tries: 0 };

test('an item says why it does not move', () => {
  expect(note(repair)).toBe('');
  expect(note({ ...repair, wait_reason: 'its turn' })).toBe('Its turn');
  expect(note({ ...repair, state: 'failed', wait_reason: 'its turn', last_error: 'no answer' })).toBe('No answer');
  expect(note({ ...repair, wait_reason: 'its turn', last_error: 'no answer' })).toBe('Its turn');
});

test('single copies are the most urgent', () => {
  const single = { ...repair, live: 1 };
  expect(isSingle(single)).toBe(true);
  expect(isSingle({ ...single, target: 1 })).toBe(false);
  expect(order(single)).toBeLessThan(order(repair));
  expect(order(repair)).toBeLessThan(order({ ...repair, class: 'balance' }));
});

test('nodes have names where they are known', () => {
  const cols = columns((id) => (id === 'n1' ? 'dn-01' : id));
  const text = (id: string, r: Repair): string => cols.find((c) => c.id === id)?.text(r) ?? '?';
  expect(text('on', { ...repair, on: ['n1', 'n2'] })).toBe('dn-01, n2');
  expect(text('from', repair)).toBe('–');
  expect(text('to', { ...repair, to: 'n1' })).toBe('dn-01');
});

test('zones of live copies', () => {
  expect(spread([])).toEqual({ live: 0, zones: 0, named: false });
  expect(spread([{ liveness: 'up', zone: 'a' }, { liveness: 'suspect', zone: 'a' }, { liveness: 'down', zone: 'b' }])).toEqual({
    live: 2,
    zones: 1,
    named: true,
  });
});
