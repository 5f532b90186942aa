// The colours of the page for a canvas, which does not know custom properties.

let version = $state(0);
let watching = false;

function watch(): void {
  if (watching) return;
  watching = true;
  const changed = (): void => void version++;
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ['data-theme', 'data-contrast'] });
}

// heatSteps are the shades of a heat map, from little to much.
export const heatSteps = 8;

// paper and ink are for pictures; soft is a series of an earlier time
export type Paint = { text: string; line: string; mark: string; paper: string; ink: string; none: string; series: string[]; soft: string[]; heat: string[] };

// paint answers the colours as they are now; reading it follows the theme.
export function paint(at: HTMLElement): Paint {
  watch();
  void version;
  const probe = document.createElement('span');
  at.append(probe);
  const computed = (value: string): string => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const color = (name: string): string => computed(`var(${name})`);
  const mix = (name: string, part: number): string => computed(`color-mix(in oklab, var(${name}) ${part}%, var(--surface-1))`);
  const numbers = [1, 2, 3, 4, 5, 6];
  const all = {
    text: color('--text-2'),
    line: color('--line'),
    mark: color('--warn'),
    paper: color('--surface-1'),
    ink: color('--text'),
    none: color('--line-2'),
    series: numbers.map((n) => color(`--series-${n}`)),
    soft: numbers.map((n) => mix(`--series-${n}`, 55)),
    heat: Array.from({ length: heatSteps }, (_, i) => mix('--series-1', 8 + (i * 92) / (heatSteps - 1))),
  };
  probe.remove();
  return all;
}
