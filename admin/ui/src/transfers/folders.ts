// Empty folders of a drop; folders with files come with those.
import { problemOf } from '../api/problem';
import { changed } from '../apps/files/changes';
import { join, names, parent } from '../apps/files/paths';
import type { Wire } from './wire';

// makeFolders makes them from the top down. One that is there already is fine.
export async function makeFolders(wire: Pick<Wire, 'mkdir'>, dir: string, paths: readonly string[]): Promise<void> {
  const tops = paths.flatMap((path) => names(`/${path}`).map((_, i, all) => all.slice(0, i + 1).join('/')));
  for (const path of new Set(tops)) {
    try {
      await wire.mkdir(join(dir, path));
    } catch (cause) {
      if (problemOf(cause).code !== 'exists') console.warn('folder not made:', path, cause);
    }
  }
  changed(dir, ...paths.map((path) => parent(join(dir, path))));
}
