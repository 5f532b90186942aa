import { expect, test } from 'vitest';
import { Pages, type Page } from './pages.svelte';
import { csv, jsonLines } from './save';

const settled = () => new Promise((r) => setTimeout(r));

function list(): { pages: Pages<number>; asked: (string | undefined)[] } {
  const asked: (string | undefined)[] = [];
  const load = async (cursor: string | undefined): Promise<Page<number>> => {
    asked.push(cursor);
    const from = Number(cursor ?? 0);
    return { items: [from, from + 1], next_cursor: from < 4 ? String(from + 2) : undefined };
  };
  return { pages: new Pages(load), asked };
}

test('pages are read on as one scrolls, and no further than the end', async () => {
  const { pages, asked } = list();
  await pages.refresh();
  expect(pages.source().count).toBe(3);
  pages.source().want(0, 2);
  expect(pages.loading).toBe(false);
  pages.source().want(0, 3);
  await settled();
  expect(pages.data?.items).toEqual([0, 1, 2, 3]);
  pages.more();
  await settled();
  pages.more();
  await settled();
  expect(pages.data?.items.length).toBe(6);
  expect(pages.source().count).toBe(6);
  expect(asked).toEqual([undefined, '2', '4']);
});

test('a fault keeps what was read', async () => {
  let fail = false;
  const pages = new Pages<number>(async () => {
    if (fail) throw new Error('away');
    return { items: [1], next_cursor: 'x' };
  });
  await pages.refresh();
  fail = true;
  pages.more();
  await settled();
  expect(pages.data?.items).toEqual([1]);
  expect(pages.error?.detail).toBe('away');
});

test('after a fault the next page is not asked for again and again, but when somebody asks', async () => {
  let asked = 0;
  const pages = new Pages<number>(async (cursor) => {
    asked++;
    if (cursor) throw new Error('away');
    return { items: [1], next_cursor: 'x' };
  });
  await pages.refresh();
  for (let i = 0; i < 5; i++) {
    pages.source().want(0, 2);
    await settled();
  }
  expect(asked).toBe(2);
  await pages.refresh();
  pages.source().want(0, 2);
  await settled();
  expect(asked).toBe(4);
});

test('an answer that comes after a restart is dropped', async () => {
  const answers: ((p: Page<number>) => void)[] = [];
  const pages = new Pages<number>(() => new Promise((r) => answers.push(r)));
  void pages.refresh();
  pages.restart();
  answers[1]?.({ items: [2] });
  answers[0]?.({ items: [1] });
  await settled();
  expect(pages.data?.items).toEqual([2]);
  pages.prepend(9);
  expect(pages.data?.items).toEqual([9, 2]);
});

test('csv quotes, and defuses formulas', () => {
  const columns = [
    { id: 'a', title: 'A, B', text: (r: string) => r },
    { id: 'n', title: 'N', text: () => '-3' },
  ];
  expect(csv(columns, ['x"y', '=cmd()'])).toBe('"A, B",N\r\n"x""y",-3\r\n\'=cmd(),-3\r\n');
  expect(jsonLines([{ a: 1 }, { a: 2 }])).toBe('{"a":1}\n{"a":2}\n');
});
