// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as cluster from '../../../e2e/fixture/cluster';
import { windowFor, windows } from '../../desk/desk.svelte';
import { Win, type Params } from '../../desk/windows.svelte';
import { speak } from '../../i18n/index.svelte';
import { button, hands, screenOf, server, signIn, type Server } from '../../testing';
import { shortcut, type Shortcut } from '../files/keys';
import App from './App.svelte';
import { de } from './de';
import { en } from './en';
import { groups } from './shortcuts';
import { t } from './strings';

const kind = (code: string, severity: 'critical' | 'warning' | 'info', title: string) => ({
  code, severity, title, meaning: `What ${code} means is this.`, doing: `What is done about ${code} is this.`, remedy: `What you can do about ${code} is this.`, actions: [],
});
const catalogue = [
  kind('NODE_DOWN', 'critical', 'A storage server is down'),
  kind('DATA_SINGLE_COPY', 'critical', 'Data has one copy left'),
  kind('CLUSTER_NEARFULL', 'warning', 'The cluster is nearly full'),
  kind('CERT_EXPIRING', 'warning', 'A certificate ends soon'),
  kind('REPAIR_PAUSED', 'info', 'Repair is paused'),
];

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;
beforeEach(() => {
  screenOf(1000, 700);
  s = server().on('GET /health/catalogue', catalogue).on('GET /health', cluster.health(cluster.verdicts.repairing()));
  user = hands();
  signIn('viewer');
});
afterEach(() => void (windows.list = []));

