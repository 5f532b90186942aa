// Reads the beginning of a file to show it as text.
import { guarded } from '../../api/session.svelte';
import { Problem, problemOf } from '../../api/problem';
import { looksLikeText } from './kinds';
import type { Entry } from './types';
import { contentUrl } from './urls';

export const textMost = 256 << 10;

export type Text = { text: string; cut: boolean; binary: boolean };

export function decode(bytes: Uint8Array, whole: number): Text {
  const cut = whole > bytes.length;
  if (!looksLikeText(bytes)) return { text: '', cut, binary: true };
  // A character cut at the end is left away instead of being shown as a fault.
  const text = new TextDecoder().decode(bytes, { stream: cut });
  return { text, cut, binary: false };
}

async function problemIn(response: Response): Promise<Problem> {
  const body: unknown = response.headers.get('Content-Type')?.includes('json') ? await response.json().catch(() => undefined) : undefined;
  return problemOf(body, response);
}

export async function readText(entry: Entry, signal: AbortSignal): Promise<Text> {
  if (entry.size === 0) return { text: '', cut: false, binary: false };
  const request = new Request(contentUrl(entry.path), { headers: { Range: `bytes=0-${textMost - 1}` }, signal });
  let response: Response;
  try {
    response = await guarded(request);
  } catch (cause) {
    throw problemOf(cause);
  }
  if (!response.ok) throw await problemIn(response);
  return decode(new Uint8Array(await response.arrayBuffer()).slice(0, textMost), entry.size);
}

// failureOf asks why a picture or a film did not come: its element cannot say.
export async function failureOf(path: string): Promise<Problem> {
  try {
    const response = await guarded(new Request(contentUrl(path), { headers: { Range: 'bytes=0-0' } }));
    return response.ok ? new Problem(415, '', '') : await problemIn(response);
  } catch (cause) {
    return problemOf(cause);
  }
}
