import { describe, expect, test } from 'vitest';
import { field, read, show, type Setting } from './values';

const setting = (more: Partial<Setting>): Setting => ({ name: 'x', group: 'repair', title: 'X', description: '', kind: 'integer', value: '1', default: '1', ...more });
const words = { on: 'On', off: 'Off', none: 'Not set' };
const copies = setting({ min: '1', max: '3' });
const speed = setting({ kind: 'bytes', unit: 'bytes_per_second', min: '1048576', max: '1099511627776' });
const grace = setting({ kind: 'seconds', min: '1', max: '2592000' });
const silence = setting({ kind: 'integer', unit: 'milliseconds', min: '1000', max: '60000' });

describe('a value in its field is the same value read back', () => {
  test.each([
    [copies, '2'],
    [speed, '67108864'],
    [speed, '67108865'],
    [grace, '600'],
    [grace, '601'],
    [grace, '86400'],
    [silence, '5000'],
    [silence, '1500'],
    [setting({ kind: 'boolean' }), 'true'],
  ])('%o %s', (s, value) => expect(read(s, field(s, value))).toEqual({ value }));
});

test.each([
  [speed, '67108864', '64 MiB/s'],
  [grace, '600', '10 min'],
  [silence, '5000', '5 s'],
  [silence, '1500', '1,500 ms'],
  [setting({ kind: 'boolean' }), 'false', 'Off'],
  [setting({ kind: 'text' }), '', 'Not set'],
])('%o %s is read as %s', (s, value, want) => expect(show(s, value, words)).toBe(want));

test.each([
  [copies, '4', 'range'],
  [copies, 'two', 'number'],
  [speed, 'fast', 'size'],
  [speed, '1 KiB', 'range'],
  [grace, 'soon', 'time'],
  [silence, '2 h', 'range'],
])('%o refuses %s', (s, text, fault) => expect(read(s, text)).toEqual({ fault }));

test('zero is for the server to judge', () => expect(read(speed, '0')).toEqual({ value: '0' }));

test('people’s units', () => {
  expect(read(speed, '100 MiB/s')).toEqual({ value: '104857600' });
  expect(read(grace, '1 h 30 min')).toEqual({ value: '5400' });
  expect(read(silence, '10 s')).toEqual({ value: '10000' });
});
