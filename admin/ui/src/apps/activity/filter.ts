// What the two logs are filtered by, in the address and in the request.
import type { Schemas } from '../../api/client';

type Event = Schemas['Event'];
export type Severity = Event['severity'];

export const ranges = ['1h', '24h', '7d', 'all'] as const;
export type Range = (typeof ranges)[number];
export const severities = ['info', 'warning', 'critical'] as const;

export type Filter = { text: string; severity: Severity; range: Range; node: string };

// filterOf reads the address; what it does not know is left out.
export function filterOf(params: Readonly<Record<string, string>>): Filter {
  return {
    text: (params.text ?? '').slice(0, 200),
    severity: severities.find((s) => s === params.severity) ?? 'info',
    range: ranges.find((r) => r === params.range) ?? 'all',
    node: params.node ?? '',
  };
}

// paramsOf is the address of a filter, without what is as usual.
export function paramsOf(tab: string, f: Filter): Record<string, string> {
  return {
    tab,
    ...(f.text && { text: f.text }),
    ...(f.severity !== 'info' && { severity: f.severity }),
    ...(f.range !== 'all' && { range: f.range }),
    ...(f.node && { node: f.node }),
  };
}

export const isFiltered = (f: Filter): boolean => !!f.text || f.severity !== 'info' || f.range !== 'all' || !!f.node;

const hours: Record<Exclude<Range, 'all'>, number> = { '1h': 1, '24h': 24, '7d': 168 };

// sinceOf is where a range begins, on the whole minute so that pages agree.
export function sinceOf(range: Range, now: number): string | undefined {
  if (range === 'all') return undefined;
  return new Date(Math.floor(now / 60_000) * 60_000 - hours[range] * 3_600_000).toISOString();
}

// matches says whether an event that came live belongs into a filtered list, as
// the server would say: the text is contained in what is shown, ignoring case.
export function matches(e: Event, f: Filter): boolean {
  if (severities.indexOf(e.severity) < severities.indexOf(f.severity)) return false;
  if (f.node && e.node !== f.node) return false;
  const word = f.text.trim().toLowerCase();
  return !word || [e.text, e.code, e.subject ?? '', e.node ?? ''].some((v) => v.toLowerCase().includes(word));
}
