// The text of an event stream, cut into events. Pure: bytes in, events out.

export type Event = { id: string; topic: string; data: string };

// limit bounds one event: a stream that sends more is broken.
const limit = 4 << 20;

// Parser collects text as it arrives. Comments (the server's pings) give no event.
export class Parser {
  #rest = '';
  #id = '';
  #topic = '';
  #data: string[] = [];
  #size = 0;

  push(text: string): Event[] {
    this.#rest += text;
    if (this.#rest.length + this.#size > limit) throw new Error('an event is larger than 4 MiB');
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    const events: Event[] = [];
    for (const line of lines) {
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(line: string): Event | null {
    if (line === '') return this.#flush();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') this.#id = value;
    if (field === 'event') this.#topic = value;
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length + 1;
    }
    return null;
  }

  #flush(): Event | null {
    const event = { id: this.#id, topic: this.#topic || 'message', data: this.#data.join('\n') };
    const empty = this.#data.length === 0;
    this.#topic = '';
    this.#data = [];
    this.#size = 0;
    return empty ? null : event;
  }
}

// backoff is the wait before the nth try, in ms: 1, 2, 4 … 30 s, each with up
// to half of it taken off by chance, so that a hundred pages do not knock at once.
export function backoff(tries: number, chance: () => number = Math.random): number {
  const full = Math.min(30_000, 1000 * 2 ** Math.min(tries, 5));
  return Math.round(full * (1 - chance() / 2));
}
