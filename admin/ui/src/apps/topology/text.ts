// What a tile says.
import { count, decimal, percent, rate } from '../../i18n/format';
import { failedDisks, stateOf, type Node } from '../../model/nodes';
import { w } from '../../model/strings';
import { valueOf, type Metric } from './places';
import { t } from './strings';

export function metricText(n: Node, metric: Exclude<Metric, 'state'>): string {
  const v = valueOf(n, metric);
  if (v === null) return t.noFigure;
  if (metric === 'used') return percent(v);
  return metric === 'p99' ? t.ms(decimal(v)) : rate(v);
}

// spoken is the whole tile in words.
export function spoken(n: Node, metric: Metric, lit: boolean): string {
  const bad = failedDisks(n);
  const words = t.tile(
    n.name,
    w.node[stateOf(n)],
    metric === 'state' ? '' : metric === 'used' ? t.usedText(metricText(n, metric)) : metricText(n, metric),
    bad ? t.diskFailed(count(bad)) : '',
  );
  return lit ? `${words}, ${t.hasCopy}` : words;
}
