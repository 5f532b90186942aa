// What part of the range is looked at. Pure.
export type Zoom = { from: number; to: number };

type Times = readonly number[];

const least = 4; // points that a zoom keeps in sight

function whole(times: Times): Zoom | null {
  const [from, to] = [times[0], times.at(-1)];
  return from === undefined || to === undefined || to <= from ? null : { from, to };
}

// fit keeps a zoom inside the range; one that shows all of it is none.
function fit(times: Times, zoom: Zoom): Zoom | null {
  const all = whole(times);
  if (!all) return null;
  const length = Math.min(zoom.to - zoom.from, all.to - all.from);
  if (length >= all.to - all.from) return null;
  const from = Math.min(Math.max(zoom.from, all.from), all.to - length);
  return { from, to: from + length };
}

// closer shows half of what is seen, around a time.
export function closer(times: Times, zoom: Zoom | null, around: number): Zoom | null {
  const all = whole(times);
  if (!all) return null;
  const seen = zoom ?? all;
  const shortest = ((all.to - all.from) / Math.max(1, times.length - 1)) * least;
  const length = Math.max((seen.to - seen.from) / 2, shortest);
  return fit(times, { from: around - length / 2, to: around + length / 2 });
}

// wider shows twice as much, at last all of it.
export function wider(times: Times, zoom: Zoom): Zoom | null {
  const length = (zoom.to - zoom.from) * 2;
  const middle = (zoom.from + zoom.to) / 2;
  return fit(times, { from: middle - length / 2, to: middle + length / 2 });
}

// beside moves on by half of what is seen: -1 earlier, 1 later.
export function beside(times: Times, zoom: Zoom, way: -1 | 1): Zoom | null {
  const by = ((zoom.to - zoom.from) / 2) * way;
  return fit(times, { from: zoom.from + by, to: zoom.to + by });
}

// within answers the indices of times inside a zoom.
export function within(times: Times, zoom: Zoom | null): number[] {
  return times.flatMap((at, i) => (!zoom || (at >= zoom.from && at <= zoom.to) ? [i] : []));
}

// bounds are the first and the last index in sight.
export function bounds(times: Times, zoom: Zoom | null): { first: number; last: number } {
  const inside = zoom ? within(times, zoom) : [];
  return inside.length ? { first: inside[0] as number, last: inside.at(-1) as number } : { first: 0, last: Math.max(0, times.length - 1) };
}
