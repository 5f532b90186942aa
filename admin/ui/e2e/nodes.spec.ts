import { impact, install } from './fixture/fleet';
import { expect, test } from './fixture/test';

// A thousand nodes, one of them in detail, and what can be done to it.

test('a thousand nodes: few rows are drawn, the urgent ones first, filters narrow them', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/nodes');
  const grid = page.getByRole('grid', { name: 'Nodes' });
  await expect(grid).toHaveAttribute('aria-rowcount', '1001');
  expect(await grid.getByRole('row').count()).toBeLessThan(80);
  await expect(grid.getByRole('row').nth(1)).toContainText('dn-0003');
  await expect(grid.getByRole('row').nth(1)).toContainText('Down');
  await page.getByRole('button', { name: /^Maintenance 1$/ }).click();
  await expect(grid).toHaveAttribute('aria-rowcount', '2');
  await page.getByRole('button', { name: /^All [0-9]/ }).click();
  await page.getByRole('searchbox', { name: 'Find by name, address or zone' }).fill('dn-0999');
  await expect(grid.getByText('dn-0999')).toBeVisible();
  await expect(grid).toHaveAttribute('aria-rowcount', '2');
});

test('a change on the live stream is in the grid at once', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/nodes');
  await expect(page.getByRole('button', { name: /^Down 1$/ })).toBeVisible();
  const { node } = await import('./fixture/fleet');
  server.say('nodes', { changed: [{ ...node(30), liveness: 'down' }], removed: [] });
  await expect(page.getByRole('button', { name: /^Down 2$/ })).toBeVisible();
});

test('drain without a mouse: from the grid to the confirmation with its facts', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/nodes');
  await page.getByRole('searchbox', { name: 'Find by name, address or zone' }).fill('dn-0010');
  const grid = page.getByRole('grid', { name: 'Nodes' });
  await expect(grid).toHaveAttribute('aria-rowcount', '2');
  await grid.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+F10');
  await expect(page.getByRole('menuitem', { name: 'Drain…' })).toBeVisible();
  await page.keyboard.press('d');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Drain dn-0010' });
  await expect(dialog.getByText('Volumes to move')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  expect(server.calls.filter((c) => c === 'POST /nodes/n10/drain')).toHaveLength(1);
  await page.keyboard.press('Tab');
  await expect(dialog.getByRole('button', { name: 'Drain dn-0010' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByText('drain of dn-0010')).toBeVisible();
  expect(server.calls.filter((c) => c === 'POST /nodes/n10/drain')).toHaveLength(2);
});

test('removing wants the name, a reason and the password', async ({ page, server, desk }) => {
  install(server);
  server.sudo = false;
  server.over.set('POST /nodes/n6/remove', ({ url }) =>
    server.sudo || url.searchParams.get('dry_run') ? { status: 200, body: impact(false, 'dn-0006 is removed.') } : server.problem(403, 'Password again', 'sudo'),
  );
  await desk('/d/nodes/n6');
  await expect(page.getByText('Ready: it is empty')).toBeVisible();
  await page.getByRole('button', { name: 'Remove…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Remove dn-0006' });
  const verb = dialog.getByRole('button', { name: 'Remove dn-0006' });
  await expect(dialog.getByText('Volumes with no other live copy')).toBeVisible();
  await expect(verb).toHaveAttribute('aria-disabled', 'true');
  await dialog.getByLabel('Type dn-0006 to confirm').fill('dn-0005');
  await dialog.getByLabel(/^Reason/).fill('worn out');
  await expect(verb).toHaveAttribute('aria-disabled', 'true');
  await dialog.getByLabel('Type dn-0006 to confirm').fill('dn-0006');
  await verb.click();
  await page.getByLabel('Password', { exact: true }).fill(server.password);
  await page.keyboard.press('Enter');
  await expect(page.getByText('dn-0006 is removed.')).toBeVisible();
});

test('a blocked act cannot be pressed, and says why', async ({ page, server, desk }) => {
  install(server);
  server.over.set('POST /nodes/n10/drain', () => ({ status: 200, body: impact(true, 'No.', ['There is no room for 3 volumes.']) }));
  await desk('/d/nodes/n10');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Drain…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Drain dn-0010' });
  await expect(dialog.getByRole('alert')).toContainText('There is no room for 3 volumes.');
  await expect(dialog.getByRole('button', { name: 'Drain dn-0010' })).toHaveAttribute('aria-disabled', 'true');
});

test('maintenance asks the server again for another duration', async ({ page, server, desk }) => {
  install(server);
  const seconds: number[] = [];
  server.over.set('POST /nodes/n10/maintenance', ({ body }) => {
    seconds.push((body as { seconds: number }).seconds);
    return { status: 200, body: impact(true, `Away for ${(body as { seconds: number }).seconds} s.`) };
  });
  await desk('/d/nodes/n10');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Maintenance…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('Away for 3600 s.')).toBeVisible();
  await dialog.getByLabel('For how long').selectOption('14400');
  await expect(dialog.getByText('Away for 14400 s.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Begin maintenance' }).click();
  await expect.poll(() => seconds).toEqual([3600, 14400, 14400]);
});

test('safe to stop, and not', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/nodes/n9?tab=stop');
  await expect(page.getByRole('heading', { name: 'Not safe to stop' })).toBeVisible();
  await expect(page.getByText('12 volumes · 2 GiB')).toBeVisible();
});

