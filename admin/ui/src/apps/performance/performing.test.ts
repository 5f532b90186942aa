// @vitest-environment happy-dom
import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import type { Schemas } from '../../api/client';
import { windowFor, windows } from '../../desk/desk.svelte';
import { Win, type Params } from '../../desk/windows.svelte';
import { inUtc, speak } from '../../i18n/index.svelte';
import * as files from '../../parts/save';
import { button, hands, refusal, screenOf, server, signIn, type Call, type Server } from '../../testing';
import { toasts } from '../../ui/toast.svelte';
import App from './App.svelte';
import { tick } from './figure';
import { t } from './strings';

// The canvas of a chart is not drawn without a browser: what it is given, and what
// it tells of the mouse, is all that is looked at.
type Hooks = { setSelect: ((u: Drawn) => void)[]; setCursor: ((u: Drawn) => void)[] };
type Drawn = { data: unknown[][]; scale: { min: number; max: number } | null; options: { hooks: Hooks }; select: { left: number; width: number }; cursor: { idx: number | null } };
const drawn = vi.hoisted((): { all: unknown[] } => ({ all: [] }));
vi.mock('uplot', () => ({
  default: class {
    scale: unknown = null;
    select = { left: 0, width: 0 };
    cursor: { idx: number | null } = { idx: null };
    over = document.createElement('div');
    ctx = { canvas: document.createElement('canvas') };
    constructor(
      readonly options: unknown,
      public data: unknown[][],
    ) {
      drawn.all.push(this);
    }
    setData = (data: unknown[][]): void => void (this.data = data);
    setScale = (_: string, scale: unknown): void => void (this.scale = scale);
    posToVal = (x: number): number => 1000 + x;
    valToPos = (x: number): number => x - 1000;
    setCursor = (): void => undefined;
    setSelect = (): void => undefined;
    setSize = (): void => undefined;
    redraw = (): void => undefined;
    destroy = (): void => void drawn.all.splice(drawn.all.indexOf(this), 1);
  },
}));
const charts = (): Drawn[] => drawn.all as Drawn[];

type Metrics = Schemas['Metrics'];
const MiB = 2 ** 20;
const start = 1_700_000_000;
const times = Array.from({ length: 10 }, (_, i) => start + i * 60);
const column = (series: Metrics['columns'][number]['series'], values: (number | null)[], node = '') => ({ series, node, values });

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;

