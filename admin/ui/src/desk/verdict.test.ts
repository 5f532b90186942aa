import { expect, test } from 'vitest';
import type { Schemas } from '../api/client';
import { faviconOf, shortOf, titleOf, toneOf } from './verdict';

function health(report: object): Schemas['Health'] {
  const repair = { eta_min_seconds: 0, eta_max_seconds: 0 };
  return { report: { at_risk: { volumes: 214 }, unavailable: { volumes: 12 }, repair, ...report } } as unknown as Schemas['Health'];
}

test('the pill says the word and the one number that matters', () => {
  expect(shortOf(undefined)).toBe('Unknown');
  expect(shortOf(health({ verdict: 'protected' }))).toBe('Protected');
  expect(shortOf(health({ verdict: 'at_risk' }))).toBe('At risk 214');
  expect(shortOf(health({ verdict: 'unavailable' }))).toBe('Data unavailable 12');
  expect(shortOf(health({ verdict: 'repairing' }))).toBe('Repairing');
  expect(shortOf(health({ verdict: 'repairing', repair: { eta_min_seconds: 660, eta_max_seconds: 1140 } }))).toBe('Repairing 11–19 min');
  expect(shortOf(health({ verdict: 'repairing', repair: { eta_min_seconds: 660, eta_max_seconds: 1140, stalled: 'full' } }))).toBe('Repairing');
});

test('a verdict of a newer server is unknown, not an error', () => {
  expect(toneOf('melting')).toBe('none');
  expect(['at_risk', 'unavailable', 'read_only'].map(toneOf)).toEqual(['bad', 'bad', 'warn']); // red is for risk to data
  expect(shortOf(health({ verdict: 'melting' }))).toBe('Unknown');
});

test('the title marks what somebody should look at', () => {
  expect(titleOf(health({ verdict: 'protected' }), 'attic')).toBe('Protected – attic');
  expect(titleOf(health({ verdict: 'at_risk' }), 'attic')).toBe('(!) At risk 214 – attic');
});

test('each tone has an icon of its own shape', () => {
  const icons = (['ok', 'busy', 'warn', 'bad', 'none'] as const).map(faviconOf);
  expect(new Set(icons).size).toBe(5);
  for (const icon of icons) expect(decodeURIComponent(icon)).toMatch(/^data:image\/svg\+xml,<svg .*<\/svg>$/);
});
