import { expect, test } from 'vitest';
import { kept, most, nameMost, renamed, same, soundViews, type View } from './views';

const view: View = { name: 'Full ones', state: 'up', text: 'row-1', sort: { by: 'used', desc: true }, columns: ['name', 'used'], grouped: true };

test('views come back as they were, and what is wrong is left out', () => {
  expect(soundViews(JSON.parse(JSON.stringify([view])))).toEqual([view]);
  expect(soundViews(undefined)).toEqual([]);
  expect(soundViews([null, 7, {}, { ...view, name: ' ' }, { ...view, columns: [] }, { ...view, columns: [7] }])).toEqual([]);
  expect(soundViews([{ name: 'bare', columns: ['name'], sort: 'used', grouped: 'yes', state: 5 }])).toEqual([
    { name: 'bare', state: '', text: '', sort: null, columns: ['name'], grouped: false },
  ]);
  expect(soundViews([view, { ...view, state: 'down' }])).toEqual([view]);
});

test('count and size are bounded', () => {
  const many = Array.from({ length: 50 }, (_, i) => ({ ...view, name: `${i} ${'x'.repeat(500)}`, text: 'y'.repeat(500), columns: Array(90).fill('name') }));
  const got = soundViews(many);
  expect(got).toHaveLength(most);
  expect(got.every((v) => v.name.length <= nameMost)).toBe(true);
  expect(JSON.stringify(got).length).toBeLessThan(6000);
});

test('a view is kept under its name; one too many is not', () => {
  expect(kept([], view)).toEqual([view]);
  expect(kept([view], { ...view, text: 'other' })?.map((v) => v.text)).toEqual(['other']);
  const full = Array.from({ length: most }, (_, i) => ({ ...view, name: `v${i}` }));
  expect(kept(full, view)).toBeNull();
  expect(kept(full, { ...view, name: 'v3' })).toHaveLength(most);
  expect(kept([], { ...view, name: '' })).toBeNull();
});

test('a name is one view only', () => {
  const two = [view, { ...view, name: 'b' }];
  expect(renamed(two, 'b', ' c ')?.map((v) => v.name)).toEqual(['Full ones', 'c']);
  expect(renamed(two, 'b', 'Full ones')).toBeNull();
  expect(renamed(two, 'b', '  ')).toBeNull();
  expect(renamed(two, 'b', 'b')).toEqual(two);
});

test('a list shows a view when all of it agrees', () => {
  expect(same(view, { ...view, columns: ['used', 'name'], text: ' row-1 ' })).toBe(true);
  for (const change of [{ state: '' }, { text: '' }, { sort: null }, { columns: ['name'] }, { grouped: false }]) expect(same(view, { ...view, ...change })).toBe(false);
});
