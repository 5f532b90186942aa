// Signing in, out and again.
import { api, client, type Schemas } from '../api/client';
import { live } from '../api/live.svelte';
import { session } from '../api/session.svelte';
import { transfers } from '../transfers/queue.svelte';
import { confirm } from '../ui/confirm.svelte';
import { t } from './strings';

// whoami asks the server who is signed in.
export async function whoami(): Promise<Schemas['Session']> {
  return (session.me = await api(client.GET('/session')));
}

export async function signIn(user: string, password: string): Promise<void> {
  session.unlock(await api(client.POST('/session', { body: { user, password } })));
}

export async function setUp(code: string, password: string): Promise<void> {
  session.unlock(await api(client.POST('/setup', { body: { code, password } })));
}

// again signs in after the session ended. Somebody else gets a desk of their own.
export async function again(user: string, password: string): Promise<void> {
  const before = session.me?.user;
  const me = await api(client.POST('/session', { body: { user, password } }));
  if (me.user !== before) return location.reload();
  session.unlock(me);
  live.retry();
}

export async function confirmPassword(password: string): Promise<void> {
  session.me = await api(client.POST('/session/sudo', { body: { password } }));
  session.sudoDone(true);
}

// signOut leaves nothing of the person on the page.
export async function signOut(): Promise<void> {
  const left = transfers.open;
  if (left > 0 && !(await confirm({ tier: 1, title: t.signOutTitle, body: t.signOutBody(left), verb: t.signOut, reason: false }))) return;
  transfers.cancelAll();
  live.stop();
  try {
    await api(client.DELETE('/session'));
  } finally {
    location.assign('/');
  }
}
