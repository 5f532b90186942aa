import { describe, expect, test } from 'vitest';
import { backoff, Parser } from './sse';

const all = (...chunks: string[]): string[] => {
  const parser = new Parser();
  return chunks.flatMap((c) => parser.push(c)).map((e) => `${e.id}|${e.topic}|${e.data}`);
};

describe('the text of a stream', () => {
  test('an event has its id, its topic and its data', () => {
    expect(all('id: 7\nevent: health\ndata: {"a":1}\n\n')).toEqual(['7|health|{"a":1}']);
  });

  test('however it is cut on the way, the events are the same', () => {
    const text = 'id: 1\nevent: a\ndata: x\n\n: ping\n\nid: 2\r\nevent: b\r\ndata: y\r\n\r\ndata: z\n\n';
    const whole = all(text);
    expect(whole).toEqual(['1|a|x', '2|b|y', '2|message|z']);
    for (let cut = 1; cut < text.length; cut++) expect(all(text.slice(0, cut), text.slice(cut)), `cut at ${cut}`).toEqual(whole);
    expect(all(...text)).toEqual(whole);
  });

  test('lines may end in any of the three ways', () => {
    expect(all('data: a\r\rdata: b\n\ndata: c\r\n\r\n ')).toEqual(['|message|a', '|message|b', '|message|c']);
  });

  test('data of several lines is one event', () => {
    expect(all('data: one\ndata: two\ndata\n\n')).toEqual(['|message|one\ntwo\n']);
  });

  test('pings and events without data are no events', () => {
    expect(all(': hello\n\n', 'event: a\n\n', 'retry: 10\n\n', 'data: x\n\n')).toEqual(['|message|x']);
  });

  test('only the first space after the colon is not part of the value', () => {
    expect(all('data:  x\n\n', 'data:y:z\n\n')).toEqual(['|message| x', '|message|y:z']);
  });

  test('a stream without an end of line is not kept without bound', () => {
    const parser = new Parser();
    const piece = 'x'.repeat(1 << 20);
    expect(() => {
      for (let i = 0; i < 5; i++) parser.push(piece);
    }).toThrow('4 MiB');
  });

  test('nor is one of ever more lines of data', () => {
    const parser = new Parser();
    const line = `data: ${'x'.repeat(1 << 20)}\n`;
    expect(() => {
      for (let i = 0; i < 6; i++) parser.push(line);
    }).toThrow('4 MiB');
  });
});

describe('the wait before the next try', () => {
  test('doubles up to half a minute and no further', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 1000].map((n) => backoff(n, () => 0))).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('differs from page to page, by at most half', () => {
    for (let n = 0; n < 8; n++) {
      expect(backoff(n, () => 0.999)).toBeGreaterThanOrEqual(backoff(n, () => 0) / 2 - 1);
      expect(backoff(n, () => 0.5)).toBe(backoff(n, () => 0) * 0.75);
    }
  });
});
