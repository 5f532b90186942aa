// One ticking second for the whole page, so that "3 minutes ago" stays true.
let now = $state(Date.now());
let timer: ReturnType<typeof setInterval> | undefined;
let readers = 0;

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

// seconds is the current time, in milliseconds, that changes each second.
export function seconds(): number {
  return now;
}
