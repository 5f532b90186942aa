// @vitest-environment happy-dom
import { render, screen } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { expect, test, vi } from 'vitest';
import { inUtc } from '../i18n/index.svelte';
import { hands, snippet } from '../testing';
import Badge from './Badge.svelte';
import Button from './Button.svelte';
import Callout from './Callout.svelte';
import Checkbox from './Checkbox.svelte';
import CodeLine from './CodeLine.svelte';
import Copy from './Copy.svelte';
import Facts from './Facts.svelte';
import Meter from './Meter.svelte';
import Notice from './Notice.svelte';
import SearchBox from './SearchBox.svelte';
import Select from './Select.svelte';
import Skeleton from './Skeleton.svelte';
import Spark from './Spark.svelte';
import StatusIcon from './StatusIcon.svelte';
import Switch from './Switch.svelte';
import TextField from './TextField.svelte';
import Time from './Time.svelte';
import { copyText } from './clipboard';
import { remembered } from './remembered.svelte';
import { t } from './strings';

const word = (text: string) => snippet(() => text);

test('a button with a reason against it keeps the focus, says the reason and does nothing', async () => {
  const onclick = vi.fn();
  const outside = vi.fn();
  document.body.addEventListener('click', outside);
  render(Button, { children: word('Drain'), disabled: 'Your role does not allow this.', onclick });
  const button = screen.getByRole('button', { name: 'Drain' });
  button.focus();
  await hands().keyboard('{Enter} ');
  await hands().click(button);
  document.body.removeEventListener('click', outside);
  expect(document.activeElement).toBe(button);
  expect(button.getAttribute('aria-disabled')).toBe('true');
  expect(button.title).toBe('Your role does not allow this.');
  expect([onclick.mock.calls.length, outside.mock.calls.length]).toEqual([0, 0]);
});

test('a busy button cannot be pressed twice, and says that it is busy', async () => {
  const onclick = vi.fn();
  render(Button, { children: word('Save'), busy: true, onclick });
  const button = screen.getByRole('button', { name: 'Save' });
  await hands().click(button);
  expect(onclick).not.toHaveBeenCalled();
  expect(button.getAttribute('aria-busy')).toBe('true');
});

test('a disabled submit button sends no form', async () => {
  const form = document.createElement('form');
  const submit = vi.fn((e: Event) => e.preventDefault());
  form.addEventListener('submit', submit);
  document.body.append(form);
  render(Button, { target: form, props: { children: word('Send'), type: 'submit', disabled: true } });
  await hands().click(screen.getByRole('button'));
  expect(submit).not.toHaveBeenCalled();
  form.remove();
});

test('a button without text has its label as name and as tooltip; one with text is named by it', () => {
  const { unmount } = render(Button, { label: 'Close' });
  expect(screen.getByRole('button', { name: 'Close' }).title).toBe('Close');
  unmount();
  render(Button, { label: 'ignored', children: word('Open') });
  expect(screen.getByRole('button', { name: 'Open' }).title).toBe('');
});

test('a button with an address is a link', () => {
  render(Button, { href: '/x', download: 'a.zip', children: word('Download') });
  const link = screen.getByRole('link', { name: 'Download' });
  expect([link.getAttribute('href'), link.getAttribute('download')]).toEqual(['/x', 'a.zip']);
});

test('a button in a form does not send it unless it is asked to', () => {
  render(Button, { children: word('Other') });
  expect((screen.getByRole('button') as HTMLButtonElement).type).toBe('button');
});

test('a state has a shape of its own for each tone', () => {
  const shapes = (['ok', 'busy', 'warn', 'bad', 'none'] as const).map((tone) => {
    const { container, unmount } = render(StatusIcon, { tone });
    const svg = container.querySelector('svg')!.innerHTML;
    unmount();
    return svg;
  });
  expect(new Set(shapes).size).toBe(5);
});

