import { expect, test } from 'vitest';
import { appUrl, archiveFits, archiveUrl, contentUrl, davUrl } from './urls';

test('a path is one parameter, whatever is in it', () => {
  const url = new URL(contentUrl('/a&inline=1/ü #?.txt'), 'http://x');
  expect(url.searchParams.get('path')).toBe('/a&inline=1/ü #?.txt');
  expect(url.searchParams.get('inline')).toBeNull();
  expect(new URL(contentUrl('/a.png', true), 'http://x').searchParams.get('inline')).toBe('1');
});

test('each name of an archive is its own parameter', () => {
  const url = new URL(archiveUrl('/d', ['a,b', 'c&d']), 'http://x');
  expect(url.pathname).toBe('/api/v1/fs/archive');
  expect(url.searchParams.getAll('name')).toEqual(['a,b', 'c&d']);
});

test('an archive of too many names does not fit an address', () => {
  expect(archiveFits('/d', ['a'])).toBe(true);
  expect(archiveFits('/d', Array.from({ length: 600 }, (_, i) => `file number ${i}`))).toBe(false);
});

test('WebDAV addresses are escaped by name', () => {
  expect(davUrl('http://h:8080/', '/a b/50%.txt', false)).toBe('http://h:8080/a%20b/50%25.txt');
  expect(davUrl('http://h:8080', '/a', true)).toBe('http://h:8080/a/');
  expect(davUrl('http://h:8080', '/', true)).toBe('http://h:8080/');
});

test('the address of a folder', () => {
  expect(appUrl('/')).toBe('/d/files');
  expect(appUrl('/a b')).toBe('/d/files?path=%2Fa+b');
});
