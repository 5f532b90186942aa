// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import ConfirmDialog from './ConfirmDialog.svelte';
import type { Answer, Preview, Question } from './confirm.svelte';
import { t } from './strings';

const remove: Question = { tier: 2, title: 'Remove disk7?', verb: 'Remove disk7', typed: 'disk7' };
const nothing: Preview = { sentence: 'No data is affected.', facts: [], blockers: [] };

function ask(question: Question): { answers: (Answer | null)[]; verb: () => HTMLElement } {
  const answers: (Answer | null)[] = [];
  render(ConfirmDialog, { question, answer: (a: Answer | null) => answers.push(a) });
  return { answers, verb: () => screen.getByRole('button', { name: question.verb, hidden: true }) };
}

const off = (button: HTMLElement): boolean => button.getAttribute('aria-disabled') === 'true';

const cancel = (): HTMLElement => screen.getByRole('button', { name: t.cancel, hidden: true });

test('Cancel has the focus, so that Enter destroys nothing', async () => {
  const { answers } = ask(remove);
  expect(document.activeElement).toBe(cancel());
  await userEvent.keyboard('{Enter}');
  expect(answers).toEqual([null]);
});

test('what destroys wants its name typed and a reason', async () => {
  const { answers, verb } = ask(remove);
  expect(off(verb())).toBe(true);
  await userEvent.type(screen.getByLabelText(t.typeToConfirm('disk7')), 'disk7');
  expect(off(verb()), 'without a reason').toBe(true);
  await userEvent.type(screen.getByLabelText(t.reason), '  broken ');
  expect(off(verb())).toBe(false);
  await userEvent.click(verb());
  expect(answers).toEqual([{ reason: 'broken', choice: '' }]);
});

test('nothing can be confirmed before the dry run is there, or when it names a blocker', async () => {
  let tell: (p: Preview) => void = () => undefined;
  const preview = vi.fn(() => new Promise<Preview>((done) => (tell = done)));
  const { verb } = ask({ tier: 1, title: 'Drain disk7?', verb: 'Drain', preview });
  expect(screen.getByText(t.checking)).toBeTruthy();
  expect(off(verb())).toBe(true);
  tell({ ...nothing, blockers: ['the others have too little room'] });
  await waitFor(() => screen.getByText('The others have too little room'));
  expect(off(verb())).toBe(true);
});