async function open(params: Params = {}): Promise<void> {
  win = new Win('w1', 'help', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[aria-busy=true]')).toBeNull());
}
const books = (): HTMLDetailsElement[] => [...document.querySelectorAll('details')];
const codes = (): string[] => books().map((d) => d.querySelector('.code')?.textContent ?? '');

describe('what to do when', () => {
  test('every fault that the cluster can report is there, the worst first', async () => {
    await open();
    expect(codes().toSorted()).toEqual(catalogue.map((k) => k.code).toSorted());
    const severity = codes().map((c) => catalogue.find((k) => k.code === c)?.severity);
    expect(severity).toEqual(['critical', 'critical', 'warning', 'warning', 'info']);
  });

  test('what is so now stands out, and leads to it', async () => {
    await open();
    await waitFor(() => expect(screen.getAllByText(t.nowTrue)).toHaveLength(1));
    const now = books().find((d) => d.textContent.includes(t.nowTrue)) as HTMLElement;
    expect(now.textContent).toContain('NODE_DOWN');
    await user.click([...now.querySelectorAll('button')].find((b) => b.textContent.includes(t.openOverview)) as HTMLElement);
    expect(windows.top).toMatchObject({ app: 'overview', params: { check: 'NODE_DOWN' } });
  });

  test('one that is linked to is open', async () => {
    await open({ topic: 'CERT_EXPIRING' });
    await waitFor(() => expect(books().filter((d) => d.open).map((d) => d.querySelector('.code')?.textContent)).toEqual(['CERT_EXPIRING']));
  });

  test('each tells what it means, what is done and what one can do', async () => {
    await open();
    for (const b of books()) {
      expect([...b.querySelectorAll('dt')].map((d) => d.textContent)).toEqual([t.meaning, t.doing, t.remedy]);
      for (const d of b.querySelectorAll('dd')) expect(d.textContent.length).toBeGreaterThan(10);
    }
  });

  test('finding looks at codes and words, in any order', async () => {
    await open();
    await user.type(screen.getByLabelText(t.search), 'expiring cert');
    expect(codes()).toEqual(['CERT_EXPIRING']);
    await user.type(screen.getByLabelText(t.search), 'zzz');
    expect(screen.getByText(t.nothing)).toBeTruthy();
  });

  test('it is there while the health is not known', async () => {
    s.refuse('GET /health', 503, 'The nameserver does not answer');
    await open();
    expect(codes()).toHaveLength(catalogue.length);
    expect(screen.queryByText(t.nowTrue)).toBeNull();
  });

  test('a fault names the request', async () => {
    s.refuse('GET /health/catalogue', 503, 'The admin does not answer');
    await open();
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
  });
});

describe('the words', () => {
  test('both languages explain the same ones', () => {
    expect(Object.keys(de.words).toSorted()).toEqual(Object.keys(en.words).toSorted());
    for (const [key, [word, about]] of Object.entries(de.words)) {
      expect(word, key).toBeTruthy();
      expect(about.length, key).toBeGreaterThan(20);
      expect(about, key).not.toBe(en.words[key]?.[1]);
    }
  });

  test('are found by what is said of them', async () => {
    await open({ topic: 'glossary' });
    await user.type(screen.getByLabelText(t.search), '16 MiB');
    expect([...document.querySelectorAll('dt')].map((d) => d.textContent)).toEqual(['Block']);
  });

  test('stand in the order of the alphabet', async () => {
    await open({ topic: 'glossary' });
    const words = [...document.querySelectorAll('dt')].map((d) => d.textContent);
    expect(words).toEqual(words.toSorted((a, b) => a.localeCompare(b)));
    expect(words.length).toBe(Object.keys(en.words).length);
  });
});

describe('the shortcuts', () => {
  // What the list says of Files is what Files does.
  const does: Record<string, Shortcut[]> = {
    path: ['path'], up: ['up'], history: ['back', 'forward'], preview: ['look'], rename: ['rename'], remove: ['delete'],
    clip: ['cut', 'copy', 'paste'], download: ['download'], properties: ['properties'], create: ['create'],
  };
  const pressed = (keys: string): Shortcut | null => {
    const parts = keys.split('+');
    const last = parts.at(-1) ?? '';
    const key = { '↑': 'ArrowUp', '←': 'ArrowLeft', '→': 'ArrowRight', Space: ' ' }[last] ?? (last.length === 1 ? last.toLowerCase() : last);
    return shortcut({ key, ctrlKey: parts.includes('Ctrl'), metaKey: false, altKey: parts.includes('Alt'), shiftKey: parts.includes('Shift') });
  };
  const files = groups.find((g) => g.title === 'files')?.rows ?? [];

  test.each(files.filter((r) => does[r.what]).map((r) => [r.what, r.keys] as const))('Files does “%s” on %j', (what, keys) => {
    const found = keys.map(pressed);
    expect(new Set(found)).toEqual(new Set(does[what]));
  });

  test('each has a word in both languages, and is listed once', () => {
    const listed = groups.flatMap((g) => g.rows.map((r) => r.what));
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.toSorted()).toEqual(Object.keys(en.keys).toSorted());
    for (const what of listed) expect(de.keys[what], what).toBeTruthy();
  });

  test('keys are shown one by one', async () => {
    await open({ topic: 'shortcuts' });
    const create = [...document.querySelectorAll('dl > div')].find((d) => d.textContent.includes(t.keys.create)) as HTMLElement;
    expect([...create.querySelectorAll('kbd')].map((k) => k.textContent)).toEqual(['Alt', 'Shift', 'N']);
  });
});

describe('about', () => {
  test('which version of which cluster, and the API', async () => {
    signIn('viewer', { version: '1.4.2', cluster: 'attic' });
    await open({ topic: 'about' });
    expect(document.body.textContent).toContain('1.4.2');
    expect(document.body.textContent).toContain('attic');
    expect(button(t.apiOpen).getAttribute('href')).toBe('/api/v1/openapi.yaml');
    expect(document.body.textContent).not.toContain(t.demoDetail);
  });

  test('a demonstration says that it is one', async () => {
    signIn('viewer', { demo: true });
    await open({ topic: 'about' });
    expect(document.body.textContent).toContain(t.demoDetail);
  });
});

test('the pages are in the address', async () => {
  await open();
  await user.click(button(t.pages.glossary));
  expect(win.params).toEqual({ topic: 'glossary' });
});

test('in German', async () => {
  await speak('de');
  try {
    for (const topic of ['runbooks', 'glossary', 'shortcuts', 'about']) await open({ topic });
    expect(document.body.textContent).not.toMatch(/undefined|\[object|What it means|Signed in/);
  } finally {
    await speak('en');
  }
});
