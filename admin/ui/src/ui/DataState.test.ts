// @vitest-environment happy-dom
import { render, screen } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { live } from '../api/live.svelte';
import { Problem } from '../api/problem';
import { clock } from '../i18n/format';
import { learn } from '../i18n/now.svelte';
import { answered, hands, snippet } from '../testing';
import DataState from './DataState.svelte';
import skeleton from './Skeleton.svelte?raw';
import { t } from './strings';

const shown = snippet((n: number[]) => `sum ${n.join('+')}`);
const noon = Date.parse('2026-11-22T12:00:00Z');
const busy = new Problem(503, 'Busy', 'Try later.', 'busy', 'r-9');
const no = new Problem(403, 'Forbidden', '', 'denied');

beforeEach(() => void vi.spyOn(live, 'state', 'get').mockReturnValue('live'));

test('data is shown as it is, with nothing around it', () => {
  render(DataState<number[]>, { query: answered([1, 2]), children: shown });
  expect(document.body.textContent!.trim()).toBe('sum 1+2');
});

test('while it is read for the first time, that is said', () => {
  render(DataState<number[]>, { query: answered<number[]>(undefined, { loading: true }), children: shown });
  const status = screen.getByRole('status');
  expect(status.getAttribute('aria-busy')).toBe('true');
  expect(status.textContent).toContain(t.loading);
});

test('grey bars wait 150 ms, so that a quick answer does not flash', () => {
  expect(skeleton).toMatch(/animation:[^;]*\b(150ms|0\.15s)/);
});

test('an app may draw its own bars', () => {
  render(DataState<number[]>, { query: answered<number[]>(undefined), children: shown, skeleton: snippet(() => 'bars') });
  expect(screen.getByRole('status').textContent).toContain('bars');
});

test('nothing to show says so, in the words of the app', () => {
  render(DataState<number[]>, { query: answered<number[]>([]), children: shown, isEmpty: (d: number[]) => d.length === 0, empty: snippet(() => 'No nodes yet. Join one.') });
  expect(document.body.textContent).toContain('No nodes yet. Join one.');
  expect(document.body.textContent).not.toContain('sum');
});

test('nothing to show has words even where the app has none', () => {
  render(DataState<number[]>, { query: answered<number[]>([]), children: shown, isEmpty: () => true });
  expect(screen.getByText(t.emptyTitle)).toBeDefined();
});

test('an error says what, why and which request, and tries again', async () => {
  const query = answered<number[]>(undefined, { error: busy });
  render(DataState<number[]>, { query, children: shown });
  expect(screen.getByRole('alert').textContent).toMatch(/Busy.*Try later\..*Request r-9/s);
  await hands().click(screen.getByRole('button', { name: t.retry }));
  expect(query.refresh).toHaveBeenCalledOnce();
});

test('the details of an error can be copied, with the request and the address', async () => {
  let copied = '';
  vi.stubGlobal('navigator', { clipboard: { writeText: async (text: string) => void (copied = text) } });
  render(DataState<number[]>, { query: answered<number[]>(undefined, { error: busy }), children: shown });
  screen.getByRole('button', { name: t.copyDetails }).click();
  await vi.waitFor(() => expect(copied).toBe(`Busy\nTry later.\nRequest r-9\n${location.href}`));
});

test('an error without a request id claims none', () => {
  render(DataState<number[]>, { query: answered<number[]>(undefined, { error: new Problem(500, 'Broken') }), children: shown });
  expect(document.body.textContent).not.toMatch(/Request/);
});

test('no answer at all is told in plain words and not in those of the browser', () => {
  render(DataState<number[]>, { query: answered<number[]>(undefined, { error: new Problem(0, 'No answer', 'Failed to fetch') }), children: shown });
  expect(screen.getByRole('alert').textContent).toContain(t.noAnswerDetail);
  expect(document.body.textContent).not.toContain('Failed to fetch');
});

