import { expect, test } from 'vitest';
import { backoff, Parser } from './sse';

const stream = 'id: 7\nevent: health\ndata: {"a":1}\n\n: ping\n\nid: 8\r\nevent: tasks\r\ndata: one\r\ndata: two\r\n\r\ndata: bare\n\n';
const events = [
  { id: '7', topic: 'health', data: '{"a":1}' },
  { id: '8', topic: 'tasks', data: 'one\ntwo' },
  { id: '8', topic: 'message', data: 'bare' },
];

test('events are the same however the text is cut', () => {
  for (let size = 1; size <= stream.length; size++) {
    const parser = new Parser();
    const got = [];
    for (let i = 0; i < stream.length; i += size) got.push(...parser.push(stream.slice(i, i + size)));
    expect(got, `pieces of ${size}`).toEqual(events);
  }
});

test('a ping is no event', () => {
  expect(new Parser().push(': ping\n\n')).toEqual([]);
});

test('an event without end is refused', () => {
  const parser = new Parser();
  expect(() => {
    for (let i = 0; i < 6; i++) parser.push('x'.repeat(1 << 20));
  }).toThrow('4 MiB');
});

test('the wait grows to 30 s, and up to half of it is chance', () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((n) => backoff(n, () => 0))).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  expect(backoff(2, () => 1)).toBe(2000);
});
