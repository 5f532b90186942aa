// Where a window was: back and forward, as in a browser.

const most = 100;

export type Trail = { past: readonly string[]; here: string; future: readonly string[] };

export function begin(here: string): Trail {
  return { past: [], here, future: [] };
}

// go leaves for another folder and forgets what was ahead.
export function go(t: Trail, to: string): Trail {
  if (to === t.here) return t;
  return { past: [...t.past, t.here].slice(-most), here: to, future: [] };
}

export function back(t: Trail): Trail {
  const to = t.past.at(-1);
  return to === undefined ? t : { past: t.past.slice(0, -1), here: to, future: [t.here, ...t.future] };
}

export function forward(t: Trail): Trail {
  const [to, ...rest] = t.future;
  return to === undefined ? t : { past: [...t.past, t.here], here: to, future: rest };
}