test('what one may not see names the role that may, and offers no useless try', () => {
  render(DataState<number[]>, { query: answered<number[]>(undefined, { error: no }), children: shown, needs: 'operator' });
  expect(document.body.textContent).toContain(t.forbiddenDetail('operator'));
  expect(screen.queryByRole('button')).toBeNull();
});

test('data that could not be read again stays, and says from when it is', async () => {
  const query = answered([1], { error: busy, at: noon });
  render(DataState<number[]>, { query, children: shown });
  expect(document.body.textContent).toContain('sum 1');
  expect(document.body.textContent).toContain(t.stale(clock(noon)));
  expect(document.body.textContent).toContain('Try later.');
  await hands().click(screen.getByRole('button', { name: t.retry }));
  expect(query.refresh).toHaveBeenCalledOnce();
});

test('where the live stream is lost, nothing claims to be of now', () => {
  vi.spyOn(live, 'state', 'get').mockReturnValue('lost');
  render(DataState<number[]>, { query: answered([1], { at: noon }), children: shown });
  expect(document.body.textContent).toContain(t.stale(clock(noon)));
});

test('data of an old snapshot of the server is stale by the time of the snapshot', () => {
  const asOf = (at: number) => () => new Date(at).toISOString();
  const query = answered([1], { at: noon });
  const { unmount } = render(DataState<number[]>, { query, children: shown, asOf: asOf(noon - 29_000) });
  expect(document.body.textContent).not.toContain('Data from');
  unmount();
  render(DataState<number[]>, { query, children: shown, asOf: asOf(noon - 31_000) });
  expect(document.body.textContent).toContain(t.stale(clock(noon - 31_000)));
});

test('who did not answer is counted, and the rest is shown', () => {
  render(DataState<number[]>, { query: answered([1]), children: shown, missing: () => ({ missing: 2, all: 40 }) });
  expect(document.body.textContent).toContain(t.partial(2, 40));
  expect(document.body.textContent).toContain('sum 1');
});

test('when all answered, nobody is said to be missing', () => {
  render(DataState<number[]>, { query: answered([1]), children: shown, missing: () => ({ missing: 0, all: 40 }) });
  expect(document.body.textContent!.trim()).toBe('sum 1');
});

test('a small card says the same in one line', () => {
  const brief = (error: Problem) => {
    const { container, unmount } = render(DataState<number[]>, { query: answered<number[]>(undefined, { error }), children: shown, brief: true });
    const [text, alert] = [container.textContent!.trim(), container.querySelector('[role=alert]') !== null];
    unmount();
    return [text, alert];
  };
  expect(brief(busy)).toEqual(['Busy', true]);
  expect(brief(new Problem(0, 'No answer'))).toEqual([t.noAnswer, true]);
  expect(brief(no)).toEqual([t.forbiddenTitle, false]);
});

test('an error is gone when data comes', async () => {
  const { rerender } = render(DataState<number[]>, { query: answered<number[]>(undefined, { error: busy }), children: shown });
  await rerender({ query: answered([3]) });
  expect(screen.queryByRole('alert')).toBeNull();
  expect(document.body.textContent!.trim()).toBe('sum 3');
});

// The browser's clock is ten minutes off; what the server said this second is
// neither old because of it, nor is what is five minutes old fresh.
test.each([-600_000, 600_000])('a browser whose clock is %d ms off judges age by the server', (off) => {
  const here = noon + off;
  learn(new Date(noon).toUTCString(), here, here);
  const asOf = (age: number) => () => new Date(noon - age).toISOString();
  const first = render(DataState<number[]>, { query: answered([1], { at: here }), children: shown, asOf: asOf(1000) });
  expect(document.body.textContent).not.toContain(t.staleDetail);
  first.unmount();
  render(DataState<number[]>, { query: answered([1], { at: here }), children: shown, asOf: asOf(300_000) });
  expect(document.body.textContent).toContain(t.staleDetail);
  learn(new Date(noon).toUTCString(), noon, noon);
});
