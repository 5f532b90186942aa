// The time: one ticking second for the whole page, so that "3 minutes ago" stays
// true, and by how much the server's clock is ahead of this browser's. What the
// server dates is compared with its own clock: this browser's may be wrong, and
// would make what is fresh look old.
let now = $state(Date.now());
let ahead = $state(0);
let timer: ReturnType<typeof setInterval> | undefined;
let readers = 0;

const longest = 10_000; // ms: an answer that took longer says little about now
const noise = 2000; // ms: the header has whole seconds, and the way takes time

// learn takes the Date header of an answer that was asked for and came at these
// times of this browser.
export function learn(date: string | null, sent: number, came: number): void {
  const said = Date.parse(date ?? '');
  if (!Number.isFinite(said) || came < sent || came - sent > longest) return;
  const found = said + 500 - (sent + came) / 2;
  if (Math.abs(found) < noise) ahead = 0;
  else if (Math.abs(found - ahead) >= noise) ahead = Math.round(found);
}

// serverTime is the server's time at a moment of this browser, in milliseconds.
export function serverTime(local: number = Date.now()): number {
  return local + ahead;
}

// tick makes the second tick while the caller (an effect) lives.
export function tick(): () => void {
  readers++;
  timer ??= setInterval(() => {
    if (!document.hidden) now = Date.now();
  }, 1000);
  return () => {
    if (--readers > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

// seconds is the server's time, in milliseconds, that changes each second.
export function seconds(): number {
  return now + ahead;
}

// localSeconds is the same by this browser's own clock.
export function localSeconds(): number {
  return now;
}
