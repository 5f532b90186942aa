// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Problem } from '../../api/problem';
import * as acts from './acts';
import EntryName from './EntryName.svelte';
import PathBar from './PathBar.svelte';
import Rename from './Rename.svelte';
import { t } from './strings';
import type { Entry } from './types';

const entry = (name: string, dir = false): Entry => ({ name, path: `/d/${name}`, dir, size: 1, modified: '2026-01-01T00:00:00Z', created: '2026-01-01T00:00:00Z', etag: '1' });

describe('a name that is edited where it stands', () => {
  let answers: (Entry | null)[];
  let asked: string[];
  let answer: (of: Entry, name: string) => Promise<Entry | Problem>;

  beforeEach(() => {
    answers = [];
    asked = [];
    answer = (_, name) => Promise.resolve(entry(name));
    vi.spyOn(acts, 'rename').mockImplementation((of, name) => {
      asked.push(name);
      return answer(of, name);
    });
  });

  async function edit(of: Entry): Promise<HTMLInputElement> {
    // As the window does it: whoever is done gets the keyboard elsewhere at once.
    const ondone = (fresh: Entry | null): void => {
      answers.push(fresh);
      field.blur();
    };
    render(Rename, { entry: of, ondone });
    const field = screen.getByLabelText<HTMLInputElement>(t.newName);
    await waitFor(() => expect(document.activeElement).toBe(field));
    return field;
  }

  const chosen = (f: HTMLInputElement): string => f.value.slice(f.selectionStart ?? 0, f.selectionEnd ?? 0);

  test.each([
    [entry('report.tar.gz'), 'report'],
    [entry('.profile'), '.profile'],
    [entry('v1.2', true), 'v1.2'],
    [entry('no extension'), 'no extension'],
  ])('%s: what is typed replaces the stem, not the extension', async (of, stem) => {
    expect(chosen(await edit(of))).toBe(stem);
  });

  test('Enter keeps the new name, once', async () => {
    const field = await edit(entry('a.txt'));
    await userEvent.type(field, 'b{Enter}', { initialSelectionStart: 0, initialSelectionEnd: 1 });
    await waitFor(() => expect(answers).toHaveLength(1));
    expect(asked).toEqual(['b.txt']);
    expect(answers[0]?.name).toBe('b.txt');
  });

  test('Enter twice while the server thinks asks it once', async () => {
    let done: (e: Entry) => void = () => undefined;
    answer = () => new Promise((give) => (done = give));
    const field = await edit(entry('a.txt'));
    await userEvent.type(field, 'b{Enter}{Enter}', { initialSelectionStart: 0, initialSelectionEnd: 1 });
    done(entry('b.txt'));
    await waitFor(() => expect(answers).toHaveLength(1));
    expect(asked).toEqual(['b.txt']);
  });

  test('Escape leaves the name, also when the keyboard goes elsewhere by it', async () => {
    const field = await edit(entry('a.txt'));
    await userEvent.type(field, 'zzz{Escape}');
    expect(asked).toEqual([]);
    expect(answers).toEqual([null]);
  });

  test('a click elsewhere keeps what was typed', async () => {
    const field = await edit(entry('a.txt'));
    await userEvent.clear(field);
    await userEvent.type(field, 'c.txt');
    await userEvent.tab();
    await waitFor(() => expect(answers).toHaveLength(1));
    expect(asked).toEqual(['c.txt']);
  });

  test('a name that did not change asks nobody', async () => {
    const field = await edit(entry('a.txt'));
    await userEvent.type(field, '{Enter}');
    expect([asked, answers]).toEqual([[], [null]]);
  });

  test('only spaces are no name: it stays as it was', async () => {
    const field = await edit(entry('a.txt'));
    await userEvent.clear(field);
    await userEvent.type(field, '   {Enter}');
    expect([asked, answers]).toEqual([[], [null]]);
  });

  test.each([
    ['a/b', t.faults.slash],
    ['..', t.faults.dots],
    ['ü'.repeat(128), t.faults.long],
  ])('%s cannot be kept, and it says why', async (name, why) => {
    const field = await edit(entry('a.txt'));
    await userEvent.clear(field);
    await userEvent.paste(name);
    await userEvent.keyboard('{Enter}');
    expect(screen.getByRole('alert').textContent).toBe(why);
    expect(field.getAttribute('aria-invalid')).toBe('true');
    expect(asked).toEqual([]);
  });

  test('leaving a name that cannot be kept leaves the old one', async () => {
    const field = await edit(entry('a.txt'));
    await userEvent.type(field, '/');
    await userEvent.tab();
    expect([asked, answers]).toEqual([[], [null]]);
  });

  test.each([
    ['a:b.txt', t.unportable.characters],
    ['nul.txt', t.unportable.device],
    ['end.', t.unportable.ending],
  ])('%s may be kept, with a word about Windows', async (name, hint) => {
    const field = await edit(entry('a.txt'));
    await userEvent.clear(field);
    await userEvent.paste(name);
    expect(screen.getByText(hint)).toBeTruthy();
    await userEvent.keyboard('{Enter}');
    await waitFor(() => expect(asked).toEqual([name]));
  });

  test('a name that is taken says so and can be mended', async () => {
    answer = (_, name) => Promise.resolve(name === 'b.txt' ? new Problem(409, 'Exists', 'There is one', 'exists') : entry(name));
    const field = await edit(entry('a.txt'));
    await userEvent.clear(field);
    await userEvent.type(field, 'b.txt{Enter}');
    await waitFor(() => expect(screen.getByRole('alert').textContent).toBe(t.taken));
    expect(answers).toEqual([]);
    await userEvent.clear(field);
    expect(screen.queryByText(t.taken)).toBeNull();
    await userEvent.type(field, 'c.txt{Enter}');
    await waitFor(() => expect(answers).toHaveLength(1));
    expect(asked).toEqual(['b.txt', 'c.txt']);
  });

  test('any other refusal is told in the server’s words', async () => {
    answer = () => Promise.resolve(new Problem(423, 'Locked', 'Anna has it open in Word', 'locked'));
    const field = await edit(entry('a.txt'));
    await userEvent.type(field, 'x{Enter}');
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('Anna has it open in Word'));
  });
});

