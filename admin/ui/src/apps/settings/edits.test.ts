import { expect, test } from 'vitest';
import { Edits } from './edits.svelte';
import type { Setting } from './values';

const grace: Setting = { name: 'grace', group: 'limits', title: 'Grace', description: '', kind: 'seconds', value: '600', default: '600', min: '1', max: '3600' };

test('what is typed is kept until it is the same again', () => {
  const e = new Edits();
  expect(e.text(grace)).toBe('10 min');
  e.set(grace, '20 min');
  expect(e.changes([grace])).toEqual([{ name: 'grace', value: '1200' }]);
  e.set(grace, '600');
  expect([e.changed(grace), e.changes([grace])]).toEqual([false, []]);
});

test('a fault is said and not sent', () => {
  const e = new Edits();
  e.set(grace, 'soon');
  expect([e.fault(grace), e.faults([grace]), e.changes([grace])]).toEqual(['time', 1, []]);
  e.put(grace, '60');
  expect([e.text(grace), e.faults([grace])]).toEqual(['1 min', 0]);
  e.clear();
  expect(e.text(grace)).toBe('10 min');
});

test('what somebody else applied meanwhile is no change any more', () => {
  const e = new Edits();
  e.set(grace, '20 min');
  expect(e.changes([{ ...grace, value: '1200' }])).toEqual([]);
});
