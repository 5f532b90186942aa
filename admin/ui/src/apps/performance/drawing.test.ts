// @vitest-environment happy-dom
import { fireEvent, render, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { windows } from '../../desk/desk.svelte';
import { answered, button, hands, screenOf, signIn } from '../../testing';
import type { Schemas } from '../../api/client';
import type { Heat } from './heat';
import HeatGrid from './HeatGrid.svelte';
import Marks from './Marks.svelte';
import { draw, type Sheet } from './png';
import { t } from './strings';

// What is drawn, in order: a canvas without a browser draws nothing.
type Mark = [what: string, ...of: unknown[]];
let drawn: Mark[];

beforeEach(() => {
  screenOf(300, 200);
  signIn('viewer');
  drawn = [];
  let fill: unknown = '';
  const pen = new Proxy({} as CanvasRenderingContext2D, {
    get: (_, key) => (key === 'measureText' ? (text: string) => ({ width: text.length * 10 }) : (...of: unknown[]) => void drawn.push([String(key), ...of, fill])),
    set: (_, key, value) => (key === 'fillStyle' && (fill = value), true),
  });
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(pen as never);
});
afterEach(() => void (windows.list = []));

const of = (what: string): Mark[] => drawn.filter((d) => d[0] === what);

describe('a picture', () => {
  const sheet = (more: Partial<Sheet> = {}): Sheet => {
    const drawing = Object.assign(document.createElement('canvas'), { width: 400, height: 200 });
    return { title: 'Throughput', sub: 'the last hour', entries: [], drawing, paper: 'paper', ink: 'ink', soft: 'soft', font: 'Inter', ratio: 2, ...more };
  };
  const said = (): unknown[] => of('fillText').map((d) => d[1]);

  test('says by itself what it shows, and has its own paper', () => {
    draw(sheet({ entries: [{ name: 'Reads', colour: 'red', dash: false }] }));
    expect(said()).toEqual(expect.arrayContaining(['Throughput', 'the last hour', 'Reads']));
    expect(of('fillRect')[0]?.at(-1)).toBe('paper');
    expect(of('drawImage')).toHaveLength(1);
  });

  test('is higher for each row of its legend', () => {
    const entry = (name: string) => ({ name, colour: 'red', dash: false });
    const none = draw(sheet()).height;
    const one = draw(sheet({ entries: [entry('Reads')] })).height;
    const two = draw(sheet({ entries: [entry('Reads of everything'), entry('Writes of everything')] })).height;
    expect(one - none).toBe(two - one);
    expect(one).toBeGreaterThan(none);
  });

  test('of rows has their names, and room for them', () => {
    const plain = draw(sheet()).width;
    expect(draw(sheet({ rows: ['loft-1', 'loft-2'] })).width).toBeGreaterThan(plain);
    expect(said()).toEqual(expect.arrayContaining(['loft-1', 'loft-2']));
  });

  test('a name without end does not widen it without end', () => {
    const plain = draw(sheet()).width;
    expect(draw(sheet({ rows: ['x'.repeat(500)] })).width - plain).toBe(160 * 2);
  });
});

describe('the grid of the heat map', () => {
  const heat: Heat = { step_seconds: 60, total: 2, times: [0, 60, 120], rows: [{ node: 'n1', name: 'loft-1', values: [0, 8, null] }, { node: 'n2', name: 'loft-2', values: [4, 2, 1] }] };
  const group = (): HTMLElement => document.querySelector('.cells') as HTMLElement;
  const saying = (): string => document.querySelector('.said')?.textContent ?? '';
  const grid = (of: Heat = heat) => render(HeatGrid, { heat: of, unit: 'rate', title: 'Reads', rowsText: '2 nodes' });

  test('an unknown figure is a thin line, not a pale cell', async () => {
    grid();
    await waitFor(() => expect(of('fillRect')).toHaveLength(6));
    expect(of('fillRect').map((d) => d[4])).toEqual([22, 22, 2, 22, 22, 22]);
  });

  test('keys stop at the edges, Escape leaves, and other keys are the page’s', async () => {
    grid();
    const top = saying();
    for (const key of ['Home', 'ArrowLeft', 'ArrowUp']) fireEvent.keyDown(group(), { key });
    await waitFor(() => expect(saying()).toContain('loft-1'));
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown']) fireEvent.keyDown(group(), { key });
    await waitFor(() => expect(saying()).toContain('loft-2'));
    expect(fireEvent.keyDown(group(), { key: 'a' })).toBeTruthy();
    const before = saying();
    fireEvent.keyDown(group(), { key: 'ArrowUp', ctrlKey: true });
    expect(saying()).toBe(before);
    fireEvent.keyDown(group(), { key: 'Escape' });
    await waitFor(() => expect(saying()).toBe(top));
  });

  test('the mouse that leaves takes its cell along, except from who works by keys', async () => {
    grid();
    const top = saying();
    fireEvent.pointerMove(group(), { clientX: 10, clientY: 30, pointerType: 'mouse' });
    await waitFor(() => expect(saying()).toContain('loft-2'));
    fireEvent.pointerLeave(group(), { pointerType: 'mouse' });
    await waitFor(() => expect(saying()).toBe(top));
    group().focus();
    fireEvent.pointerMove(group(), { clientX: 10, clientY: 30, pointerType: 'mouse' });
    fireEvent.pointerLeave(group(), { pointerType: 'mouse' });
    await waitFor(() => expect(saying()).toContain('loft-2'));
  });

  test('a cell that is gone with its row is not told any more', async () => {
    const { rerender } = grid();
    fireEvent.pointerMove(group(), { clientX: 10, clientY: 30, pointerType: 'mouse' });
    await waitFor(() => expect(saying()).toContain('loft-2'));
    await rerender({ heat: { ...heat, rows: heat.rows.slice(0, 1) } });
    expect(saying()).toContain('loft-1');
  });

  test('a name opens its node, and so does a double click on a cell', async () => {
    const user = hands();
    grid();
    await user.click(button('loft-1'));
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n1' } });
    fireEvent.pointerMove(group(), { clientX: 10, clientY: 30, pointerType: 'mouse' });
    fireEvent.dblClick(group());
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n2' } });
  });
});

describe('what the marks stand for', () => {
  const event = (i: number): Schemas['Event'] => ({ id: String(i), time: new Date(1.7e12 + i * 1000).toISOString(), severity: 'warning', code: 'X', subject: `loft-${i}`, text: 'is suspect' });

  test('no more than a dozen are told, the rest is one press away', () => {
    render(Marks, { props: { events: answered<Schemas['EventList']>({ items: Array.from({ length: 20 }, (_, i) => event(i)) }) } });
    expect(document.querySelectorAll('li')).toHaveLength(12);
    expect(button(t.allEvents)).toBeTruthy();
  });

  test('a calm time says so', () => {
    render(Marks, { props: { events: answered<Schemas['EventList']>({ items: [] }) } });
    expect(document.body.textContent).toContain(t.noEvents);
  });
});