describe('a name on screen', () => {
  test('what is hidden in it is shown as a code', () => {
    const { container } = render(EntryName, { name: 'invoice\u202Egpj.exe' });
    expect(container.textContent).toBe('invoiceU+202Egpj.exe');
    expect([...container.querySelectorAll('.code')].map((c) => c.textContent)).toEqual(['U+202E']);
    expect(container.querySelector('bdi')?.title).toBe('invoice[U+202E]gpj.exe');
  });

  test('markup in it stays text', () => {
    const { container } = render(EntryName, { name: '<img src=x onerror=alert(1)>' });
    expect(container.querySelector('img')).toBeNull();
    expect(container.textContent).toBe('<img src=x onerror=alert(1)>');
  });
});

describe('the way to a folder', () => {
  let went: string[];
  let bar: { component: { edit: () => Promise<void> } };
  beforeEach(() => (went = []));
  const show = (path: string) => (bar = render(PathBar, { path, ongo: (p: string) => went.push(p), droppable: () => () => undefined }));

  async function type(text: string): Promise<void> {
    await bar.component.edit();
    const field = await screen.findByLabelText(t.path);
    await userEvent.clear(field);
    if (text) await userEvent.paste(text);
  }

  test('each step goes there, and the last one is where one is', async () => {
    show('/a/b c/d');
    const steps = screen.getAllByRole('button');
    expect(steps.map((s) => s.textContent.trim())).toEqual(['', 'a', 'b c', 'd']);
    expect(steps.at(-1)?.getAttribute('aria-current')).toBe('page');
    for (const s of steps) await userEvent.click(s);
    expect(went).toEqual(['/', '/a', '/a/b c', '/a/b c/d']);
  });

  test('the root has a name', () => {
    show('/');
    expect(screen.getByRole('button', { name: t.drive }).getAttribute('aria-current')).toBe('page');
  });

  test.each([
    ['/x/y/', '/x/y'],
    ['sub', '/a/sub'],
    ['..', '/'],
  ])('typed %s leads to %s', async (text, want) => {
    show('/a');
    await type(text);
    await userEvent.keyboard('{Enter}');
    expect(went).toEqual([want]);
    expect(screen.queryByLabelText(t.path)).toBeNull();
  });

  test('what cannot be a path is said and leads nowhere', async () => {
    show('/a');
    await type('/a\\b');
    expect(screen.getByRole('alert').textContent).toBe(t.badPath);
    await userEvent.keyboard('{Enter}');
    expect(went).toEqual([]);
    expect(screen.getByLabelText(t.path)).toBeTruthy();
  });

  test('Escape gives the steps back', async () => {
    show('/a');
    await type('/elsewhere');
    await userEvent.keyboard('{Escape}');
    expect(went).toEqual([]);
    expect(screen.getByRole('button', { name: 'a' })).toBeTruthy();
  });

  test('a path that is not changed stays where it is, even when its name ends with a space', async () => {
    show('/a/odd ');
    await bar.component.edit();
    await screen.findByLabelText(t.path);
    await userEvent.keyboard('{Enter}');
    expect(went).toEqual(['/a/odd ']);
  });
});
