// A name as it is, made visible: characters that have no picture of their own,
// turn the writing direction or look like others are shown by their code, so
// that two different names never look the same by them and none can pretend.

export type Piece = { text: string; code: boolean };

const hidden = new RegExp(
  '[\\u0080-\\u009f\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f' +
    '\\u2028-\\u202f\\u205f-\\u206f\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\ue000-\\uf8ff' +
    '\\u{e0000}-\\u{e0fff}]',
  'u',
);

// joins: signs that belong to the writing around them (emoji, Arabic, Indic scripts).
function joins(c: string, before: string, after: string): boolean {
  const wide = (x: string): boolean => x !== '' && /[^\u0000-\u02ff]/u.test(x) && !hidden.test(x);
  if (c === '\u200d' || c === '\u200c') return wide(before.replace('\ufe0f', '')) && wide(after);
  return c === '\ufe0f' && /\p{Emoji}/u.test(before);
}

function code(c: string): string {
  return 'U+' + (c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

// pieces cuts a name into what is shown as text and what is shown as a code.
export function pieces(name: string): Piece[] {
  if (!hidden.test(name) && !/^\s|\s$|\s\s/.test(name)) return [{ text: name, code: false }];
  const letters = [...name];
  const all: Piece[] = [];
  letters.forEach((c, i) => {
    const before = (letters[i - 1] === '\ufe0f' ? letters[i - 2] : letters[i - 1]) ?? '';
    const after = letters[i + 1] ?? '';
    const edge = c === ' ' && (i === 0 || i === letters.length - 1 || before === ' ');
    const odd = edge || (hidden.test(c) && !joins(c, before, after));
    const last = all.at(-1);
    if (odd) all.push({ text: edge ? '\u2423' : code(c), code: true });
    else if (last && !last.code) last.text += c;
    else all.push({ text: c, code: false });
  });
  return all;
}

// plain is the same as one text: for titles, labels and messages.
export function plain(name: string): string {
  return pieces(name)
    .map((p) => (p.code && p.text !== '\u2423' ? `[${p.text}]` : p.text))
    .join('');
}
