import { expect, test } from 'vitest';
import { chosen, entriesOf, walk } from './walk';

type Tree = { [name: string]: Tree | string };

// A browser's directory reader answers in pages and ends with an empty one.
function entry(name: string, content: Tree | string): FileSystemEntry {
  if (typeof content === 'string') {
    const file = (ok: (f: File) => void, no: (e: Error) => void) => (content === 'unreadable' ? no(new Error('denied')) : ok(new File([content], name)));
    return { isFile: true, isDirectory: false, name, file } as unknown as FileSystemEntry;
  }
  const createReader = () => {
    const left = Object.entries(content).map(([n, c]) => entry(n, c));
    return { readEntries: (ok: (e: FileSystemEntry[]) => void) => ok(left.splice(0, 2)) };
  };
  return { isFile: false, isDirectory: true, name, createReader } as unknown as FileSystemEntry;
}

test('all below, in pages, with the empty folders', async () => {
  const tree: Tree = { a: '1', b: '2', c: '3', sub: { d: '4', empty: {} } };
  const found = await walk([entry('top', tree), entry('x.txt', 'x')]);
  expect(found.files.map((f) => f.path)).toEqual(['top/a', 'top/b', 'top/c', 'top/sub/d', 'x.txt']);
  expect(found.folders).toEqual(['top/sub/empty']);
  expect(found.more).toBe(false);
});

test('what cannot be read is named, and the rest goes on', async () => {
  const found = await walk([entry('top', { a: 'unreadable', b: '2' })]);
  expect(found.files.map((f) => f.path)).toEqual(['top/b']);
  expect(found.skipped).toEqual(['top/a']);
});

test('a folder that holds itself ends', async () => {
  const loop: Tree = {};
  loop['again'] = loop;
  const found = await walk([entry('top', loop)]);
  expect(found.skipped.length).toBe(1);
});

test('names become NFC', async () => {
  const found = await walk([entry('u\u0308', { 'o\u0308.txt': '' })]);
  expect(found.files[0]?.path).toBe('\u00fc/\u00f6.txt');
});

test('only files of a drop are taken', () => {
  const items = [
    { kind: 'string', webkitGetAsEntry: () => null },
    { kind: 'file', webkitGetAsEntry: () => entry('a', 'x') },
  ] as unknown as DataTransferItem[];
  expect(entriesOf(items).map((e) => e.name)).toEqual(['a']);
});

test('a chosen folder keeps its paths', () => {
  const file = new File(['x'], 'a.txt');
  Object.defineProperty(file, 'webkitRelativePath', { value: 'top/a.txt' });
  expect(chosen([file, new File([], 'b.txt')]).files.map((f) => f.path)).toEqual(['top/a.txt', 'b.txt']);
});