test('a new machine: the command is shown once, and its joining is seen', async ({ page, server, desk }) => {
  install(server, 4);
  const command = 'ken join KEN1-abcdefgh';
  server.over.set('POST /tokens', () => ({ status: 201, body: { id: 't1', token: 'KEN1-abcdefgh', command, expires: new Date(Date.now() + 3_600_000).toISOString() } }));
  await desk('/d/nodes');
  await page.getByRole('button', { name: 'Add a machine' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a machine' });
  await dialog.getByRole('button', { name: 'Make the command' }).click();
  await expect(dialog.getByText(command)).toBeVisible();
  await expect(dialog.getByText('Waiting for the machine to join')).toBeVisible();
  const { node } = await import('./fixture/fleet');
  server.say('nodes', { changed: [node(12)], removed: [] });
  await expect(dialog.getByText('dn-0012 has joined.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Add a machine' }).click();
  await expect(page.getByText(command)).toBeHidden();
});

test('several at once: judged together, by the menu and by the bar', async ({ page, server, desk }) => {
  install(server);
  const asked: string[] = [];
  server.over.set('GET /impact', ({ url }) => {
    asked.push(url.search);
    const act = url.searchParams.get('act');
    return { status: 200, body: act === 'drain' ? impact(true, 'All of it moves.') : impact(true, 'Not now.', ['12 volumes lie only on these.']) };
  });
  await desk('/d/nodes');
  await page.getByRole('searchbox', { name: 'Find by name, address or zone' }).fill('dn-001');
  const grid = page.getByRole('grid', { name: 'Nodes' });
  await expect(grid).toHaveAttribute('aria-rowcount', '11');
  await grid.focus();
  await page.keyboard.press('Control+a');
  const bar = page.getByRole('region', { name: '10 nodes chosen' });
  await page.keyboard.press('Shift+F10');
  await page.getByRole('menuitem', { name: 'Maintenance…' }).click();
  const away = page.getByRole('dialog', { name: 'Maintenance for 10 nodes' });
  await expect(away.getByRole('alert')).toContainText('12 volumes lie only on these.');
  await expect(away.getByRole('button', { name: 'Begin maintenance' })).toHaveAttribute('aria-disabled', 'true');
  await away.getByRole('button', { name: 'Cancel' }).click();
  await bar.getByRole('button', { name: 'Drain…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Drain 10 nodes' });
  await expect(dialog.getByText('All of it moves.')).toBeVisible();
  await expect(dialog.getByText('dn-0010, dn-0011')).toBeVisible();
  expect(asked.map((q) => decodeURIComponent(q))).toEqual([
    expect.stringContaining('act=maintenance&node=n10,n11'),
    expect.stringContaining('act=drain&node=n10,n11'),
  ]);
  await dialog.getByRole('button', { name: 'Drain 10 nodes' }).click();
  await expect(page.getByText('10 of 10 done.')).toBeVisible();
});

test('what a filter hides is not acted on', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/nodes');
  const find = page.getByRole('searchbox', { name: 'Find by name, address or zone' });
  await find.fill('dn-001');
  await page.getByRole('grid', { name: 'Nodes' }).focus();
  await page.keyboard.press('Control+a');
  await expect(page.getByRole('region', { name: '10 nodes chosen' })).toBeVisible();
  await find.fill('dn-0012');
  await expect(page.getByRole('region', { name: /nodes chosen/ })).toBeHidden();
});

test('the button of a row has its acts, and does not open the row', async ({ page, server, desk }) => {
  install(server);
  await desk('/d/nodes');
  await page.getByRole('searchbox', { name: 'Find by name, address or zone' }).fill('dn-0010');
  const button = page.getByRole('button', { name: 'Actions of dn-0010' });
  await button.dblclick();
  await expect(page.getByRole('grid', { name: 'Nodes' })).toBeVisible();
  await button.click();
  await page.getByRole('menuitem', { name: 'Drain…' }).click();
  await expect(page.getByRole('dialog', { name: 'Drain dn-0010' })).toBeVisible();
});

test('a node gets another zone: chosen, told what it means, done; and its own back', async ({ page, server, desk }) => {
  install(server);
  const sent: unknown[] = [];
  server.over.set('POST /nodes/n10/zone', ({ url, body }) => {
    sent.push([url.searchParams.get('dry_run'), body]);
    return { status: 200, body: impact(url.searchParams.has('dry_run'), 'dn-0010 is in the zone kiel then.') };
  });
  await desk('/d/nodes/n10');
  await expect(page.getByText('row-3/rack-11, set by an operator; the machine says row-9/rack-9')).toBeVisible();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Move to zone…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Zone of dn-0010' });
  await expect(dialog.getByRole('button', { name: 'Go on…' })).toHaveAttribute('aria-disabled', 'true');
  await dialog.getByLabel('New zone').fill(' kiel ');
  await page.keyboard.press('Enter');
  const asked = page.getByRole('dialog', { name: 'Move dn-0010 to kiel' });
  await expect(asked.getByText('dn-0010 is in the zone kiel then.')).toBeVisible();
  await asked.getByLabel('Reason').fill('moved');
  await asked.getByRole('button', { name: 'Move to this zone' }).click();
  await expect(page.getByText('dn-0010 is in kiel now.')).toBeVisible();
  expect(sent).toEqual([['true', { zone: 'kiel' }], [null, { zone: 'kiel', reason: 'moved' }]]);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Move to zone…' }).click();
  await page.getByRole('button', { name: 'Back to what the machine says: row-9/rack-9' }).click();
  await page.getByRole('button', { name: 'Take the machine’s own' }).click();
  await expect(page.getByText('dn-0010 is where its machine says.')).toBeVisible();
  expect(sent.at(-1)).toEqual([null, { zone: '', reason: '' }]);
});

test('a node that is struck off is asked for again, and nobody sees it alive', async ({ page, server, desk }) => {
  install(server);
  const { node } = await import('./fixture/fleet');
  await desk('/d/nodes/n10');
  await expect(page.getByText('Heard', { exact: true })).toBeVisible();
  await expect.poll(() => server.streams.size).toBeGreaterThan(0);
  server.over.set('GET /nodes/n10', () => ({ status: 200, body: { ...node(10), state: 'removed' } }));
  await expect(async () => {
    server.say('nodes', { changed: [], removed: ['n10'] });
    await expect(page.getByText('Removed', { exact: true })).toBeVisible({ timeout: 900 });
  }).toPass();
});

test('a machine that is not asked for by an administrator cannot be added', async ({ page, server, desk }) => {
  install(server, 4);
  server.me = { ...server.me, role: 'operator' };
  await desk('/d/nodes?add=1');
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Make the command' })).toHaveAttribute('aria-disabled', 'true');
});
