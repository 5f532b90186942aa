import { expect, test, vi } from 'vitest';
import { Problem } from '../api/problem';
import { makeFolders } from './folders';

// made runs it against a server that refuses some, and tells what was asked for.
async function made(dir: string, paths: string[], refused: Record<string, Problem> = {}): Promise<string[]> {
  const asked: string[] = [];
  const mkdir = async (path: string): Promise<void> => {
    asked.push(path);
    const why = refused[path];
    if (why) throw why;
  };
  await makeFolders({ mkdir }, dir, paths);
  return asked;
}

test('a folder is made after the one it is in', async () => {
  expect(await made('/Docs', ['a/b/c'])).toEqual(['/Docs/a', '/Docs/a/b', '/Docs/a/b/c']);
});

test('a folder that several are in is made once', async () => {
  expect(await made('/', ['a/x', 'a/y', 'a'])).toEqual(['/a', '/a/x', '/a/y']);
});

test('one that is there already is fine', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  expect(await made('/', ['a/b'], { '/a': new Problem(409, 'Exists', '', 'exists') })).toEqual(['/a', '/a/b']);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

test('one that is refused does not stop the others', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  expect(await made('/', ['bad', 'good'], { '/bad': new Problem(403, 'No', '', 'denied') })).toEqual(['/bad', '/good']);
  expect(warn).toHaveBeenCalledOnce();
  warn.mockRestore();
});

test('nothing to make asks for nothing', async () => {
  expect(await made('/', [])).toEqual([]);
});
