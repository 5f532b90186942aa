// What a tile says.
import { count, decimal, percent, rate } from '../../i18n/format';
import { failedDisks, stateOf, type Node } from '../../model/nodes';
import { w } from '../../model/strings';
import type { Judged } from './judge';
import { valueOf, type Metric } from '../../model/nodeMetrics';
import { t } from './strings';

export function metricText(n: Node, metric: Exclude<Metric, 'state'>): string {
  const v = valueOf(n, metric);
  if (v === null) return t.noFigure;
  if (metric === 'used') return percent(v);
  return metric === 'p99' ? t.ms(decimal(v)) : rate(v);
}

// spoken is the whole tile in words, what is seen of it first.
export function spoken(n: Node, metric: Metric, lit: boolean): string {
  const bad = failedDisks(n);
  const words = t.tile(
    n.name,
    metric === 'state' ? '' : metric === 'used' && valueOf(n, metric) !== null ? t.usedText(metricText(n, metric)) : metricText(n, metric),
    w.node[stateOf(n)],
    bad ? t.diskFailed(bad, count(bad)) : '',
  );
  return lit ? `${words}, ${t.hasCopy}` : words;
}

function spreadText(j: Judged): string {
  if (j.lost === j.groups) return '';
  if (!j.named) return t.noZones;
  if (j.alone) return j.groups === 1 ? t.oneZone : t.someAlone(j.alone, count(j.alone));
  if (j.racks) return t.inRacks(t.racks(j.places, count(j.places)), t.zones(j.zones, count(j.zones)));
  return t.inZones(t.zones(j.places, count(j.places)));
}

// said is the judgement on the copies of a volume or a file in words; complete is
// false when not all of the file was looked at.
export function said(j: Judged, file: boolean, complete: boolean): string {
  const first = file ? t.fileCopies(t.volumes(j.groups, count(j.groups)), t.nodes(j.nodes, count(j.nodes))) : t.copies(count(j.live), count(j.copies));
  const lost = file && j.lost ? t.lost(j.lost, count(j.lost), count(j.groups)) : '';
  const below = file && !j.lost && j.below ? t.below(j.below, count(j.below), count(j.groups)) : '';
  return [first, lost, below, spreadText(j), complete ? '' : t.part].filter(Boolean).join(' ');
}
