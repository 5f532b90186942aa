// Tells open windows that what is in some folders is no longer what they show.

type Listener = (folders: ReadonlySet<string>) => void;

const listeners = new Set<Listener>();
let gathered = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

const gather = 300; // ms: a hundred finished uploads are one reading

// changed says that entries were added to, taken from or changed in folders.
export function changed(...folders: string[]): void {
  for (const f of folders) gathered.add(f);
  timer ??= setTimeout(() => {
    const all = gathered;
    gathered = new Set();
    timer = undefined;
    for (const fn of listeners) fn(all);
  }, gather);
}

export function onChanged(fn: Listener): () => void {
  listeners.add(fn);
  return () => listeners.delete(fn);
}