test('an icon that stands alone is told in words, and one beside its word is silent', () => {
  const { container, unmount } = render(StatusIcon, { tone: 'bad', label: 'Down' });
  expect(container.textContent).toBe('Down');
  expect(container.querySelector('svg')!.getAttribute('aria-hidden')).toBe('true');
  unmount();
  expect(render(StatusIcon, { tone: 'bad' }).container.textContent).toBe('');
});

test('a plain badge has no shape', () => {
  const { container } = render(Badge, { icon: false, children: word('beta') });
  expect(container.querySelector('svg')).toBeNull();
});

test('a callout says its title, its text and offers its act', () => {
  render(Callout, { tone: 'warn', title: 'Old', children: word('from noon'), action: word('again') });
  expect(document.body.textContent).toMatch(/Old.*from noon.*again/s);
});

test('a notice interrupts only when it is an alert', () => {
  const { unmount } = render(Notice, { title: 'Nothing here' });
  expect(screen.queryByRole('alert')).toBeNull();
  unmount();
  render(Notice, { title: 'Broken', detail: 'Disk', small: 'Request r1', alert: true });
  expect(screen.getByRole('alert').textContent).toMatch(/Broken.*Disk.*Request r1/s);
});

test('facts are names with values', () => {
  render(Facts, { facts: [{ label: 'Zone', text: 'attic' }, { label: 'State', id: 's' }], value: snippet((f: { label: string }) => `drawn ${f.label}`) });
  const names = [...document.querySelectorAll('dt')].map((x) => x.textContent);
  const values = [...document.querySelectorAll('dd')].map((x) => x.textContent);
  expect([names, values]).toEqual([['Zone', 'State'], ['attic', 'drawn State']]);
});

test.each([
  [0.5, 1, '50'],
  [-3, 10, '0'],
  [30, 10, '100'],
  [5, 0, '0'],
  [1, 3, '33'],
])('a meter of %d in %d says %s', (value, max, now) => {
  render(Meter, { value, max, label: 'Used' });
  expect(screen.getByRole('meter', { name: 'Used' }).getAttribute('aria-valuenow')).toBe(now);
});

test('what runs is a progress bar, what stands is a meter', () => {
  render(Meter, { value: 1, max: 4, label: 'Repair', busy: true, text: '25 of 100 GiB' });
  expect(screen.queryByRole('meter')).toBeNull();
  expect(screen.getByRole('progressbar').getAttribute('aria-valuetext')).toBe('25 of 100 GiB');
});

test('a line of values has a gap where nothing was measured', () => {
  const { container } = render(Spark, { values: [1, 2, null, null, 4], label: 'Reads' });
  const lines = [...container.querySelectorAll('polyline')].map((p) => p.getAttribute('points'));
  expect(lines).toEqual(['0.00,23.00 25.00,16.00', '100.00,2.00']);
  expect(screen.getByRole('img', { name: 'Reads' }).querySelectorAll('polygon')).toHaveLength(2);
});

test.each([[[]], [[null, null]], [[0, 0]], [[5]]])('a line of %j draws no nonsense', (values) => {
  const { container } = render(Spark, { values, label: 'x' });
  expect(container.innerHTML).not.toMatch(/NaN|Infinity|undefined/);
});

test('the top of a line may be given, and higher values raise it', () => {
  const points = (max: number): string => {
    const { container, unmount } = render(Spark, { values: [10, 20], label: 'x', max });
    const found = container.querySelector('polyline')!.getAttribute('points')!;
    unmount();
    return found;
  };
  expect(points(40)).toBe('0.00,23.00 100.00,16.00');
  expect(points(10)).toBe('0.00,16.00 100.00,2.00');
});

test('grey bars are not read aloud', () => {
  const { container } = render(Skeleton, { lines: 3 });
  expect(container.querySelector('[aria-hidden="true"]')!.children).toHaveLength(3);
});

