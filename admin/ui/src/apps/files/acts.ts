// What Files does to the tree: each act tells the windows, and the person.
import { api, client, type Schemas } from '../../api/client';
import { problemOf, type Problem } from '../../api/problem';
import { bytes, count } from '../../i18n/format';
import { said } from '../../said/render';
import { confirm } from '../../ui/confirm.svelte';
import { toast } from '../../ui/toast.svelte';
import { conflicts } from '../../transfers/conflict.svelte';
import { changed } from './changes';
import { another, base, contains, join, parent, same } from './paths';
import { plain } from './show';
import { t } from './strings';
import type { Entry } from './types';

export function report(cause: unknown): void {
  const p = problemOf(cause);
  toast(p.title || t.notDone, { tone: 'bad', detail: [p.detail, p.requestId].filter(Boolean).join(' · ') });
}

const move = (from: string, to: string, overwrite = false): Promise<Entry> => api(client.POST('/fs/move', { body: { from, to, overwrite } }));
const duplicate = (from: string, to: string, overwrite = false): Promise<Entry> => api(client.POST('/fs/copy', { body: { from, to, overwrite } }));

export function makeFolder(path: string): Promise<Entry> {
  return api(client.POST('/fs/mkdir', { body: { path } })).finally(() => changed(parent(path)));
}

// rename answers the new entry, or the problem that the field shall show.
export async function rename(entry: Entry, name: string): Promise<Entry | Problem> {
  const dir = parent(entry.path);
  try {
    const fresh = await move(entry.path, join(dir, name));
    toast(t.renamed(plain(name)), { action: { label: t.undoRename, run: () => void move(fresh.path, entry.path).then(() => changed(dir), report) } });
    return fresh;
  } catch (cause) {
    return problemOf(cause);
  } finally {
    changed(dir);
  }
}

type Made = { from: string; to: string; replaced?: boolean };

// put moves or copies entries into a folder; what is taken is asked about. It
// answers the paths that could not be put there.
export async function put(paths: readonly string[], to: string, copy: boolean): Promise<readonly string[]> {
  if (paths.some((p) => contains(p, to) && (p !== to || !copy))) {
    toast(t.intoItself, { tone: 'warn' });
    return paths;
  }
  const made: Made[] = [];
  const failed: string[] = [];
  let last: unknown;
  const asked = conflicts.batch();
  for (const from of paths) {
    if (!copy && parent(from) === to) continue;
    try {
      const at = await one(from, to, copy, asked);
      if (at) made.push(at);
    } catch (cause) {
      failed.push(from);
      last = cause;
    }
  }
  changed(to, ...paths.map(parent));
  if (failed.length === 1 && made.length === 0) report(last);
  else if (failed.length > 0) toast(t.someFailed(failed.length), { tone: 'bad', detail: problemOf(last).message });
  if (made.length > 0) tell(made, to, copy);
  return failed;
}

function tell(made: readonly Made[], to: string, copy: boolean): void {
  const where = plain(to === '/' ? t.drive : base(to));
  if (copy) toast(t.copied(made.length, where));
  else if (made.some((m) => m.replaced)) toast(t.moved(made.length, where)); // what was replaced does not come back
  else toast(t.moved(made.length, where), { action: { label: t.undoRename, run: () => void back(made) } });
}

type Asked = ReturnType<typeof conflicts.batch>;

async function one(from: string, dir: string, copy: boolean, asked: Asked): Promise<Made | null> {
  const act = copy ? duplicate : move;
  const name = base(from);
  if (copy && parent(from) === dir) return { from, to: await nextFree(act, from, dir, name) };
  const to = join(dir, name);
  try {
    return { from, to: (await act(from, to)).path };
  } catch (cause) {
    if (problemOf(cause).code !== 'exists') throw cause;
  }
  const policy = await asked.ask(to);
  if (policy === 'replace') return { from, to: (await act(from, to, true)).path, replaced: true };
  return policy === 'both' ? { from, to: await nextFree(act, from, dir, name) } : null;
}

