import { expect, test } from 'vitest';
import { secondsOf, sizeOf } from './parse';

test.each([
  ['500 GiB', 500 * 1024 ** 3],
  ['1.5t', 1.5 * 1024 ** 4],
  ['1,5 MB', 1.5 * 1024 ** 2],
  ['64 MiB/s', 64 * 1024 ** 2],
  ['0', 0],
  ['12', 12],
  ['', null],
  ['many', null],
  ['-1', null],
  ['9999999 PiB', null],
])('size %s is %s', (text, want) => expect(sizeOf(text)).toBe(want));

test.each([
  ['90', 90],
  ['10 min', 600],
  ['1 h 30 min', 5400],
  ['2d', 172_800],
  ['1.5h', 5400],
  ['', null],
  ['soon', null],
  ['10 min later', null],
])('time %s is %s', (text, want) => expect(secondsOf(text)).toBe(want));
