import { expect, test } from 'vitest';
import { decode } from './text';

const of = (s: string) => new TextEncoder().encode(s);

test('whole text', () => expect(decode(of('Grüße'), 7)).toEqual({ text: 'Grüße', cut: false, binary: false }));

test('a character at the cut is left away', () => {
  expect(decode(of('aü').slice(0, 2), 3)).toEqual({ text: 'a', cut: true, binary: false });
});

test('markup stays text', () => expect(decode(of('<script>x</script>'), 18).text).toBe('<script>x</script>'));

test('bytes are not shown', () => expect(decode(new Uint8Array([1, 0, 2]), 3).binary).toBe(true));
