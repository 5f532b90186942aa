// What the tests of components share: a server that answers over fetch, with its
// live stream; who is signed in; a screen that has a size. Nothing of it is in
// the page. A file that imports it leaves each test as it found it.
import { cleanup } from '@testing-library/svelte';
import userEvent, { type UserEvent } from '@testing-library/user-event';
import { createRawSnippet, type Snippet } from 'svelte';
import { afterEach, vi } from 'vitest';
import * as cluster from '../e2e/fixture/cluster';
import { live } from './api/live.svelte';
import type { Problem } from './api/problem';
import { invalidate, type Query } from './api/query.svelte';
import { session, type Me, type Role } from './api/session.svelte';
import type { components } from './api/schema';

export type Call = { method: string; path: string; query: URLSearchParams; body: unknown; headers: Headers };
type ProblemBody = Partial<components['schemas']['Problem']>;
type Reply = (call: Call) => unknown;
type Stream = { say: (text: string) => void; end: () => void };

const base = '/api/v1';
const requestId = 'r-4711';

class Refusal {
  constructor(readonly body: ProblemBody & { status: number }) {}
}

// refusal is an answer that is a problem document, for use in a reply.
export function refusal(status: number, title: string, more: ProblemBody = {}): Refusal {
  return new Refusal({ type: 'about:blank', status, title, code: '', detail: '', request_id: requestId, ...more });
}

// matches: a star in a pattern stands for one part of the path.
function matches(pattern: string, call: string): boolean {
  const [a, b] = [pattern.split('/'), call.split('/')];
  return a.length === b.length && a.every((part, i) => part === '*' || part === b[i]);
}

// Server answers what the test tells it to; what it was not told is a 404 that
// names the call. The newest answer for a call stands.
export class Server {
  calls: Call[] = [];
  // silent: nothing answers, as when the admin is down
  silent = false;
  streams: Stream[] = [];
  #replies: [pattern: string, reply: Reply][] = [];
  #held: [pattern: string, until: Promise<void>][] = [];
  #id = 0;

  // on answers 'GET /nodes' with a body (undefined: 204), or with what a function makes of the call.
  on(pattern: string, reply: unknown): this {
    this.#replies.unshift([pattern, typeof reply === 'function' ? (reply as Reply) : () => reply]);
    return this;
  }

  // refuse answers with a problem document.
  refuse(pattern: string, status: number, title: string, more: ProblemBody = {}): this {
    return this.on(pattern, refusal(status, title, more));
  }

  // hold keeps answers back until what it answers is called.
  hold(pattern: string): () => void {
    let free!: () => void;
    const held: [string, Promise<void>] = [pattern, new Promise((done) => (free = done))];
    this.#held.push(held);
    return () => {
      this.#held = this.#held.filter((h) => h !== held);
      free();
    };
  }

  // sent are the calls made so far that match.
  sent(pattern: string): Call[] {
    return this.calls.filter((c) => matches(pattern, `${c.method} ${c.path}`));
  }

  // say sends a message on the live stream.
  say(topic: string, data: unknown): void {
    this.#id++;
    for (const s of this.streams) s.say(`id: ${this.#id}\nevent: ${topic}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const request = input instanceof Request ? input : null;
    const signal = request?.signal ?? init.signal ?? undefined;
    const url = new URL(request?.url ?? String(input), 'http://admin.test');
    if (signal?.aborted) throw new DOMException('stopped', 'AbortError');
    if (this.silent) throw new TypeError('Failed to fetch');
    if (url.pathname === `${base}/live`) return this.#live(signal);
    const text = request ? await request.text() : typeof init.body === 'string' ? init.body : '';
    const call: Call = {
      method: request?.method ?? init.method ?? 'GET',
      path: url.pathname.replace(base, ''),
      query: url.searchParams,
      body: text ? (JSON.parse(text) as unknown) : undefined,
      headers: request?.headers ?? new Headers(init.headers),
    };
    this.calls.push(call);
    return this.#answer(call, signal);
  };

  async #answer(call: Call, signal: AbortSignal | undefined): Promise<Response> {
    const name = `${call.method} ${call.path}`;
    const held = this.#held.find(([pattern]) => matches(pattern, name));
    if (held) await Promise.race([held[1], gone(signal)]);
    const reply = this.#replies.find(([pattern]) => matches(pattern, name));
    const body: unknown = reply ? await reply[1](call) : refusal(404, `The test's server does not know ${name}`, { code: 'not_found' });
    if (signal?.aborted) throw new DOMException('stopped', 'AbortError');
    if (body instanceof Response) return body;
    if (body === undefined) return new Response(null, { status: 204 });
    const [status, said, type] = body instanceof Refusal ? [body.body.status, body.body, 'application/problem+json'] : [200, body, 'application/json'];
    return new Response(JSON.stringify(said), { status, headers: { 'Content-Type': type, 'X-Request-ID': requestId } });
  }

  #live(signal: AbortSignal | undefined): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (control) => {
        const stream: Stream = {
          say: (text) => control.enqueue(new TextEncoder().encode(text)),
          end: () => {
            this.streams = this.streams.filter((s) => s !== stream);
            control.close();
          },
        };
        this.streams.push(stream);
        signal?.addEventListener('abort', () => {
          this.streams = this.streams.filter((s) => s !== stream);
          control.error(signal.reason);
        });
      },
    });
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  }
}

