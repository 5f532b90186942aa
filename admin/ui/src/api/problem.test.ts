import { expect, test } from 'vitest';
import { Problem, problemOf } from './problem';

test('what the server says is kept', () => {
  const p = problemOf({ title: 'Busy', detail: 'Try later.', status: 409, code: 'busy', request_id: 'r1', fields: { name: 'taken' } });
  expect(p).toMatchObject({ status: 409, title: 'Busy', detail: 'Try later.', code: 'busy', requestId: 'r1', fields: { name: 'taken' } });
  expect(p.message).toBe('Busy: Try later.');
  expect(problemOf(p)).toBe(p);
});

test('an answer that is no problem document still says something', () => {
  const p = problemOf(undefined, new Response('<html>', { status: 502, statusText: 'Bad Gateway', headers: { 'X-Request-ID': 'r2' } }));
  expect(p).toMatchObject({ status: 502, title: 'Bad Gateway', requestId: 'r2' });
});

test('no answer at all', () => {
  const p = problemOf(new TypeError('Failed to fetch'));
  expect(p.unreachable).toBe(true);
  expect(p.forbidden).toBe(false);
  expect(new Problem(403, 'No').forbidden).toBe(true);
  expect(new Problem(404, 'No').missing).toBe(true);
});
