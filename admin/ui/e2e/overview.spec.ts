import { install } from './fixture/fleet';
import { verdicts } from './fixture/cluster';
import { expect, test } from './fixture/test';

// The verdict, the facts, and the checks with what to do.

test('the five questions are answered without a click', async ({ page, server, desk }) => {
  install(server, 4);
  await desk('/d/overview');
  const app = page.getByRole('region', { name: 'Overview', exact: true });
  await expect(app.getByRole('heading', { name: 'At risk' })).toBeVisible();
  await expect(app.getByText('214 volumes (38.2 GiB) have one live copy.').first()).toBeVisible();
  await expect(app.getByText('11–19 min left')).toBeVisible();
  await expect(app.getByText('No more server')).toBeVisible();
  await expect(app.getByText('2 of 4 up')).toBeVisible();
});

test('the verdict changes while one looks', async ({ page, server, desk }) => {
  install(server, 4);
  await desk('/d/overview');
  const app = page.getByRole('region', { name: 'Overview', exact: true });
  await expect(app.getByRole('heading', { name: 'At risk' })).toBeVisible();
  server.turn(verdicts.protected());
  await expect(app.getByRole('heading', { name: 'Protected' })).toBeVisible({ timeout: 2000 });
  await expect(app.getByText('There is nothing that you need to do.')).toBeVisible();
});

test('a check opens by key and says what it means, what is done, what to do; it can be muted', async ({ page, server, desk }) => {
  install(server, 4);
  await desk('/d/overview');
  const check = page.getByRole('button', { name: /A storage server is down/ });
  await check.focus();
  await page.keyboard.press('Enter');
  await expect(check).toHaveAttribute('aria-expanded', 'true');
  for (const part of ['What it means', 'What the system is doing', 'What you can do', 'Look at the machine']) {
    await expect(page.getByText(part).first()).toBeVisible();
  }
  await page.getByRole('button', { name: 'Mute' }).click();
  await page.getByRole('menuitem', { name: 'For 8 h' }).click();
  await expect(page.getByText('Muted for 8 h.')).toBeVisible();
  expect(server.calls).toContain('PUT /health/checks/NODE_DOWN/mute');
});

test('a viewer is told which role an act needs', async ({ page, server, desk }) => {
  install(server, 4);
  server.me = { ...server.me, role: 'viewer' };
  await desk('/d/overview');
  await page.getByRole('button', { name: /A storage server is down/ }).click();
  const mute = page.getByRole('button', { name: 'Mute' });
  await expect(mute).toHaveAttribute('aria-disabled', 'true');
  await expect(mute).toHaveAttribute('title', /operator/);
});
