// Sizes and times as people write them. The opposite of format.ts.

const sizes: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };

// sizeOf reads a size: "500 GiB", "1.5t", "0"; null when it is none.
export function sizeOf(text: string): number | null {
  const m = /^\s*(\d+(?:[.,]\d+)?)\s*([bkmgtp]?)(?:i?b)?(?:\/s)?\s*$/i.exec(text);
  if (!m?.[1]) return null;
  const n = Number(m[1].replace(',', '.')) * (sizes[(m[2] ?? '').toLowerCase() || 'b'] ?? 1);
  return n <= Number.MAX_SAFE_INTEGER ? Math.round(n) : null;
}

const times: Readonly<Record<string, number>> = { s: 1, min: 60, m: 60, h: 3600, d: 86_400 };

// secondsOf reads a duration: "90", "10 min", "1 h 30 min", "2d"; null when it is none.
export function secondsOf(text: string): number | null {
  const t = text.trim().toLowerCase();
  if (/^\d+$/.test(t)) return Number(t);
  if (!/^(\d+(?:[.,]\d+)?\s*(?:s|min|m|h|d)\s*)+$/.test(t)) return null;
  let sum = 0;
  for (const [, n, unit] of t.matchAll(/(\d+(?:[.,]\d+)?)\s*(s|min|m|h|d)/g)) sum += Number(n?.replace(',', '.')) * (times[unit ?? 's'] ?? 1);
  return Math.round(sum);
}
