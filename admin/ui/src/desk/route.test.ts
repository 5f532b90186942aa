import { expect, test } from 'vitest';
import { format, parse } from './route';

test.each([
  ['/d/nodes/dn-07?tab=disks', { app: 'nodes', params: { id: 'dn-07', tab: 'disks' } }],
  ['/d/nodes', { app: 'nodes', params: {} }],
  ['/d/files?path=/a%20b/c', { app: 'files', params: { path: '/a b/c' } }],
  ['/d/overview', { app: 'overview', params: {} }],
])('%s', (address, place) => {
  const url = new URL(address, 'http://x');
  expect(parse(url.pathname, url.search)).toEqual(place);
  const back = new URL(format(place), 'http://x');
  expect(parse(back.pathname, back.search)).toEqual(place);
});

test('the bare desk is no place', () => {
  expect(parse('/', '')).toBeNull();
  expect(parse('/index.html', '?a=b')).toBeNull();
  expect(parse('/d/', '')).toBeNull();
});

test('an unknown app is answered, so that the desk can say so', () => {
  expect(parse('/d/nonsense/7', '')).toEqual({ app: 'nonsense', params: {} });
});

test('names with slashes and broken escapes survive', () => {
  expect(parse('/d/nodes/%E0%A4%A', '')).toEqual({ app: 'nodes', params: { id: '%E0%A4%A' } });
  const place = { app: 'nodes', params: { id: 'a/b?c#d' } };
  const url = new URL(format(place), 'http://x');
  expect(parse(url.pathname, url.search)).toEqual(place);
});
