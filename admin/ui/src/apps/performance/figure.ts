// A figure in the words of its unit.
import { bytes, decimal, rate } from '../../i18n/format';
import { locale } from '../../i18n/index.svelte';
import type { Unit } from './charts';
import { t } from './strings';

export function figure(v: number | null | undefined, unit: Unit): string {
  if (v === null || v === undefined) return t.noFigure;
  if (unit === 'rate') return rate(v);
  if (unit === 'bytes') return bytes(v);
  if (unit === 'ms') return t.ms(decimal(v, v < 10 ? 2 : 1));
  return t.perSecond(decimal(v, v < 0.1 ? 4 : v < 10 ? 2 : 0));
}

// tick is a time on the x axis: with the day where the axis is longer than a day.
export function tick(seconds: number, span: number): string {
  const at = new Date(seconds * 1000);
  if (span > 86_400 * 1.5) return at.toLocaleString(locale(), { weekday: 'short', hour: '2-digit', hour12: false });
  return at.toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit', hour12: false, ...(span <= 900 && { second: '2-digit' }) });
}