test('a checkbox is pressed by its label and says so', async () => {
  const onchange = vi.fn();
  render(Checkbox, { label: 'For all', checked: false, onchange });
  await hands().click(screen.getByText('For all'));
  await hands().click(screen.getByText('For all'));
  expect(onchange.mock.calls).toEqual([[true], [false]]);
});

test('a switch is a switch, by mouse and by key', async () => {
  const onchange = vi.fn();
  render(Switch, { label: 'Widgets', hint: 'On the desk', checked: true, onchange });
  const it = screen.getByRole('switch', { name: /Widgets/ });
  it.focus();
  await hands().keyboard(' ');
  expect(onchange).toHaveBeenLastCalledWith(false);
  expect(it.closest('label')!.textContent).toContain('On the desk');
});

test('a switch that is off limits does not move', async () => {
  const onchange = vi.fn();
  render(Switch, { label: 'Notify', checked: false, disabled: true, onchange });
  await hands().click(screen.getByText('Notify'));
  expect(onchange).not.toHaveBeenCalled();
});

test('a field belongs to its label and its hint', () => {
  render(TextField, { label: 'Zone', hint: 'Where it stands', value: 'attic' });
  const input = screen.getByLabelText('Zone') as HTMLInputElement;
  expect(input.value).toBe('attic');
  expect(document.getElementById(input.getAttribute('aria-describedby')!)!.textContent).toBe('Where it stands');
  expect(input.hasAttribute('aria-invalid')).toBe(false);
});

test('an error takes the place of the hint, marks the field and is told at once', async () => {
  const { rerender } = render(TextField, { label: 'Zone', hint: 'Where it stands' });
  expect(screen.queryByRole('alert')).toBeNull();
  await rerender({ error: 'Too long' });
  const input = screen.getByLabelText('Zone');
  expect(screen.getByRole('alert').textContent).toBe('Too long');
  expect(input.getAttribute('aria-invalid')).toBe('true');
  expect(input.getAttribute('aria-describedby')).toBe(screen.getByRole('alert').id);
});

test('two fields with the same label are two fields', () => {
  render(TextField, { label: 'Zone' });
  render(TextField, { label: 'Zone' });
  const ids = screen.getAllByLabelText('Zone').map((x) => x.id);
  expect(new Set(ids).size).toBe(2);
});

test('a list of choices answers what was chosen', async () => {
  const onchange = vi.fn();
  render(Select, { label: 'Theme', value: 'a', options: [{ value: 'a', label: 'Auto' }, { value: 'd', label: 'Dark' }], onchange });
  await hands().selectOptions(screen.getByLabelText('Theme'), 'Dark');
  expect(onchange.mock.calls).toEqual([['d']]);
});

test('a bare list has a spoken label only', () => {
  render(Select, { label: 'Range', bare: true, value: 'h', options: [{ value: 'h', label: '1 h' }] });
  expect(screen.getByRole('combobox', { name: 'Range' })).toBeDefined();
  expect(screen.queryByText('Range')).toBeNull();
});

test('the search box tells each letter, and Escape clears it without closing what is around', async () => {
  const oninput = vi.fn();
  const around = vi.fn();
  document.body.addEventListener('keydown', around);
  render(SearchBox, { value: '', label: 'Find nodes', oninput });
  const box = screen.getByRole('searchbox', { name: 'Find nodes' }) as HTMLInputElement;
  await hands().type(box, 'ab');
  around.mockClear();
  await hands().keyboard('{Escape}');
  expect(oninput.mock.calls).toEqual([['a'], ['ab'], ['']]);
  expect([box.value, around.mock.calls.length, document.activeElement]).toEqual(['', 0, box]);
  await hands().keyboard('{Escape}');
  document.body.removeEventListener('keydown', around);
  expect(around).toHaveBeenCalledTimes(1); // empty: Escape is for others
});

test('the cross of the search box is there only when there is something to clear', async () => {
  render(SearchBox, { value: 'x' });
  await hands().click(screen.getByRole('button', { name: t.clear }));
  expect(screen.queryByRole('button')).toBeNull();
  expect(document.activeElement).toBe(screen.getByRole('searchbox'));
});

