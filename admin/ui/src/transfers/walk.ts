// What was dropped or chosen, as a flat list: files with their path relative to
// the folder they go to, and the empty folders among them.

export type Found = { files: { path: string; file: File }[]; folders: string[]; skipped: string[]; more: boolean };

const most = 100_000;
const deepest = 100;

// entriesOf must be called while the drop event is handled: the list is empty afterwards.
export function entriesOf(items: Iterable<DataTransferItem>): FileSystemEntry[] {
  const all: FileSystemEntry[] = [];
  for (const item of items) {
    const entry = item.kind === 'file' ? item.webkitGetAsEntry() : null;
    if (entry) all.push(entry);
  }
  return all;
}

function pageOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

// walk goes through entries and all below them. What cannot be read is named in
// skipped and does not stop the rest.
export async function walk(entries: readonly FileSystemEntry[], progress?: (files: number) => void): Promise<Found> {
  const found: Found = { files: [], folders: [], skipped: [], more: false };
  await visit(entries, '', 0, found, progress);
  return found;
}

async function visit(entries: readonly FileSystemEntry[], dir: string, depth: number, found: Found, progress?: (files: number) => void): Promise<void> {
  for (const entry of entries) {
    if (found.files.length >= most) {
      found.more = true;
      return;
    }
    const path = dir + entry.name.normalize('NFC');
    try {
      if (entry.isFile) {
        found.files.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
        progress?.(found.files.length);
      } else if (depth >= deepest) {
        found.skipped.push(path);
      } else {
        await inside(entry as FileSystemDirectoryEntry, path, depth, found, progress);
      }
    } catch {
      found.skipped.push(path);
    }
  }
}

async function inside(entry: FileSystemDirectoryEntry, path: string, depth: number, found: Found, progress?: (files: number) => void): Promise<void> {
  const reader = entry.createReader();
  let empty = true;
  for (;;) {
    const page = await pageOf(reader); // a browser gives at most 100 at a time
    if (page.length === 0) break;
    empty = false;
    await visit(page, `${path}/`, depth + 1, found, progress);
  }
  if (empty) found.folders.push(path);
}

// chosen is the same for an <input type=file>, with or without webkitdirectory.
export function chosen(files: Iterable<File>): Found {
  const found: Found = { files: [], folders: [], skipped: [], more: false };
  for (const file of files) {
    if (found.files.length >= most) {
      found.more = true;
      break;
    }
    found.files.push({ path: (file.webkitRelativePath || file.name).normalize('NFC'), file });
  }
  return found;
}
