// The browser's address follows the window in front, and Back and Forward bring
// back what it showed.
import { format, parse, type Place } from './route';
import type { Win } from './windows.svelte';

type State = { win?: string };

class Address {
  #first: Place | null = parse(location.pathname, location.search);

  // first is the place that the page was opened with, once.
  first(): Place | null {
    const place = this.#first;
    this.#first = null;
    return place;
  }

  #search = location.search;

  // search is what the page was opened with, once.
  search(): string {
    const text = this.#search;
    this.#search = '';
    return text;
  }

  // follow writes a window's place into the address.
  follow(win: Win | null, push = false): void {
    const to = win ? format(win) : '/';
    if (to === location.pathname + location.search) return;
    const state: State = { win: win?.id };
    if (push) history.pushState(state, '', to);
    else history.replaceState(state, '', to);
  }

  // onback calls fn with the place and the window that it was.
  onback(fn: (place: Place | null, win: string | undefined) => void): () => void {
    const listen = (e: PopStateEvent): void => fn(parse(location.pathname, location.search), (e.state as State | null)?.win);
    addEventListener('popstate', listen);
    return () => removeEventListener('popstate', listen);
  }
}

export const address = new Address();
