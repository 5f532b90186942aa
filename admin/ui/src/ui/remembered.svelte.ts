// Small settings of one browser: column widths, a chosen view. What belongs to
// the person (windows, theme) is kept by the desk instead.

function read<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(key);
    return text === null ? fallback : { ...fallback, ...(JSON.parse(text) as T) };
  } catch {
    return fallback;
  }
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
