// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { windowFor, windows } from '../../desk/desk.svelte';
import { Win, type Params } from '../../desk/windows.svelte';
import { speak } from '../../i18n/index.svelte';
import { button, hands, screenOf, server, signIn, type Server } from '../../testing';
import App from './App.svelte';
import { t } from './strings';
import { systems, type Gateway } from './systems';

const plain: Gateway = { node: '1', name: 'loft-1', url: 'http://192.0.2.7:8080/', tls: false, self_signed: false, loopback: false };
const safe: Gateway = { node: '2', name: 'loft-2', url: 'https://loft-2.lan:8443/', tls: true, self_signed: true, loopback: false };
const loop: Gateway = { node: '3', name: 'loft-3', url: 'http://127.0.0.1:8080/', tls: false, self_signed: false, loopback: true };

let s: Server;
let user: ReturnType<typeof hands>;
let win: Win;
beforeEach(() => {
  screenOf(1000, 700);
  s = server();
  user = hands();
  signIn('viewer');
});
afterEach(() => void (windows.list = []));

async function open(gateways: Gateway[], params: Params = { system: 'macos' }): Promise<string> {
  s.on('GET /connect', { gateways, user: 'anna', nameservers: ['loft-1'] });
  win = new Win('w1', 'connect', null);
  win.params = params;
  render(App, { win: windowFor(win) });
  await vi.waitFor(() => expect(document.querySelector('[aria-busy=true]')).toBeNull());
  return document.body.textContent;
}

describe('how to mount the drive', () => {
  test.each(systems)('%s has its steps, and what it cannot do', async (system) => {
    const text = await open([safe], { system });
    expect(text).toContain(t.title(t.systems[system]));
    expect(text).toContain(t.limits[system][0]);
    expect(document.querySelectorAll('ol li').length).toBeGreaterThan(1);
    expect(text).not.toContain('undefined');
  });

  test('a click on another system shows that one, in the address too', async () => {
    await open([safe]);
    await user.click(button(t.systems.rclone));
    expect(win.params).toEqual({ system: 'rclone' });
    await waitFor(() => expect(document.body.textContent).toContain('rclone config create'));
  });

  test('of several gateways the safest is shown first, and another can be chosen', async () => {
    expect(await open([loop, plain, safe])).toContain('mount_webdav -i -v KenDFS https://loft-2.lan:8443/');
    await user.selectOptions(screen.getByLabelText(t.gateway), '1http://192.0.2.7:8080/');
    await waitFor(() => expect(document.body.textContent).toContain('mount_webdav -i -v KenDFS http://192.0.2.7:8080/'));
  });

  test('one gateway is no choice', async () => {
    await open([plain]);
    expect(screen.queryByLabelText(t.gateway)).toBeNull();
  });

  test('one that does not encrypt is warned of, before anybody types a password', async () => {
    expect(await open([plain])).toContain(t.plainDetail);
  });

  test('one that encrypts with its own certificate tells how to trust it', async () => {
    const text = await open([safe]);
    expect(text).toContain(t.selfSignedDetail);
    expect(text).toContain('openssl s_client -connect loft-2.lan:8443');
    expect(text).not.toContain(t.plainDetail);
  });

  test('one with a known certificate needs no word', async () => {
    const text = await open([{ ...safe, self_signed: false }]);
    expect(text).not.toContain(t.selfSignedDetail);
    expect(text).not.toContain('add-trusted-cert');
  });

  test('one that only its own machine reaches says how to change that', async () => {
    const text = await open([loop]);
    expect(text).toContain(t.loopbackDetail('loft-3'));
    expect(text).not.toContain(t.plainDetail);
  });

  test('without a gateway it says what is missing, and leads to the machines', async () => {
    expect(await open([])).toContain(t.noneDetail);
    await user.click(button(t.addMachine));
    expect(windows.top?.app).toBe('nodes');
  });

  test('a gateway that goes away while it is chosen gives way to one that is there', async () => {
    await open([plain, safe]);
    await user.selectOptions(screen.getByLabelText(t.gateway), '1http://192.0.2.7:8080/');
    s.on('GET /connect', { gateways: [safe], user: 'anna', nameservers: [] });
    const { invalidate } = await import('../../api/query.svelte');
    invalidate('connect');
    await waitFor(() => expect(document.body.textContent).toContain('mount_webdav -i -v KenDFS https://loft-2.lan:8443/'));
  });

  test('a fault names the request', async () => {
    s.refuse('GET /connect', 503, 'The nameserver does not answer');
    win = new Win('w1', 'connect', null);
    render(App, { win: windowFor(win) });
    expect((await screen.findByRole('alert')).textContent).toContain('r-4711');
  });

  test('in German', async () => {
    await speak('de');
    try {
      expect(await open([plain])).not.toMatch(/undefined|\[object|Mount the drive|Address/);
    } finally {
      await speak('en');
    }
  });
});
