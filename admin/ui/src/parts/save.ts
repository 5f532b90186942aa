// Tables as files: what is on screen, with the same words.
import type { Column } from '../ui/grid/types';

// quote keeps commas, quotes and line ends inside a value; a value that a
// spreadsheet would take for a formula gets an apostrophe.
function quote(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) && !/^-?[\d.,]+$/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// csv writes rows as RFC 4180, with the columns' titles first.
export function csv<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const lines = [columns.map((c) => quote(c.title)), ...rows.map((r) => columns.map((c) => quote(c.text(r))))];
  return lines.map((l) => l.join(',') + '\r\n').join('');
}

// jsonLines writes one object a line.
export function jsonLines(rows: readonly unknown[]): string {
  return rows.map((r) => JSON.stringify(r) + '\n').join('');
}

// save hands a file to the browser as a download.
export function save(name: string, data: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([data], { type }));
  const a = document.createElement('a');
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