async function nextFree(act: typeof move, from: string, dir: string, name: string): Promise<string> {
  for (let n = 2; ; n++) {
    try {
      return (await act(from, join(dir, another(name, n)))).path;
    } catch (cause) {
      if (problemOf(cause).code !== 'exists' || n > 1000) throw cause;
    }
  }
}

// back takes a move back; what cannot go back keeps nothing else from it.
async function back(made: readonly Made[]): Promise<void> {
  let last: unknown;
  for (const m of made) await move(m.to, m.from).catch((cause: unknown) => (last = cause));
  if (last === undefined) toast(t.undone);
  else report(last);
  changed(...made.flatMap((m) => [parent(m.from), parent(m.to)]));
}

const most = 1000; // paths in one request

// remove asks with what the server counted, and deletes. It answers whether it did.
export async function remove(entries: readonly Entry[]): Promise<boolean> {
  const paths = entries.map((e) => e.path);
  const ask = (dry: boolean): Promise<Would> =>
    inParts(paths, most, (part) => api(client.POST('/fs/delete', { params: { query: { dry_run: dry } }, body: { paths: part } })));
  const first = entries[0];
  if (!first) return false;
  try {
    const would = await ask(true);
    const inside = would.files + would.directories > entries.length;
    const folders = entries.filter((e) => e.dir).length;
    const answer = await confirm({
      tier: inside && folders > 0 ? 2 : 1,
      title: t.deleteTitle(paths.length, plain(first.name)),
      body: t.deleteBody,
      verb: t.deleteVerb,
      reason: false,
      danger: true,
      typed: inside && folders > 0 ? (entries.length === 1 && same(plain(first.name), first.name) ? first.name : t.deleteWord) : undefined,
      preview: async () => ({ sentence: '', facts: factsOf(would), blockers: [] }),
    });
    if (!answer) return false;
    const done = await ask(false);
    if (done.failed.length > 0) toast(t.someFailed(done.failed.length), { tone: 'bad', detail: done.failed[0] ? `${plain(base(done.failed[0].path))}: ${said(done.failed[0].title, done.failed[0].title_phrase)}` : '' });
    if (done.deleted > 0) toast(t.deleted(done.deleted));
    return true;
  } catch (cause) {
    report(cause);
    return false;
  } finally {
    changed(...new Set(paths.map(parent)));
  }
}

type Fact = Schemas['Fact'];
type Would = { deleted: number; files: number; directories: number; bytes: number; complete?: boolean; failed: readonly Schemas['PathProblem'][] };

// inParts does many paths in requests of so many, and adds the answers up. The
// first one that fails altogether ends it.
export async function inParts(paths: readonly string[], size: number, one: (part: string[]) => Promise<Would>): Promise<Would> {
  const sum = { deleted: 0, files: 0, directories: 0, bytes: 0, complete: true, failed: [] as Would['failed'][number][] };
  for (let at = 0; at < paths.length; at += size) {
    const w = await one(paths.slice(at, at + size));
    sum.deleted += w.deleted;
    sum.files += w.files;
    sum.directories += w.directories;
    sum.bytes += w.bytes;
    sum.complete &&= w.complete !== false;
    sum.failed.push(...w.failed);
  }
  return sum;
}

export function factsOf(would: Omit<Would, 'deleted'>): Fact[] {
  const facts: Fact[] = [];
  const add = (label: string, value: string, danger = false): number => facts.push({ label, value, danger });
  if (would.files > 0) add(t.deleteFiles, count(would.files));
  if (would.directories > 0) add(t.deleteFolders, count(would.directories));
  if (would.bytes > 0) add(t.deleteBytes, bytes(would.bytes));
  if (would.complete === false) add(t.deleteMore, t.deleteMoreValue, true);
  for (const f of would.failed.slice(0, 3)) add(plain(base(f.path)), said(f.title, f.title_phrase), true);
  return facts;
}
