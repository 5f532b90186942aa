import { expect, test } from 'vitest';
import { Typed } from './typed';

test('letters in a row are a word, a pause begins another', () => {
  const typed = new Typed();
  expect([typed.add('D', 0), typed.add('n', 300), typed.add('-', 1000), typed.add('x', 1900)]).toEqual(['d', 'dn', 'dn-', 'x']);
});
