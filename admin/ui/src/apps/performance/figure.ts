// A figure in the words of its unit.
import { bytes, count, decimal, rate } from '../../i18n/format';
import { locale, zone } from '../../i18n/index.svelte';
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
  if (span > 86_400 * 1.5) return at.toLocaleString(locale(), { weekday: 'short', hour: '2-digit', minute: '2-digit', hour12: false, timeZone: zone() });
  return at.toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit', hour12: false, timeZone: zone(), ...(span <= 900 && { second: '2-digit' }) });
}

// unitText is the unit of raw figures, as a file has them.
export function unitText(unit: Unit): string {
  return { rate: 'bytes/s', bytes: 'bytes', ms: 'ms', each: '1/s' }[unit];
}

// changeText is a change in per cent, with its sign; empty where there is none to tell.
export function changeText(share: number | null): string {
  if (share === null) return '';
  const whole = Math.round(share * 100);
  if (whole === 0) return t.same;
  return whole > 999 ? t.muchMore : `${whole > 0 ? '+' : '−'}${count(Math.abs(whole))} %`;
}
