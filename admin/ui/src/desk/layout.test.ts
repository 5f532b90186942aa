import { describe, expect, test } from 'vitest';
import { limit, link, linked, placed, save, sound } from './layout';
import { soundLook } from './look.svelte';
import { Windows } from './windows.svelte';

const look = soundLook({});

describe('save and sound', () => {
  test('a layout comes back as it was', () => {
    const desk = new Windows();
    desk.open('nodes', { w: 600, h: 400 }, { id: 'dn-7' });
    const b = desk.open('files', { w: 600, h: 400 }, { path: '/a b/ü' });
    desk.snap(b, 'right');
    b.pinned = true;
    const back = sound(JSON.parse(JSON.stringify(save(desk.list, desk.area, ['files', 'nodes'], look, 7))));
    expect(back?.at).toBe(7);
    expect(back?.windows.map((w) => [w.app, w.params, w.snap, w.pinned])).toEqual([
      ['nodes', { id: 'dn-7' }, null, false],
      ['files', { path: '/a b/ü' }, 'right', true],
    ]);
    const saved = back?.windows[1];
    expect(saved && placed(saved, desk.area).rect).toEqual(b.rect);
    expect(back?.icons).toEqual(['files', 'nodes']);
  });

  test('it never grows beyond what the server takes', () => {
    const desk = new Windows();
    for (let i = 0; i < 24; i++) desk.open('files', { w: 600, h: 400 }, { path: `/${i}/${'x'.repeat(2000)}` });
    const layout = save(desk.list, desk.area, [], look, 0);
    expect(JSON.stringify(layout).length).toBeLessThanOrEqual(limit);
    expect(layout.windows.at(-1)?.params.path?.startsWith('/23/')).toBe(true);
  });
});

describe('what is wrong is left out', () => {
  test.each([null, 7, 'x', [], {}, { version: 99 }])('%j is no layout', (v) => expect(sound(v)).toBeNull());

  test('a window of an unknown app, without a place, with a place beyond reason', () => {
    const rect = { x: 0, y: 0, w: 0.5, h: 0.5 };
    const windows = [
      { app: 'nonsense', rect },
      { app: 'nodes' },
      { app: 'nodes', rect: { ...rect, x: 1e9 } },
      { app: 'nodes', rect: { ...rect, w: 'wide' } },
      { app: 'nodes', rect, snap: 'sideways', params: { id: 7, tab: 'disks' }, restore: 'no' },
      null,
    ];
    expect(sound({ version: 1, windows, icons: [1, 'files'], look: { theme: 'pink' } })).toMatchObject({
      windows: [{ app: 'nodes', snap: null, params: { tab: 'disks' }, restore: null, min: false }],
      icons: ['files'],
      look: { theme: 'auto' },
    });
  });

  test('a look keeps what is right', () => {
    expect(soundLook({ theme: 'dark', density: 'huge', contrast: 'yes', utc: true })).toMatchObject({
      theme: 'dark',
      density: 'default',
      contrast: false,
      utc: true,
      letters: true,
    });
  });
});

test('the limit is in bytes, as the server counts', () => {
  const desk = new Windows();
  for (let i = 0; i < 24; i++) desk.open('files', { w: 600, h: 400 }, { path: `/${i}/${'ü€'.repeat(300)}` });
  const layout = save(desk.list, desk.area, [], look, 0);
  expect(new TextEncoder().encode(JSON.stringify(layout)).length).toBeLessThanOrEqual(limit);
  expect(layout.windows.length).toBeGreaterThan(5);
});

test('apps that stay in the taskbar come back once each, and only those there are', () => {
  const saved = save([], new Windows().area, [], look, 1, ['files', 'nodes']);
  expect(sound(JSON.parse(JSON.stringify(saved)))?.kept).toEqual(['files', 'nodes']);
  expect(sound({ version: 1, kept: ['files', 7, 'nonsense', 'files'] })?.kept).toEqual(['files']);
  expect(sound({ version: 1 })?.kept).toEqual([]);
});

test('a link opens the same windows elsewhere, whatever they are called', () => {
  const desk = new Windows();
  desk.open('nodes', { w: 600, h: 400 }, { id: 'dn-7', tab: 'disks' });
  desk.snap(desk.open('files', { w: 600, h: 400 }, { path: '/日本/ü b?&=+' }), 'right');
  const to = link(desk.list, desk.area, look);
  expect(to).toMatch(/^\/\?layout=[\w-]+$/);
  const back = linked(new URL(to ?? '', 'http://x').search);
  expect(back?.map((w) => [w.app, w.params, w.snap])).toEqual([
    ['nodes', { id: 'dn-7', tab: 'disks' }, null],
    ['files', { path: '/日本/ü b?&=+' }, 'right'],
  ]);
});

test('a link that is none, is too long, or asks for something to be done', () => {
  for (const s of ['', '?layout=', '?layout=%00', '?layout=!!!', `?layout=${btoa('{"version":1}')}`, `?layout=${btoa('\xff\xfe')}`, `?layout=${'a'.repeat(7000)}`]) expect(linked(s), s).toBeNull();
  const bad = btoa(JSON.stringify({ version: 1, windows: [{ app: 'files', rect: { x: 0, y: 0, w: 1, h: 1 }, params: { do: 'upload', path: '/a' } }] }));
  expect(linked(`?layout=${bad}`)?.[0]?.params).toEqual({ path: '/a' });
  const desk = new Windows();
  for (let i = 0; i < 24; i++) desk.open('files', { w: 600, h: 400 }, { path: `/${'x'.repeat(400)}${i}` });
  expect(link(desk.list, desk.area, look)).toBeNull();
});