beforeEach(() => {
  screenOf(1200, 800);
  drawn.all.length = 0;
  const drawing = new Proxy({} as CanvasRenderingContext2D, { get: (_, key) => (key === 'measureText' ? () => ({ width: 10 }) : () => undefined), set: () => true });
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(drawing as never);
  vi.spyOn(files, 'save').mockImplementation(() => undefined);
  user = hands();
  signIn('viewer');
  toasts.list = [];
  s = server()
    .on('GET /events', { items: [] })
    .on('GET /nodes', { items: [1, 2, 3, 4, 5, 6, 7].map(cluster.node), total: 7, as_of: new Date().toISOString(), stale: false })
    .on('GET /metrics/query', {
      step_seconds: 60,
      times,
      columns: [
        column('read_bytes', [1, 2, 3, 4, 5, 6, 7, 8, 9, 2].map((n) => n * MiB)),
        column('write_bytes', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        column('latency_p99', [1, 1, 1, 1, 1, 1, 1, 12.34, null, null]),
        column('used_bytes', times.map(() => null)),
      ],
    });
});
afterEach(() => void (windows.list = []));

async function open(params: Params = {}): Promise<void> {
  win = new Win('w1', 'performance', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[role=status][aria-busy=true]')).toBeNull());
}
const text = (): string => document.body.textContent.replace(/\s+/g, ' ');
const card = (title: string): HTMLElement => [...document.querySelectorAll<HTMLElement>('.chart')].find((c) => c.querySelector('h2')?.textContent === title) as HTMLElement;
const legend = (title: string): string[] => [...card(title).querySelectorAll('.legend li')].map((l) => l.textContent.replace(/\s+/g, ' ').trim());
const asked = (): Record<string, string>[] => s.sent('GET /metrics/query').map((c) => Object.fromEntries(c.query));
const cells = (): string[][] => [...document.querySelectorAll('tbody tr')].map((r) => [...r.children].map((c) => c.textContent));
const saved = (): [string, string] => {
  const [name, data] = vi.mocked(files.save).mock.calls[0] ?? ['', ''];
  return [name, String(data)];
};

describe('the charts', () => {
  test('series that belong together share one, with their newest figures in words', async () => {
    await open();
    await waitFor(() => expect(card(t.titles.throughput)).toBeTruthy());
    expect(legend(t.titles.throughput)).toEqual([`${t.series.read_bytes} 2 MiB/s`, `${t.series.write_bytes} 0 B/s`]);
    expect(asked()[0]?.range).toBe('1h');
    expect(asked()[0]?.series?.split(',')).toContain('latency_p99');
  });

  test('a figure of minutes ago is not told as the newest', async () => {
    await open();
    await waitFor(() => expect(card(t.titles.latency)).toBeTruthy());
    expect(legend(t.titles.latency)[0]).toContain('12.3 ms');
    s.on('GET /metrics/query', { step_seconds: 60, times, columns: [column('latency_p99', [9, ...times.slice(1).map(() => null)])] });
    await user.click(button(t.ranges['6h']));
    await waitFor(() => expect(legend(t.titles.latency)[0]).toBe(`${t.series.latency_p99} –`));
  });

  test('what has no figure has no chart', async () => {
    await open();
    await waitFor(() => expect(card(t.titles.throughput)).toBeTruthy());
    expect(card(t.titles.space)).toBeUndefined();
    expect(charts()).toHaveLength(2);
  });

  test('another range is asked for, and stands in the address', async () => {
    await open();
    await user.click(button(t.ranges['24h']));
    expect(win.params).toEqual({ range: '24h' });
    await waitFor(() => expect(asked().at(-1)?.range).toBe('24h'));
    expect(button(t.ranges['24h']).getAttribute('aria-pressed')).toBe('true');
  });

  test('a range that does not exist is the usual one', async () => {
    await open({ range: '99y' });
    expect(asked()[0]?.range).toBe('1h');
  });

  test('each chart says in words what it shows', async () => {
    await open();
    const label = await waitFor(() => card(t.titles.throughput).querySelector('[role=img]')?.getAttribute('aria-label') ?? '');
    expect(label).toContain(t.seriesSays(t.series.read_bytes, '2 MiB/s', '9 MiB/s'));
  });

  test('a history that has not begun says when it will', async () => {
    s.on('GET /metrics/query', { step_seconds: 60, times: [], columns: [] });
    await open();
    expect(text()).toContain(t.emptyDetail);
  });

  test('a fault names the request', async () => {
    s.refuse('GET /metrics/query', 503, 'No history');
    await open();
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
  });

  test('a window that is put away reads nothing', async () => {
    win = new Win('w1', 'performance', null);
    win.min = true;
    render(App, { win: windowFor(win) });
    await Promise.resolve();
    expect(s.calls).toHaveLength(0);
  });

  test('in UTC the axis tells UTC, as the table does', () => {
    vi.stubEnv('TZ', 'Asia/Tokyo');
    inUtc(true);
    try {
      expect(tick(Date.parse('2026-11-22T02:41:00Z') / 1000, 3600)).toBe('02:41');
      expect(tick(Date.parse('2026-11-22T23:10:00Z') / 1000, 7 * 86_400)).toMatch(/^Sun/);
    } finally {
      inUtc(false);
      vi.unstubAllEnvs();
    }
  });
});

describe('looking closer', () => {
  const seen = (): [number, number] | null => (charts()[0]?.scale ? [charts()[0]?.scale?.min ?? 0, charts()[0]?.scale?.max ?? 0] : null);
  const zoomed = (): HTMLElement | undefined => [...document.querySelectorAll<HTMLElement>('button')].find((b) => b.textContent.trim() === t.zoomOut);

  test('by button, step by step, and back to the whole', async () => {
    await open();
    await waitFor(() => expect(seen()).toEqual([start, start + 540]));
    await user.click(button(t.closer));
    await waitFor(() => expect(seen()).toEqual([start + 270, start + 540]));
    await user.click(button(t.before));
    await waitFor(() => expect(seen()).toEqual([start + 135, start + 405]));
    await user.click(button(t.wider));
    await waitFor(() => expect(seen()).toEqual([start, start + 540]));
    expect(zoomed()).toBeUndefined();
  });

  test('dragged in one chart, all show the same part', async () => {
    await open();
    await waitFor(() => expect(charts()).toHaveLength(2));
    const u = charts()[0] as Drawn;
    u.select = { left: start - 1000 + 60, width: 120 };
    u.options.hooks.setSelect[0]?.(u);
    await waitFor(() => expect(charts().map((c) => [c.scale?.min, c.scale?.max])).toEqual([[start + 60, start + 180], [start + 60, start + 180]]));
    expect(zoomed()).toBeTruthy();
  });

  test('a click is no drag', async () => {
    await open();
    await waitFor(() => expect(charts()).toHaveLength(2));
    const u = charts()[0] as Drawn;
    u.select = { left: 10, width: 2 };
    u.options.hooks.setSelect[0]?.(u);
    expect(zoomed()).toBeUndefined();
  });

  test('another range shows all of it', async () => {
    await open();
    await waitFor(() => expect(charts()).toHaveLength(2));
    await user.click(button(t.closer));
    await waitFor(() => expect(zoomed()).toBeTruthy());
    await user.click(button(t.ranges['6h']));
    await waitFor(() => expect(zoomed()).toBeUndefined());
  });

  test('the figures of a moment are told for all charts at once', async () => {
    await open();
    await waitFor(() => expect(charts()).toHaveLength(2));
    const u = charts()[0] as Drawn;
    u.cursor.idx = 7;
    u.options.hooks.setCursor[0]?.(u);
    await waitFor(() => expect(legend(t.titles.throughput)[0]).toContain('8 MiB/s'));
    expect(legend(t.titles.latency)[0]).toContain('12.3 ms');
    u.cursor.idx = 8; // where nothing is known, nothing is told
    u.options.hooks.setCursor[0]?.(u);
    await waitFor(() => expect(legend(t.titles.latency)[0]).toContain('–'));
  });

  test('keys move to a moment as the mouse does', async () => {
    await open();
    await waitFor(() => expect(charts()).toHaveLength(2));
    fireEvent.input(screen.getByLabelText(t.point), { target: { value: '2' } });
    await waitFor(() => expect(legend(t.titles.throughput)[0]).toContain('3 MiB/s'));
    fireEvent.keyDown(screen.getByLabelText(t.point), { key: 'Escape' });
    await waitFor(() => expect(legend(t.titles.throughput)[0]).toContain('2 MiB/s'));
  });
});

describe('comparing', () => {
  test('the time before is asked for beside it, and the change is told', async () => {
    s.on('GET /metrics/query', (c: Call) => {
      const before = Number(c.query.get('before') ?? 0);
      return { step_seconds: 60, times: times.map((x) => x - before), columns: [column('read_bytes', times.map(() => (before ? 1 : 2) * MiB))] };
    });
    await open({ compare: 'prior' });
    await waitFor(() => expect(legend(t.titles.throughput)[0]).toContain(t.was('1 MiB/s')));
    expect(legend(t.titles.throughput)[0]).toContain('+100 %');
    expect(asked().map((q) => q.before).toSorted()).toEqual(['3600', undefined]);
  });

  test('a time whose figures are not kept is not asked for', async () => {
    await open({ compare: 'prior', range: '7d' });
    expect(text()).toContain(t.notKept);
    expect(asked().map((q) => q.before)).toEqual([undefined]);
  });

  test('when the earlier figures do not come, those of now stand', async () => {
    s.on('GET /metrics/query', (c: Call) => (c.query.get('before') ? refusal(503, 'Too old') : { step_seconds: 60, times, columns: [column('read_bytes', times.map(() => MiB))] }));
    await open({ compare: 'day' });
    await waitFor(() => expect(text()).toContain(t.compareFailed));
    expect(legend(t.titles.throughput)[0]).toContain('1 MiB/s');
  });
});

describe('nodes', () => {
  const boxes = (): HTMLInputElement[] => [...document.querySelectorAll<HTMLInputElement>('dialog input[type=checkbox]')];

  test('at most six are chosen, and then shown', async () => {
    await open();
    await user.click(button(t.cluster));
    await waitFor(() => expect(boxes()).toHaveLength(7));
    for (const b of boxes().slice(0, 6)) await user.click(b);
    expect(boxes()[6]?.disabled).toBe(true);
    expect(text()).toContain(t.full('6'));
    await user.click(button(t.apply));
    expect(win.params).toEqual({ node: 'n1,n2,n3,n4,n5,n6' });
    await waitFor(() => expect(asked().at(-1)?.node).toBe('n1,n2,n3,n4,n5,n6'));
  });

  test('each has its line in each chart, by its name', async () => {
    s.on('GET /metrics/query', { step_seconds: 60, times, columns: [column('read_bytes', times.map(() => MiB), 'n1'), column('read_bytes', times.map(() => 2 * MiB), 'n2')] });
    await open({ node: 'n1,n2' });
    await waitFor(() => expect(legend(t.perNode.read_bytes)).toEqual(['loft-1 1 MiB/s', 'loft-2 2 MiB/s']));
    expect(button(t.nodes(2))).toBeTruthy();
  });

  test('a machine that is gone stands first, and can be given up', async () => {
    await open({ node: 'n99,n2' });
    await user.click(button(t.nodes(2)));
    await waitFor(() => expect(boxes()).toHaveLength(8));
    expect(text()).toContain(t.gone);
    await user.click(boxes()[0] as HTMLElement);
    await user.click(button(t.apply));
    expect(win.params).toEqual({ node: 'n2' });
  });

  test('Cancel chooses nothing', async () => {
    await open();
    await user.click(button(t.cluster));
    await waitFor(() => expect(boxes()).toHaveLength(7));
    await user.click(boxes()[0] as HTMLElement);
    await user.click(button(t.cancel));
    expect(win.params).toEqual({});
  });

  test('finding keeps those that are ticked', async () => {
    await open();
    await user.click(button(t.cluster));
    await waitFor(() => expect(boxes()).toHaveLength(7));
    await user.click(boxes()[0] as HTMLElement);
    await user.type(screen.getByLabelText(t.find), 'loft-7');
    expect(boxes()).toHaveLength(2);
    await user.click(boxes()[1] as HTMLElement);
    await user.click(button(t.apply));
    expect(win.params).toEqual({ node: 'n1,n7' });
  });
});

describe('the twin of a chart, and files', () => {
  test('a table tells the same figures, the newest first', async () => {
    await open();
    await waitFor(() => expect(card(t.titles.throughput)).toBeTruthy());
    await user.click(button(`${t.titles.throughput}: ${t.table}`));
    expect(cells()).toHaveLength(10);
    expect(cells()[0]?.slice(1)).toEqual(['2 MiB/s', '0 B/s']);
    expect(cells()[9]?.slice(1)).toEqual(['1 MiB/s', '0 B/s']);
  });

  test('a long table leaves points out, and says so', async () => {
    const many = Array.from({ length: 300 }, (_, i) => start + i * 60);
    s.on('GET /metrics/query', { step_seconds: 60, times: many, columns: [column('read_bytes', many.map((_, i) => i))] });
    await open();
    await waitFor(() => expect(card(t.titles.throughput)).toBeTruthy());
    await user.click(button(`${t.titles.throughput}: ${t.table}`));
    expect(cells()).toHaveLength(60);
    expect(cells()[0]?.[1]).toBe('299 B/s');
    expect(text()).toContain(t.sampled('60', '300'));
  });

  async function take(title: string, what: string): Promise<void> {
    await user.click(button(`${title}: ${t.export}`));
    await user.click(await screen.findByText(what));
  }

  test('CSV holds the raw figures of what is in sight, with their unit', async () => {
    await open();
    await waitFor(() => expect(card(t.titles.throughput)).toBeTruthy());
    await take(t.titles.throughput, t.csv);
    const [name, data] = saved();
    const all = data.trimEnd().split('\r\n');
    expect(name).toBe('throughput.csv');
    expect(all[0]).toBe(`${t.time},${t.series.read_bytes} (bytes/s),${t.series.write_bytes} (bytes/s)`);
    expect(all[1]).toBe(`${new Date(start * 1000).toISOString()},1048576,0`);
    expect(all).toHaveLength(11);
  });

  test('a gap is an empty cell, not nought', async () => {
    await open();
    await waitFor(() => expect(card(t.titles.latency)).toBeTruthy());
    await take(t.titles.latency, t.csv);
    expect(saved()[1].trimEnd().split('\r\n').at(-1)).toMatch(/Z,$/);
  });

  test('a picture is a file, and one that cannot be made is said', async () => {
    vi.spyOn(HTMLCanvasElement.prototype, 'toBlob').mockImplementation((done) => done(new Blob(['png'])));
    await open();
    await waitFor(() => expect(card(t.titles.throughput)).toBeTruthy());
    await take(t.titles.throughput, t.png);
    await waitFor(() => expect(saved()[0]).toBe('throughput.png'));
    vi.spyOn(HTMLCanvasElement.prototype, 'toBlob').mockImplementation((done) => done(null));
    await take(t.titles.throughput, t.png);
    await waitFor(() => expect(toasts.list).toMatchObject([{ tone: 'bad', text: t.noPicture }]));
  });
});

describe('what happened meanwhile', () => {
  test('warnings of the same time stand below, and lead to all of them', async () => {
    s.on('GET /events', { items: [{ id: '1', time: new Date(start * 1000).toISOString(), severity: 'warning', code: 'X', subject: 'loft-3', text: 'is suspect' }] });
    await open({ range: '6h' });
    await waitFor(() => expect(text()).toContain('loft-3 is suspect'));
    const query = s.sent('GET /events')[0]?.query;
    expect(query?.get('severity')).toBe('warning');
    expect(Math.round((Date.now() - Date.parse(query?.get('since') ?? '')) / 3_600_000)).toBe(6);
    await user.click(button(t.allEvents));
    expect(windows.top).toMatchObject({ app: 'activity', params: { tab: 'events', severity: 'warning' } });
  });
});

describe('the heat map', () => {
  const heat = { step_seconds: 60, times: times.slice(0, 3), total: 40, rows: [{ node: 'n1', name: 'loft-1', values: [1 * MiB, 9 * MiB, null] }, { node: 'n2', name: 'loft-2', values: [0, 2 * MiB, 3 * MiB] }] };
  const group = (): HTMLElement => document.querySelector<HTMLElement>('.cells') as HTMLElement;
  const saying = (): string => document.querySelector('.said')?.textContent ?? '';
  beforeEach(() => void s.on('GET /metrics/heat', heat));

  test('who stands out is said in words, and of how many', async () => {
    await open({ view: 'heat' });
    expect(saying()).toBe(t.heatTop('loft-1', '9 MiB/s'));
    expect(text()).toContain(t.heatSome('2', '40'));
    expect(s.sent('GET /metrics/heat').map((c) => [c.query.get('range'), c.query.get('series')])).toEqual([['1h', 'read_bytes']]);
  });

  test('keys go from cell to cell, and Enter opens the node', async () => {
    await open({ view: 'heat' });
    fireEvent.keyDown(group(), { key: 'ArrowRight' });
    await waitFor(() => expect(saying()).toContain(`loft-1`));
    expect(saying()).toContain(t.unknown);
    fireEvent.keyDown(group(), { key: 'ArrowDown' });
    await waitFor(() => expect(saying()).toContain('3 MiB/s'));
    fireEvent.keyDown(group(), { key: 'Enter' });
    expect(windows.top).toMatchObject({ app: 'nodes', params: { id: 'n2' } });
    fireEvent.keyDown(group(), { key: 'Escape' });
    await waitFor(() => expect(saying()).toBe(t.heatTop('loft-1', '9 MiB/s')));
  });

  test('the mouse tells the cell below it', async () => {
    await open({ view: 'heat' });
    fireEvent.pointerMove(group(), { clientX: 600, clientY: 30, pointerType: 'mouse' });
    await waitFor(() => expect(saying()).toContain('2 MiB/s'));
  });

  test('another figure and another range are asked for', async () => {
    await open({ view: 'heat' });
    await user.selectOptions(screen.getByLabelText(t.figures), 'latency_p99');
    await waitFor(() => expect(s.sent('GET /metrics/heat').at(-1)?.query.get('series')).toBe('latency_p99'));
    await user.click(button(t.ranges['24h']));
    await waitFor(() => expect(s.sent('GET /metrics/heat').at(-1)?.query.get('range')).toBe('24h'));
    expect(win.params).toEqual({ view: 'heat', series: 'latency_p99', range: '24h' });
  });

  test('its twin is a table, and its file has every figure', async () => {
    await open({ view: 'heat' });
    const title = t.heatTitle(t.perNode.read_bytes);
    await user.click(button(`${title}: ${t.table}`));
    expect(cells()).toEqual([
      ['loft-1', '1 MiB/s', '9 MiB/s', '–'],
      ['loft-2', '0 B/s', '2 MiB/s', '3 MiB/s'],
    ]);
    await user.click(button(`${title}: ${t.export}`));
    await user.click(await screen.findByText(t.csv));
    expect(saved()[0]).toBe('heat-read_bytes.csv');
    expect(saved()[1].split('\r\n')[1]).toBe('loft-1,1048576,9437184,');
  });

  test('no node has figures', async () => {
    s.on('GET /metrics/heat', { ...heat, rows: [], total: 0 });
    await open({ view: 'heat' });
    expect(text()).toContain(t.heatEmpty);
  });

  test('and back to the charts', async () => {
    await open({ view: 'heat', range: '6h' });
    await user.click(button(t.views.charts));
    expect(win.params).toEqual({ range: '6h' });
    await waitFor(() => expect(asked().at(-1)?.range).toBe('6h'));
  });
});

test('in German', async () => {
  await speak('de');
  try {
    await open();
    await waitFor(() => expect(card(t.titles.throughput)).toBeTruthy());
    expect(text()).not.toMatch(/undefined|\[object|Throughput|Whole cluster|Compare with/);
  } finally {
    await speak('en');
  }
});
