// Small settings of one browser: column widths, a chosen view. What belongs to
// the person (windows, theme) is kept by the desk instead.

// read takes from the store what is of the right kind, and the default for the
// rest: what an older page wrote must not break this one for good.
function read<T extends object>(key: string, fallback: T): T {
  try {
    const stored = JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<T> | null;
    const right = Object.entries(fallback).map(([name, or]: [string, unknown]) => {
      const value: unknown = stored?.[name as keyof T];
      return [name, kind(value) === kind(or) ? value : or];
    });
    return Object.fromEntries(right) as T;
  } catch {
    return fallback;
  }
}

function kind(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

export type Remembered<T extends object> = { value: T };

// remembered is an object that survives the page, under its name.
export function remembered<T extends object>(name: string, fallback: T): Remembered<T> {
  const key = `ken.${name}`;
  let value = $state.raw<T>(read(key, fallback));
  return {
    get value() {
      return value;
    },
    set value(next: T) {
      value = next;
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // Storage is full or off: it is remembered until the page closes.
      }
    },
  };
}
