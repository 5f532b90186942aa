// The ranges of time that can be asked for.
export type Range = '5m' | '15m' | '1h' | '6h' | '24h' | '7d';
export const ranges: readonly Range[] = ['5m', '15m', '1h', '6h', '24h', '7d'];

export function seconds(range: Range): number {
  return { '5m': 300, '15m': 900, '1h': 3600, '6h': 21_600, '24h': 86_400, '7d': 604_800 }[range];
}

// every is how often a range is read again, in ms: not more often than it has a new point.
export function every(range: Range): number {
  return { '5m': 5000, '15m': 5000, '1h': 10_000, '6h': 30_000, '24h': 60_000, '7d': 120_000 }[range];
}
