// How a verdict looks and sounds. What the sentence says is the server's.
import type { Schemas } from '../api/client';
import { spanRange, count } from '../i18n/format';
import { w } from '../model/strings';
import { verdictTones, type Verdict } from '../model/verdict';
import type { Tone } from '../ui/tone';

// toneOf answers the tone of a verdict, "unknown" for one of a newer server.
export function toneOf(verdict: string): Tone {
  return verdictTones[verdict as Verdict] ?? 'none';
}

export function wordOf(verdict: string): string {
  return w.verdict[verdict as Verdict] ?? w.verdict.unknown;
}

// shortOf is what the pill says: the word, and the one number that matters.
export function shortOf(health: Schemas['Health'] | undefined): string {
  if (!health) return w.verdict.unknown;
  const r = health.report;
  const word = wordOf(r.verdict);
  if (r.verdict === 'repairing' && r.repair.eta_max_seconds > 0 && !r.repair.stalled)
    return `${word} ${spanRange(r.repair.eta_min_seconds, r.repair.eta_max_seconds)}`;
  if (r.verdict === 'at_risk') return `${word} ${count(r.at_risk.volumes)}`;
  if (r.verdict === 'unavailable') return `${word} ${count(r.unavailable.volumes)}`;
  return word;
}

// titleOf is the document's title: with a mark when somebody should look.
export function titleOf(health: Schemas['Health'] | undefined, name: string): string {
  const tone = toneOf(health?.report.verdict ?? 'unknown');
  const mark = tone === 'bad' || tone === 'warn' ? '(!) ' : '';
  return `${mark}${shortOf(health)} – ${name}`;
}

const shapes: Record<Tone, string> = {
  ok: '<circle cx="16" cy="16" r="14" fill="#1a8a4f"/><path d="m10 16.5 4.2 4.2L22.5 12" stroke="#fff" stroke-width="3.4" fill="none" stroke-linecap="round" stroke-linejoin="round"/>',
  busy: '<circle cx="16" cy="16" r="14" fill="#2563d9"/><path d="M9.5 15a6.8 6.8 0 0 1 12-3.5l1.5 1.7m0-4.4v4.4h-4.4M22.5 17a6.8 6.8 0 0 1-12 3.5L9 18.8m0 4.4v-4.4h4.4" stroke="#fff" stroke-width="2.6" fill="none" stroke-linecap="round" stroke-linejoin="round"/>',
  warn: '<path d="M16 2 31 29H1z" fill="#c27803" stroke="#c27803" stroke-width="2" stroke-linejoin="round"/><path d="M16 12v8m0 4.5v.1" stroke="#fff" stroke-width="3.4" stroke-linecap="round"/>',
  bad: '<path d="M10.2 2h11.6L30 10.2v11.6L21.8 30H10.2L2 21.8V10.2z" fill="#d02b2b"/><path d="M16 8.5v9m0 5.5v.1" stroke="#fff" stroke-width="3.6" stroke-linecap="round"/>',
  none: '<circle cx="16" cy="16" r="12.5" fill="none" stroke="#76808f" stroke-width="3.4" stroke-dasharray="5.5 4.3"/>',
};

// faviconOf is the icon of the tab: the shape tells it too.
export function faviconOf(tone: Tone): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${shapes[tone]}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