function gone(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, fail) => signal?.addEventListener('abort', () => fail(new DOMException('stopped', 'AbortError'))));
}

// server puts a server behind the page until the test is over.
export function server(): Server {
  const s = new Server();
  vi.stubGlobal('fetch', s.fetch);
  return s;
}

// signIn makes somebody be signed in.
export function signIn(role: Role = 'admin', change: Partial<Me> = {}): Me {
  return (session.me = cluster.session({ role, user: role, ...change }));
}

// screenOf gives the page and each element in it a size: without a browser
// nothing has one, and a list that has no height draws nothing.
export function screenOf(width: number, height: number): void {
  vi.stubGlobal('innerWidth', width);
  vi.stubGlobal('innerHeight', height);
  for (const [name, size] of Object.entries({ clientWidth: width, clientHeight: height, offsetWidth: width, offsetHeight: height })) {
    vi.spyOn(HTMLElement.prototype, name as 'clientWidth', 'get').mockReturnValue(size);
  }
  vi.spyOn(HTMLElement.prototype, 'getBoundingClientRect').mockReturnValue(new DOMRect(0, 0, width, height));
}

// scroll moves an element's content, as a wheel does.
export function scroll(element: HTMLElement, top: number): void {
  element.scrollTop = top;
  element.dispatchEvent(new Event('scroll'));
}

// button is the button of that name. To ask for it by its role takes a tenth of a
// second where there is no browser, on a page with a list.
export function button(name: string): HTMLElement {
  const found = [...document.querySelectorAll<HTMLElement>('button, a.button')].find((b) => b.getAttribute('aria-label') === name || b.textContent.trim() === name);
  if (!found) throw new Error(`There is no button ${name}`);
  return found;
}

// off: it is there and cannot be pressed
export function off(b: HTMLElement): boolean {
  return b.getAttribute('aria-disabled') === 'true';
}

// rows are those of a list or a grid that are drawn.
export function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-i]')];
}

// hands are the person's: they wait for nothing, and move the clock where it is held.
export function hands(): UserEvent {
  return userEvent.setup({ delay: null, pointerEventsCheck: 0, advanceTimers: (ms) => (vi.isFakeTimers() ? vi.advanceTimersByTime(ms) : undefined) });
}

// snippet is a part of a template: what it is given becomes text.
export function snippet<A extends unknown[]>(say: (...given: A) => string): Snippet<A> {
  return createRawSnippet<A>((...given) => ({
    render: () => `<div>${say(...(given.map((g) => g()) as A)).replace(/[<&]/g, (c) => `&#${c.charCodeAt(0)};`)}</div>`,
  })) as Snippet<A>;
}

// answered is a query as a panel sees it.
export function answered<T>(data: T | undefined, change: Partial<{ error: Problem | null; loading: boolean; at: number }> = {}): Query<T> & { refresh: ReturnType<typeof vi.fn> } {
  return { data, error: null, loading: false, at: data === undefined ? 0 : Date.now(), set: () => undefined, ...change, refresh: vi.fn(async () => undefined) };
}

// The page without a browser does not know which option of a list is chosen when
// it is asked by selector, as Svelte does.
if (typeof HTMLSelectElement !== 'undefined') {
  const all = HTMLSelectElement.prototype;
  const find = Object.getOwnPropertyDescriptor(Element.prototype, 'querySelector')?.value as (selector: string) => Element | null;
  all.querySelector = function (this: HTMLSelectElement, selector: string): Element | null {
    return selector === ':checked' ? (this.selectedOptions[0] ?? null) : find.call(this, selector);
  };
}

// Nor does it have popovers, or pointers that are held.
if (typeof HTMLElement !== 'undefined') {
  const none = (): void => undefined;
  Object.assign(HTMLElement.prototype, { showPopover: none, hidePopover: none });
  const held = new WeakSet<Element>();
  Object.assign(Element.prototype, {
    setPointerCapture(this: Element): void {
      held.add(this);
    },
    hasPointerCapture(this: Element): boolean {
      return held.has(this);
    },
    releasePointerCapture(this: Element): void {
      if (held.delete(this)) this.dispatchEvent(new Event('lostpointercapture'));
    },
  });
}

afterEach(() => {
  cleanup();
  live.stop();
  session.unlock(cluster.session());
  session.sudoDone(false);
  session.me = undefined;
  invalidate(''); // nothing that one test read is known to the next
  if (typeof localStorage !== 'undefined') localStorage.clear();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});
