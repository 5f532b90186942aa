// Paths of the drive: absolute, "/" between names, "/" alone is the root. The
// rules are the namespace's: names are at most 255 bytes, hold no control
// character, slash or backslash, and are compared in Unicode NFC.

export const root = '/';
const longest = 255;
const deepest = 128;

const bytesOf = new TextEncoder();

export type Fault = 'empty' | 'dots' | 'long' | 'slash' | 'control';

// fault says why name cannot be an entry's name, or null.
export function fault(name: string): Fault | null {
  if (name === '') return 'empty';
  if (name === '.' || name === '..') return 'dots';
  if (/[/\\]/.test(name)) return 'slash';
  if (/[\u0000-\u001f\u007f\ufffe\uffff]/.test(name) || /\p{Cs}/u.test(name)) return 'control';
  if (size(name) > longest || size(key(name)) > longest) return 'long';
  return null;
}

function size(text: string): number {
  return bytesOf.encode(text).length;
}

// key is the form under which the namespace compares names.
export function key(name: string): string {
  return name.normalize('NFC');
}

export function same(a: string, b: string): boolean {
  return key(a) === key(b);
}

export function join(dir: string, name: string): string {
  return dir === root ? root + name : `${dir}/${name}`;
}

export function parent(path: string): string {
  const i = path.lastIndexOf('/');
  return i <= 0 ? root : path.slice(0, i);
}

export function base(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function names(path: string): string[] {
  return path === root ? [] : path.slice(1).split('/');
}

export type Step = { name: string; path: string };

// trail is the way from the root to path; the root itself is not in it.
export function trail(path: string): Step[] {
  let at = '';
  return names(path).map((name) => ({ name, path: (at += `/${name}`) }));
}

// contains: q is p or lies below it.
export function contains(p: string, q: string): boolean {
  const [a, b] = [key(p), key(q)];
  return a === root || a === b || b.startsWith(a + root);
}

// clean makes a path of what a person typed or pasted, relative to dir; null
// when it cannot be one. "..", ".", doubled and trailing slashes are resolved.
export function clean(text: string, dir: string = root): string | null {
  const typed = text.trim();
  if (typed === '') return null;
  const home = /^~(?=\/|$)/.test(typed);
  return home || typed.startsWith('/') ? resolve(typed.slice(home ? 1 : 0)) : resolve(typed, names(dir));
}

// resolve is the same for the path of an address, which is taken as it stands: a
// name may begin and end with a space.
export function resolve(path: string, from: readonly string[] = []): string | null {
  const parts = [...from];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      parts.pop();
      continue;
    }
    if (fault(part)) return null;
    parts.push(part);
  }
  return parts.length > deepest ? null : root + parts.join('/');
}

// split parts a name into its stem and its extension with the dot. A name that
// starts with its only dot has no extension; .tar.gz and the like stay together.
export function split(name: string): [stem: string, extension: string] {
  const m = /^(.+?)((?:\.tar)?\.[\p{L}\p{N}]{1,12})$/u.exec(name);
  return m?.[1] && m[2] ? [m[1], m[2]] : [name, ''];
}

// another is the nth name to try beside one that is taken: "a.txt", "a (2).txt", …
// A stem that would make the name too long is cut at a whole character.
export function another(name: string, n: number): string {
  if (n < 2) return name;
  const [stem, extension] = split(name.replace(/ \(\d+\)(?=(\.[^.]*)?$)/, ''));
  const tail = ` (${n})${extension}`;
  let letters = [...stem];
  while (letters.length > 1 && (size(letters.join('') + tail) > longest || size(key(letters.join('') + tail)) > longest)) {
    letters = letters.slice(0, -1);
  }
  return letters.join('') + tail;
}

// free is the first of those names that is not taken.
export function free(name: string, taken: (name: string) => boolean): string {
  for (let n = 1; ; n++) {
    const candidate = another(name, n);
    if (!taken(candidate)) return candidate;
  }
}

export type Unportable = 'characters' | 'ending' | 'device';

// unportable says why Windows cannot show a name that the drive can hold.
export function unportable(name: string): Unportable | null {
  if (/[:*?"<>|]/.test(name)) return 'characters';
  if (/[. ]$/.test(name)) return 'ending';
  if (/^(con|prn|aux|nul|com[1-9]|lpt[1-9])(\.|$)/i.test(name)) return 'device';
  return null;
}