test('time is told in words and stays true; the exact time is in its title', async () => {
  vi.useFakeTimers({ now: Date.parse('2026-11-22T12:00:00Z') });
  inUtc(true);
  render(Time, { at: '2026-11-22T11:58:00Z' });
  vi.advanceTimersByTime(1000);
  flushSync();
  const time = document.querySelector('time')!;
  expect(time.textContent).toBe('2 min ago');
  vi.advanceTimersByTime(60_000);
  flushSync();
  expect(time.textContent).toBe('3 min ago');
  expect([time.dateTime, time.title]).toEqual(['2026-11-22T11:58:00.000Z', '22 Nov 2026, 11:58:00 UTC']);
  inUtc(false);
});

test('a time that is none does not take the page with it', () => {
  render(Time, { at: 'soon' });
  expect(document.querySelector('time')!.textContent).toBe('');
});

test('copying says that it worked, for two seconds', async () => {
  vi.useFakeTimers();
  const written: string[] = [];
  vi.stubGlobal('navigator', { clipboard: { writeText: async (text: string) => void written.push(text) } });
  render(CodeLine, { text: 'ken join KEN1-abc', label: 'Copy the command' });
  screen.getByRole('button', { name: 'Copy the command' }).click();
  await vi.advanceTimersByTimeAsync(0);
  expect(written).toEqual(['ken join KEN1-abc']);
  expect(screen.getByRole('status').textContent).toBe(t.copied);
  await vi.advanceTimersByTimeAsync(2000);
  expect(screen.getByRole('status').textContent).toBe('');
});

test('copying twice in a row says for two whole seconds that it worked', async () => {
  vi.useFakeTimers();
  vi.stubGlobal('navigator', { clipboard: { writeText: async () => undefined } });
  render(Copy, { text: 'x' });
  screen.getByRole('button').click();
  await vi.advanceTimersByTimeAsync(1500);
  screen.getByRole('button').click();
  await vi.advanceTimersByTimeAsync(1000);
  expect(screen.getByRole('status').textContent).toBe(t.copied);
});

test('over plain HTTP a text field copies, and the focus stays where it was', async () => {
  vi.stubGlobal('navigator', {});
  const copied: string[] = [];
  document.execCommand = () => (copied.push((document.activeElement as HTMLTextAreaElement).value), true);
  const button = document.createElement('button');
  document.body.append(button);
  button.focus();
  expect(await copyText('secret')).toBe(true);
  expect(copied).toEqual(['secret']);
  expect([document.activeElement, document.querySelector('textarea')]).toEqual([button, null]);
  button.remove();
});

test('inside a dialog the text field is inside too, for all else cannot have the focus', async () => {
  vi.stubGlobal('navigator', {});
  const dialog = document.createElement('dialog');
  dialog.open = true;
  document.body.append(dialog);
  let where: Node | null = null;
  document.execCommand = () => ((where = document.querySelector('textarea')!.parentNode), false);
  expect(await copyText('x')).toBe(false);
  expect(where).toBe(dialog);
  dialog.remove();
});

test('what a browser remembers comes back', () => {
  remembered('test', { a: 1, b: 'x' }).value = { a: 2, b: 'y' };
  expect(remembered('test', { a: 1, b: 'x' }).value).toEqual({ a: 2, b: 'y' });
});

test.each([['not json'], ['null'], ['7'], ['[1]'], ['{"widths":null,"shown":"all"}']])('what a browser remembers wrongly (%s) is the default', (text) => {
  localStorage.setItem('ken.grid.x', text);
  expect(remembered('grid.x', { widths: {}, shown: {} }).value).toEqual({ widths: {}, shown: {} });
});

test('where storage is off, it is remembered until the page closes', () => {
  vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError');
  });
  const kept = remembered('full', { a: 1 });
  kept.value = { a: 2 };
  expect(kept.value).toEqual({ a: 2 });
});
