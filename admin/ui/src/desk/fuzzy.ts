// Finding by a few letters. Pure.

// score answers how well text matches what was typed: 0 is not at all. Letters
// must come in order; the start of a word and runs of letters count more.
export function score(query: string, text: string): number {
  const q = fold(query);
  const s = fold(text);
  if (!q) return 1;
  const at = s.indexOf(q);
  if (at === 0) return 1000 - s.length;
  if (at > 0) return (boundary(s, at) ? 800 : 500) - at - s.length / 10;
  let points = 0;
  let from = 0;
  for (const letter of q) {
    if (letter === ' ') continue;
    const i = s.indexOf(letter, from);
    if (i < 0) return 0;
    points += boundary(s, i) ? 8 : i === from ? 5 : 1;
    from = i + 1;
  }
  return Math.max(1, points * 4 - s.length / 10);
}

function boundary(s: string, i: number): boolean {
  return i === 0 || /[^\p{L}\p{N}]/u.test(s[i - 1] ?? '');
}

// fold makes Übersicht and ubersicht the same.
function fold(s: string): string {
  return s.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim();
}

// best answers the items that match, best first.
export function best<T>(query: string, items: readonly T[], text: (item: T) => string, most = 50): T[] {
  return items
    .map((item, i) => ({ item, i, points: score(query, text(item)) }))
    .filter((x) => x.points > 0)
    .sort((a, b) => b.points - a.points || a.i - b.i)
    .slice(0, most)
    .map((x) => x.item);
}
