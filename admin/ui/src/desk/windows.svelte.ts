// The open windows: their places, their order, what is snapped or minimised.
import { cascade, clamp, resize, snapRect, type Edge, type Rect, type Size, type Snap } from './geometry';

export type Params = Readonly<Record<string, string>>;

// most bounds what one desk holds; the oldest minimised window gives way.
const most = 24;

export class Win {
  title = $state('');
  rect = $state.raw<Rect>({ x: 0, y: 0, w: 0, h: 0 });
  snap = $state<Snap | null>(null);
  // restore is where it goes back to from a snap.
  restore = $state.raw<Rect | null>(null);
  min = $state(false);
  pinned = $state(false);
  z = $state(0);
  params = $state.raw<Params>({});

  constructor(
    readonly id: string,
    readonly app: string,
    // opener gets the focus back when the window closes
    readonly opener: HTMLElement | null,
  ) {}
}

function same(a: Params, b: Params): boolean {
  const text = (p: Params): string => JSON.stringify(Object.entries(p).sort());
  return text(a) === text(b);
}

export class Windows {
  list = $state.raw<readonly Win[]>([]);
  area = $state.raw<Rect>({ x: 0, y: 0, w: 1280, h: 720 });
  top = $derived(this.#topmost());
  #z = 1;
  #next = 1;
  // #shrunk are windows that a smaller screen made smaller: as they were, and as
  // they were made. Who has moved one since has decided.
  #shrunk = new WeakMap<Win, { was: Rect; made: Rect }>();

  #topmost(): Win | null {
    let best: Win | null = null;
    for (const w of this.list) if (!w.min && (!best || w.z > best.z)) best = w;
    return best;
  }

  // open shows a window for an app, or brings up the one that shows the same.
  open(app: string, size: Size, params: Params = {}, options: { fresh?: boolean; opener?: HTMLElement | null } = {}): Win {
    const old = options.fresh ? undefined : this.list.find((w) => w.app === app && same(w.params, params));
    if (old) {
      this.focus(old);
      return old;
    }
    const win = new Win(`w${this.#next++}`, app, options.opener ?? null);
    win.params = params;
    win.rect = cascade(this.list.length, size, this.area);
    win.z = ++this.#z;
    this.list = [...this.#room(), win];
    return win;
  }

  #room(): readonly Win[] {
    if (this.list.length < most) return this.list;
    const oldest = [...this.list].sort((a, b) => Number(b.min) - Number(a.min) || a.z - b.z)[0];
    return this.list.filter((w) => w !== oldest);
  }

  focus(w: Win): void {
    w.min = false;
    if (this.top !== w) w.z = ++this.#z;
  }

  close(w: Win): void {
    this.list = this.list.filter((x) => x !== w);
  }

  minimise(w: Win): void {
    w.min = true;
  }

  move(w: Win, dx: number, dy: number): void {
    w.rect = clamp({ ...w.rect, x: w.rect.x + dx, y: w.rect.y + dy }, this.area);
    w.snap = null;
    w.restore = null;
  }

  place(w: Win, rect: Rect): void {
    w.rect = clamp(rect, this.area);
    w.snap = null;
    w.restore = null;
  }

  resize(w: Win, edge: Edge, dx: number, dy: number): void {
    w.rect = clamp(resize(w.rect, edge, dx, dy, this.area), this.area);
    w.snap = null;
    w.restore = null;
  }

  snap(w: Win, s: Snap): void {
    w.restore ??= w.rect;
    w.snap = s;
    w.rect = snapRect(s, this.area);
  }

  unsnap(w: Win): void {
    if (w.restore) w.rect = clamp(w.restore, this.area);
    w.restore = null;
    w.snap = null;
  }

  toggleMax(w: Win): void {
    if (w.snap === 'max') this.unsnap(w);
    else this.snap(w, 'max');
  }

  // fit makes the windows follow a screen that changed.
  fit(area: Rect): void {
    const old = this.area;
    if (old.x === area.x && old.y === area.y && old.w === area.w && old.h === area.h) return;
    this.area = area;
    for (const w of this.list) {
      if (w.snap) {
        w.rect = snapRect(w.snap, area);
        continue;
      }
      const before = this.#shrunk.get(w);
      const was = before?.made === w.rect ? before.was : w.rect;
      w.rect = clamp(was, area);
      this.#shrunk.set(w, { was, made: w.rect });
    }
  }

  // next brings up the window used longest ago (or the one before).
  next(back = false): Win | null {
    const order = this.list.filter((w) => !w.min).sort((a, b) => a.z - b.z);
    const win = back ? order.at(-2) : order[0];
    if (!win) return null;
    // Going back, the one in front becomes the last. All are counted from 1 again,
    // for below 0 a window would lie behind the desk.
    const last = order.at(-1);
    if (back && last) [last, ...order.slice(0, -1)].forEach((w, i) => (w.z = i + 1));
    this.#z = Math.max(this.#z, order.length);
    this.focus(win);
    return win;
  }

  showDesk(): void {
    for (const w of this.list) w.min = true;
  }
}
