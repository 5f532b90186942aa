// Who is signed in, and what happens when that ends: a request that meets 401
// waits behind the lock overlay and is sent again after the sign-in; one that
// needs the password again waits for the dialog that asks for it.

import type { components } from './schema';

export type Role = components['schemas']['Role'];
export type Me = components['schemas']['Session'];

type Waiting = (ok: boolean) => void;

const order: readonly Role[] = ['none', 'viewer', 'reader', 'writer', 'operator', 'admin'];
const sudoCode = 'sudo';

class Session {
  // undefined: not known yet.
  me = $state.raw<Me | undefined>(undefined);
  locked = $state(false);
  askingPassword = $state(false);
  #locks: Waiting[] = [];
  #sudos: Waiting[] = [];

  can(role: Role): boolean {
    return !!this.me?.signed_in && order.indexOf(this.me.role) >= order.indexOf(role);
  }

  // lock waits until somebody signed in again.
  lock(): Promise<boolean> {
    this.locked = true;
    return new Promise((resolve) => this.#locks.push(resolve));
  }

  unlock(me: Me): void {
    this.me = me;
    this.locked = false;
    for (const go of this.#locks.splice(0)) go(true);
  }

  // sudo waits for the password; false when the person gave up.
  sudo(): Promise<boolean> {
    this.askingPassword = true;
    return new Promise((resolve) => this.#sudos.push(resolve));
  }

  sudoDone(ok: boolean): void {
    this.askingPassword = false;
    for (const go of this.#sudos.splice(0)) go(ok);
  }
}

export const session = new Session();

async function codeOf(response: Response): Promise<string> {
  if (!response.headers.get('Content-Type')?.includes('json')) return '';
  const body = (await response.clone().json()) as { code?: string };
  return body.code ?? '';
}

// guarded is fetch with the lock and the password dialog behind it.
export async function guarded(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await fetch(request);
  if (response.status === 401 && session.me?.signed_in && !/\/session(\/sudo)?$/.test(request.url)) {
    return (await session.lock()) ? fetch(again) : response;
  }
  if (response.status === 403 && (await codeOf(response)) === sudoCode) {
    return (await session.sudo()) ? fetch(again) : response;
  }
  return response;
}
