import { afterEach, expect, test, vi } from 'vitest';
import type { Verdict } from '../model/verdict';
import { permission, request, show, Watch, worse } from './notify';

afterEach(() => vi.unstubAllGlobals());

test('told is what got worse and is in danger, and never the first look or a blind one', () => {
  expect(worse(undefined, 'unavailable')).toBe(false);
  expect(worse('protected', 'repairing')).toBe(false);
  expect(worse('protected', 'at_risk')).toBe(true);
  expect(worse('at_risk', 'unavailable')).toBe(true);
  expect(worse('unavailable', 'at_risk')).toBe(false);
  const told: string[] = [];
  const watch = new Watch((r) => told.push(r.verdict));
  const see = (verdict: Verdict, wanted = true): void => watch.see({ verdict, sentence: '' }, wanted);
  for (const v of ['at_risk', 'unknown', 'at_risk', 'protected', 'unknown', 'at_risk', 'at_risk', 'unavailable'] as const) see(v);
  expect(told).toEqual(['at_risk', 'unavailable']);
  see('protected');
  see('at_risk', false); // seen, not told
  see('at_risk');
  expect(told).toHaveLength(2);
});

test('where the browser has none, nothing is asked', async () => {
  expect(permission()).toBe('none');
  expect(await request()).toBe('none');
});

test('a press on it closes it and opens what it is about', async () => {
  const made: { title: string; options: object; onclick?: () => void; closed: boolean }[] = [];
  class Fake {
    static permission = 'default';
    static requestPermission = async (): Promise<string> => 'granted';
    onclick?: () => void;
    closed = false;
    constructor(
      readonly title: string,
      readonly options: object,
    ) {
      made.push(this);
    }
    close(): void {
      this.closed = true;
    }
  }
  vi.stubGlobal('Notification', Fake);
  vi.stubGlobal('isSecureContext', true);
  const focus = vi.fn();
  vi.stubGlobal('window', { focus });
  expect([permission(), await request()]).toEqual(['default', 'granted']);
  const open = vi.fn();
  show('At risk', '214 volumes', open);
  made[0]?.onclick?.();
  expect(made[0]).toMatchObject({ title: 'At risk', options: { body: '214 volumes', tag: 'ken-verdict' }, closed: true });
  expect([focus.mock.calls.length, open.mock.calls.length]).toEqual([1, 1]);
});
