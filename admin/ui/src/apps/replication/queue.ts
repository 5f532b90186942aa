// The columns of the repair queue.
import { ago, bytes, capital, count, stamp } from '../../i18n/format';
import { classes, type Repair } from '../../model/repair';
import { w } from '../../model/strings';
import { said } from '../../said/render';
import type { Tone } from '../../ui/tone';
import type { Column } from '../../ui/grid/types';
import { t } from './strings';

export const workTones: Record<Repair['state'], Tone> = { running: 'busy', waiting: 'none', failed: 'warn' };

export const isSingle = (r: Repair): boolean => r.class === 'repair' && r.live <= 1 && r.target > 1;

// note is why an item does not move: the last error, or what it waits for.
export function note(r: Repair): string {
  return capital((r.state === 'failed' && r.last_error) || said(r.wait_reason ?? '', r.wait_phrase) || r.last_error || '');
}

// order sorts by urgency: single copies first, then by class.
export function order(r: Repair): number {
  return isSingle(r) ? -1 : classes.indexOf(r.class);
}

export function columns(name: (id: string) => string): Column<Repair>[] {
  return [
    { id: 'volume', title: t.col.volume, text: (r) => r.volume, width: 80, sort: (r) => r.volume, phone: 'title' },
    { id: 'what', title: t.col.what, text: (r) => (isSingle(r) ? w.class.single : w.class[r.class]), width: 165, sort: order, phone: 'meta' },
    { id: 'state', title: t.col.state, text: (r) => w.work[r.state], width: 105, sort: (r) => r.state, phone: 'end' },
    {
      id: 'copies',
      title: t.col.copies,
      text: (r) => t.ofWanted(count(r.live), count(r.target)),
      width: 72,
      sort: (r) => r.live - r.target,
      phone: 'meta',
    },
    {
      id: 'progress',
      title: t.col.progress,
      text: (r) => t.ofBytes(bytes(r.bytes_done), bytes(r.bytes)),
      width: 190,
      sort: (r) => r.bytes,
      phone: 'none',
    },
    { id: 'from', title: t.col.from, text: (r) => (r.from ? name(r.from) : t.none), width: 95, phone: 'none' },
    { id: 'to', title: t.col.to, text: (r) => (r.to ? name(r.to) : t.none), width: 95, phone: 'none' },
    { id: 'note', title: t.col.note, text: note, width: 220, grow: 2, phone: 'meta' },
    {
      id: 'since',
      title: t.col.since,
      text: (r) => (r.since ? ago(r.since) : t.none),
      width: 110,
      sort: (r) => (r.since ? Date.parse(r.since) : 0),
      phone: 'none',
    },
    { id: 'tries', title: t.col.tries, text: (r) => count(r.tries), width: 70, align: 'end', sort: (r) => r.tries, phone: 'none' },
    { id: 'next', title: t.col.next, text: (r) => (r.next_try ? stamp(r.next_try) : t.none), width: 120, phone: 'none' },
    { id: 'on', title: t.col.on, text: (r) => r.on.map(name).join(', '), width: 200, phone: 'none', hidden: true },
  ];
}
