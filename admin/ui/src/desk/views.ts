// Views of a list that a person keeps under a name: what is filtered, sorted,
// shown and grouped. Pure: what comes back from the store is checked.
export type View = {
  name: string;
  state: string; // '': all
  text: string;
  sort: { by: string; desc: boolean } | null;
  columns: string[];
  grouped: boolean;
};

export const most = 10; // views, so that they leave room for the windows
export const nameMost = 40; // characters
const textMost = 60;
const columnsMost = 24;

const word = (v: unknown, longest: number): string => (typeof v === 'string' ? v.slice(0, longest) : '');

function viewOf(value: unknown): View | null {
  const v = (value && typeof value === 'object' ? value : {}) as Record<string, unknown>;
  const name = word(v.name, nameMost).trim();
  const sort = (v.sort && typeof v.sort === 'object' ? v.sort : {}) as Record<string, unknown>;
  const by = word(sort.by, 20);
  const columns = (Array.isArray(v.columns) ? v.columns : []).filter((c): c is string => typeof c === 'string' && c.length <= 20);
  if (!name || columns.length === 0) return null;
  return {
    name,
    state: word(v.state, 20),
    text: word(v.text, textMost),
    sort: by ? { by, desc: sort.desc === true } : null,
    columns: columns.slice(0, columnsMost),
    grouped: v.grouped === true,
  };
}

// soundViews takes from a stored value the views that are right, each name once.
export function soundViews(value: unknown): View[] {
  const out = new Map<string, View>();
  for (const v of Array.isArray(value) ? value : []) {
    const view = viewOf(v);
    if (view && out.size < most && !out.has(view.name)) out.set(view.name, view);
  }
  return [...out.values()];
}

// kept puts a view among others: under its name, in the place of one that has it.
// null: there are too many.
export function kept(views: readonly View[], view: View): View[] | null {
  const [sound] = soundViews([view]);
  if (!sound) return null;
  const at = views.findIndex((v) => v.name === sound.name);
  if (at < 0) return views.length < most ? [...views, sound] : null;
  return views.with(at, sound);
}

// renamed gives a view another name; null where one has that name already.
export function renamed(views: readonly View[], from: string, to: string): View[] | null {
  const name = to.trim().slice(0, nameMost);
  if (!name || (name !== from && views.some((v) => v.name === name))) return null;
  return views.map((v) => (v.name === from ? { ...v, name } : v));
}

// same says whether a list is shown as a view says.
export function same(a: Omit<View, 'name'>, b: Omit<View, 'name'>): boolean {
  const text = (v: Omit<View, 'name'>): string => JSON.stringify([v.state, v.text.trim(), v.sort?.by ?? '', v.sort?.desc ?? false, [...v.columns].sort(), v.grouped]);
  return text(a) === text(b);
}
