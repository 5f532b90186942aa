import { session, verdicts } from './fixture/cluster';
import { expect, test } from './fixture/test';

// Signing in, the lock, the password again, and what is live.

test('signing in with a name and a password', async ({ page, server, origin, faults }) => {
  void faults;
  server.me = session({ signed_in: false, user: '', role: 'none' });
  await page.goto(`${origin}/d/help`);
  await expect(page.getByLabel('User name')).toBeFocused();
  await page.keyboard.type('admin');
  await page.keyboard.press('Tab');
  await page.keyboard.type(server.password);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('region', { name: 'Help' })).toBeVisible();
  await expect(page).toHaveTitle('Protected – attic');
});

test('the first password, from the one-time link', async ({ page, server, origin, faults }) => {
  void faults;
  server.me = session({ signed_in: false, user: '', role: 'none', setup: true });
  await page.goto(`${origin}/#setup=abc-123`);
  await expect(page.getByLabel('Code')).toHaveValue('abc-123');
  await page.getByLabel('New password', { exact: true }).fill('long enough for all');
  await page.getByLabel('New password again').fill('something else here');
  await page.getByRole('button', { name: 'Set password and sign in' }).click();
  await expect(page.getByText('The two are not the same.')).toBeVisible();
  await page.getByLabel('New password again').fill('long enough for all');
  await page.getByRole('button', { name: 'Set password and sign in' }).click();
  await expect(page.getByRole('button', { name: 'Health: Protected' })).toBeVisible();
  expect(page.url()).not.toContain('abc-123');
});

test('a session that ends locks the desk; the same person goes on where they were', async ({ page, server, desk }) => {
  await desk('/d/help');
  server.me = session({ signed_in: false, user: '', role: 'none' });
  for (const s of server.streams) s.destroy();
  const lock = page.getByRole('dialog', { name: 'Your session ended' });
  await expect(lock).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(lock).toBeVisible();
  await lock.getByLabel('Password').fill('wrong');
  await page.keyboard.press('Enter');
  await expect(lock.getByText('Wrong name or password')).toBeVisible();
  await lock.getByLabel('Password').fill(server.password);
  await page.keyboard.press('Enter');
  await expect(lock).toBeHidden();
  await expect(page.getByRole('region', { name: 'Help' })).toBeVisible();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
});

test('what destroys asks for the password, and the call is sent again', async ({ page, server, desk }) => {
  let asked = 0;
  server.report = verdicts.at_risk();
  server.over.set('PUT /health/checks/NODE_DOWN/mute', () => {
    asked++;
    return server.sudo ? { status: 204 } : server.problem(403, 'The password again, please', 'sudo');
  });
  server.sudo = false;
  await desk();
  await page.getByRole('button', { name: '3 checks need attention' }).click();
  await page.getByRole('button', { name: 'Mute' }).first().click();
  await page.getByRole('menuitem', { name: 'Mute for 1 hour' }).click();
  const dialog = page.getByRole('dialog', { name: 'Your password, please' });
  await dialog.getByLabel('Password').fill('wrong');
  await page.keyboard.press('Enter');
  await expect(dialog.getByText('Wrong password')).toBeVisible();
  await dialog.getByLabel('Password').fill(server.password);
  await page.keyboard.press('Enter');
  await expect(page.getByText('Muted for 1 h')).toBeVisible();
  expect(asked).toBe(2);
});

test('news is on screen at once: pill, title, widget, icon of the tab', async ({ page, server, desk }) => {
  await desk();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  const icon = await page.locator('link[rel=icon]').getAttribute('href');
  const start = Date.now();
  server.turn(verdicts.at_risk());
  await expect(page.getByRole('button', { name: 'Health: At risk 214' })).toBeVisible();
  expect(Date.now() - start).toBeLessThan(2000);
  await expect(page).toHaveTitle('(!) At risk 214 – attic');
  await expect(page.getByRole('complementary').getByText('No data is lost.')).toBeVisible();
  expect(await page.locator('link[rel=icon]').getAttribute('href')).not.toBe(icon);
});

test('a lost stream is said, comes back by itself, and nothing was missed', async ({ page, server, desk }) => {
  await desk();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  server.silent = true;
  for (const s of server.streams) s.destroy();
  await expect(page.getByRole('button', { name: /^Data from/ })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Health: Protected · / })).toBeVisible();
  server.report = verdicts.unavailable();
  server.silent = false;
  await expect(page.getByRole('button', { name: 'Health: Data unavailable 12' })).toBeVisible({ timeout: 10_000 });
});

test('live updates can be paused', async ({ page, server, desk }) => {
  await desk();
  await page.getByRole('button', { name: 'Live', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Pause live updates' }).click();
  await expect(page.getByRole('button', { name: /^Paused/ })).toBeVisible();
  await expect.poll(() => server.streams.size).toBe(0);
  server.report = verdicts.repairing();
  await page.getByRole('button', { name: /^Paused/ }).click();
  await page.getByRole('menuitem', { name: 'Continue live updates' }).click();
  await expect(page.getByRole('button', { name: /^Health: Repairing/ })).toBeVisible();
});

test('one stream for all windows', async ({ page, server, desk }) => {
  await desk('/d/overview');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Apps, nodes, files and actions' }).fill('nodes');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await expect.poll(() => server.streams.size).toBe(1);
});

test('signing out leaves nothing', async ({ page, desk }) => {
  await desk();
  await page.getByRole('button', { name: 'admin: user menu' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
});
