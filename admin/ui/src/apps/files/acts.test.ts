import { expect, test } from 'vitest';
import { factsOf, inParts } from './acts';

const would = (paths: readonly string[], complete = true) => ({ deleted: paths.length, files: paths.length, directories: 1, bytes: 10, complete, failed: [] as { path: string; title: string }[] });

test('many paths go in parts, and their answers are one', async () => {
  const asked: number[] = [];
  const paths = Array.from({ length: 2500 }, (_, i) => `/f${i}`);
  const sum = await inParts(paths, 1000, async (part) => {
    asked.push(part.length);
    return { ...would(part, part.length === 1000), failed: [{ path: part[0] ?? '', title: 'Locked' }] };
  });
  expect(asked).toEqual([1000, 1000, 500]);
  expect(sum).toMatchObject({ deleted: 2500, files: 2500, directories: 3, bytes: 30, complete: false });
  expect(sum.failed.map((f) => f.path)).toEqual(['/f0', '/f1000', '/f2000']);
});

test('a request that fails ends it', async () => {
  let n = 0;
  const all = inParts(['/a', '/b', '/c'], 1, async (part) => {
    if (++n === 2) throw new Error('away');
    return would(part);
  });
  await expect(all).rejects.toThrow('away');
  expect(n).toBe(2);
});

test('what is asked before deleting: counts, what is not counted, and the first refusals', () => {
  const facts = factsOf({ files: 3, directories: 0, bytes: 2048, complete: false, failed: Array.from({ length: 9 }, (_, i) => ({ path: `/x/${i}`, title: 'Locked' })) });
  expect(facts.map((f) => [f.value, f.danger])).toEqual([
    ['3', false],
    ['2 KiB', false],
    [expect.any(String), true],
    ['Locked', true],
    ['Locked', true],
    ['Locked', true],
  ]);
  expect(factsOf({ files: 0, directories: 0, bytes: 0, failed: [] })).toEqual([]);
});
