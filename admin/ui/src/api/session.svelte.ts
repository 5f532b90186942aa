// Who is signed in, and what happens when that ends: a request that meets 401
// waits behind the lock overlay and is sent again after the sign-in; one that
// needs the password again waits for the dialog that asks for it.

import { learn } from '../i18n/now.svelte';
import type { components } from './schema';

export type Role = components['schemas']['Role'];
export type Me = components['schemas']['Session'];

type Waiting = Set<(ok: boolean) => void>;

const order: readonly Role[] = ['none', 'viewer', 'reader', 'writer', 'operator', 'admin'];
const sudoCode = 'sudo';

// wait answers when the person has acted; who gave up meanwhile is forgotten, or
// a page left alone overnight would gather waiting calls.
function wait(list: Waiting, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const end = (): void => {
      list.delete(go);
      signal?.removeEventListener('abort', gone);
    };
    const go = (ok: boolean): void => {
      end();
      resolve(ok);
    };
    const gone = (): void => {
      end();
      reject(signal?.reason as Error);
    };
    list.add(go);
    signal?.addEventListener('abort', gone);
  });
}

export class Session {
  // undefined: not known yet.
  me = $state.raw<Me | undefined>(undefined);
  locked = $state(false);
  askingPassword = $state(false);
  #locks: Waiting = new Set();
  #sudos: Waiting = new Set();

  can(role: Role): boolean {
    return !!this.me?.signed_in && order.indexOf(this.me.role) >= order.indexOf(role);
  }

  // lock waits until somebody signed in again.
  lock(signal?: AbortSignal): Promise<boolean> {
    this.locked = true;
    return wait(this.#locks, signal);
  }

  // waiting counts the calls behind the lock and behind the password.
  get waiting(): number {
    return this.#locks.size + this.#sudos.size;
  }

  unlock(me: Me): void {
    this.me = me;
    this.locked = false;
    for (const go of [...this.#locks]) go(true);
  }

  // sudo waits for the password; false when the person gave up.
  sudo(signal?: AbortSignal): Promise<boolean> {
    this.askingPassword = true;
    return wait(this.#sudos, signal);
  }

  sudoDone(ok: boolean): void {
    this.askingPassword = false;
    for (const go of [...this.#sudos]) go(ok);
  }
}

export const session = new Session();

async function codeOf(response: Response): Promise<string> {
  if (!response.headers.get('Content-Type')?.includes('json')) return '';
  const body = (await response.clone().json().catch(() => null)) as { code?: string } | null;
  return body?.code ?? '';
}

// guarded is fetch with the lock and the password dialog behind it.
export async function guarded(request: Request): Promise<Response> {
  const again = request.clone();
  const sent = Date.now();
  const response = await fetch(request);
  learn(response.headers.get('Date'), sent, Date.now());
  if (response.status === 401 && session.me?.signed_in && !/\/session(\/sudo)?$/.test(request.url)) {
    // The password may be asked for behind the lock, too.
    return (await session.lock(request.signal)) ? guarded(again) : response;
  }
  if (response.status === 403 && (await codeOf(response)) === sudoCode) {
    return (await session.sudo(request.signal)) ? fetch(again) : response;
  }
  return response;
}
