// @vitest-environment happy-dom
import { fireEvent, render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { w } from '../model/strings';
import { button, hands, off, server, signIn, type Call, type Server } from '../testing';
import ConfirmHost from '../ui/ConfirmHost.svelte';
import { confirmations } from '../ui/confirm.svelte';
import { t as ui } from '../ui/strings';
import { toasts } from '../ui/toast.svelte';
import { t } from './strings';
import ZoneDialog from './ZoneDialog.svelte';
import { askZone, denied, moveToZone, spoken, zoning, type Zoned } from './zoning.svelte';

let s: Server;
const node = (change: Partial<Zoned> = {}): Zoned => ({ id: 'n1', name: 'loft-1', zone: 'attic', zone_set: false, machine_zone: 'attic', ...change });
const impact = { sentence: 'Nothing is moved at once.', facts: [{ label: 'Copies', value: '12' }], blockers: [] };
const sent = (dry: boolean): Call[] => s.sent('POST /nodes/n1/zone').filter((c) => (c.query.get('dry_run') === 'true') === dry);
const said = (): string[] => toasts.list.map((x) => x.text);

beforeEach(() => {
  s = server().on('POST /nodes/*/zone', (c: Call) => (c.query.get('dry_run') === 'true' ? impact : undefined));
  signIn('operator');
  toasts.list = [];
  confirmations.current = null;
});

// ask opens the dialog over the one that asks back.
function ask(of: Zoned, zones: readonly string[] = ['attic', 'cellar']) {
  const closed = vi.fn();
  const { container, unmount } = render(ZoneDialog, { node: of, zones, onclose: () => (closed(), unmount()) });
  render(ConfirmHost);
  return { closed, container, user: hands(), field: screen.getByLabelText<HTMLInputElement>(t.zoneNew) };
}

test('the zones there are are offered, and no blank is a zone', async () => {
  const { container, user, field } = ask(node());
  expect([...container.querySelectorAll('datalist option')].map((o) => (o as HTMLOptionElement).value)).toEqual(['attic', 'cellar']);
  expect(field.getAttribute('list')).toBe(container.querySelector('datalist')?.id);
  expect(off(button(t.zoneNext))).toBe(true);
  await user.type(field, '   ');
  expect(off(button(t.zoneNext))).toBe(true);
  fireEvent.submit(container.querySelector('form') as HTMLFormElement);
  expect([s.calls.length, confirmations.current]).toEqual([0, null]);
});

test('what the new zone means is asked of the server before anything moves, then moved once', async () => {
  const { closed, user, field } = ask(node());
  await user.type(field, ' cellar ');
  await user.click(button(t.zoneNext));
  expect(closed).toHaveBeenCalledOnce();
  await screen.findByText(impact.sentence);
  expect([sent(true).map((c) => c.body), sent(false)]).toEqual([[{ zone: 'cellar' }], []]);
  await user.type(screen.getByLabelText(ui.reasonOptional), 'new rack');
  await user.click(button(t.zoneVerb));
  await vi.waitFor(() => expect(said()).toEqual([t.zoneDone('loft-1', 'cellar')]));
  expect(sent(false).map((c) => c.body)).toEqual([{ zone: 'cellar', reason: 'new rack' }]);
});

test('Cancel at the question leaves the node where it is', async () => {
  const moved = moveToZone(node(), 'cellar');
  render(ConfirmHost);
  await screen.findByText(impact.sentence);
  await hands().click(button(ui.cancel));
  expect([await moved, sent(false), said()]).toEqual([false, [], []]);
});

test('Cancel in the choice asks nobody', async () => {
  const { closed, user, field } = ask(node());
  await user.type(field, 'cellar');
  await user.click(button(ui.cancel));
  await tick();
  expect([closed.mock.calls.length, s.calls.length, confirmations.current]).toEqual([1, 0, null]);
});

test.each([
  ['its machine says one', 'barn', t.zoneBackTo('barn')],
  ['its machine says nothing', '', t.zoneBackNone],
])('a zone that was set can be given back, where %s', async (_, machine, label) => {
  const { user } = ask(node({ zone_set: true, machine_zone: machine }));
  await user.click(button(label));
  await screen.findByText(impact.sentence);
  await user.click(button(t.zoneBackVerb));
  await vi.waitFor(() => expect(said()).toEqual([t.zoneBackDone('loft-1')]));
  expect([sent(true), sent(false)].map((all) => all.map((c) => (c.body as { zone: string }).zone))).toEqual([[''], ['']]);
});

test('a zone that nobody set cannot be given back', () => {
  ask(node());
  expect(() => button(t.zoneBackTo('attic'))).toThrow();
  expect(screen.getByText(t.zoneNow('attic'))).toBeTruthy();
});

test('what the server says against it blocks, and nothing is sent', async () => {
  s.on('POST /nodes/*/zone', { ...impact, blockers: ['the node is being removed'] });
  void moveToZone(node(), 'cellar');
  render(ConfirmHost);
  expect((await screen.findByRole('alert', { hidden: true })).textContent).toContain('The node is being removed');
  expect(off(button(t.zoneVerb))).toBe(true);
  fireEvent.submit(document.querySelector('dialog form') as HTMLFormElement);
  expect(sent(false)).toEqual([]);
});

test('a move that is refused says why, and stays to be read', async () => {
  s.on('POST /nodes/*/zone', (c: Call) => (c.query.get('dry_run') === 'true' ? impact : undefined));
  const moved = moveToZone(node(), 'cellar');
  render(ConfirmHost);
  await screen.findByText(impact.sentence);
  s.refuse('POST /nodes/*/zone', 409, 'The node is being removed', { detail: 'Wait for it.' });
  await hands().click(button(t.zoneVerb));
  expect(await moved).toBe(false);
  expect(toasts.list).toMatchObject([{ tone: 'bad', text: 'The node is being removed', detail: 'Wait for it.' }]);
});

test('who may not is told which role may', () => {
  expect(denied()).toBe(false);
  signIn('writer');
  expect(denied()).toBe(w.act.needs(w.role.operator));
});

test('whose word a zone is stands beside it', () => {
  expect(spoken(node({ zone: '', machine_zone: '' }))).toBe(t.zoneNone);
  expect(spoken(node({ zone: 'barn', zone_set: true, machine_zone: '' }))).toBe(t.zoneSet('barn', t.zoneSaysNothing));
});

test('what is asked for a node offers the zones of all, counted as numbers', () => {
  askZone(node(), [{ zone: 'r10' }, { zone: 'r9' }, { zone: '' }, { zone: 'r10' }]);
  expect(zoning.asked?.zones).toEqual(['r9', 'r10']);
  zoning.asked = null;
});
