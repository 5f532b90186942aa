// What an entry is, told by its name: for its icon, its word and its preview.
// Nothing here decides about safety: the server decides what it sends inline.
import { split } from './paths';

export type Kind = 'folder' | 'image' | 'audio' | 'video' | 'text' | 'code' | 'document' | 'sheet' | 'slides' | 'pdf' | 'archive' | 'disk' | 'font' | 'key' | 'file';

const byExtension: Readonly<Record<Exclude<Kind, 'folder' | 'file'>, string>> = {
  image: 'png jpg jpeg gif webp avif svg bmp tif tiff heic heif ico raw cr2 nef psd',
  audio: 'mp3 ogg oga opus wav flac m4a aac wma aiff mid',
  video: 'mp4 m4v webm mkv mov avi mpg mpeg wmv ogv',
  text: 'txt md markdown rst log csv tsv nfo srt vtt tex adoc',
  code: 'js ts jsx tsx mjs cjs svelte vue go rs c h cc cpp hpp java kt swift py rb php pl lua sh bash zsh fish ps1 bat cmd sql html htm xhtml css scss less xml json jsonl yaml yml toml ini conf cfg env diff patch proto mod sum gradle makefile dockerfile service',
  document: 'doc docx odt rtf pages epub mobi',
  sheet: 'xls xlsx ods numbers',
  slides: 'ppt pptx odp key',
  pdf: 'pdf',
  archive: 'zip tar gz tgz bz2 xz zst 7z rar tar.gz tar.bz2 tar.xz tar.zst jar deb rpm apk',
  disk: 'iso img qcow2 vmdk vdi vhd vhdx dmg',
  font: 'ttf otf woff woff2',
  key: 'pem crt cer gpg asc kdbx p12 pfx pub',
};

const kinds = new Map<string, Kind>();
for (const [kind, list] of Object.entries(byExtension)) for (const e of list.split(' ')) kinds.set(e, kind as Kind);

// extension is in lower case and without the dot.
export function extension(name: string): string {
  return split(name)[1].slice(1).toLowerCase();
}

export function kindOf(entry: { name: string; dir: boolean }): Kind {
  if (entry.dir) return 'folder';
  const e = extension(entry.name);
  return kinds.get(e) ?? kinds.get(e.slice(e.lastIndexOf('.') + 1)) ?? kinds.get(entry.name.toLowerCase()) ?? 'file';
}

export type Preview = 'image' | 'audio' | 'video' | 'text' | 'none';

const inline: Readonly<Record<'image' | 'audio' | 'video', ReadonlySet<string>>> = {
  image: new Set(['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif']),
  audio: new Set(['mp3', 'ogg', 'wav']),
  video: new Set(['mp4', 'webm']),
};

// previewOf says how an entry can be looked at without leaving the page. Names
// that promise nothing are tried as text: whoever shows them looks at the bytes.
export function previewOf(entry: { name: string; dir: boolean; size: number }): Preview {
  if (entry.dir) return 'none';
  const e = extension(entry.name);
  for (const p of ['image', 'audio', 'video'] as const) if (inline[p].has(e)) return p;
  const kind = kindOf(entry);
  if (kind === 'text' || kind === 'code' || e === 'svg' || e === 'pub' || e === 'pem' || e === 'crt' || e === 'asc') return 'text';
  return kind === 'file' && entry.size > 0 && entry.size <= 1 << 20 ? 'text' : 'none';
}

// looksLikeText: bytes that hold a NUL or are mostly not UTF-8 are no text.
export function looksLikeText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  const text = new TextDecoder().decode(bytes);
  let odd = 0;
  for (const c of text) if (c === '\ufffd') odd++;
  return odd <= text.length / 50 + 1;
}
