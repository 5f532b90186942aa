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

export type Paint = { text: string; line: string; mark: string; series: string[] };

// paint answers the colours as they are now; reading it follows the theme.
export function paint(at: HTMLElement): Paint {
  watch();
  void version;
  const probe = document.createElement('span');
  at.append(probe);
  const color = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const all = {
    text: color('--text-2'),
    line: color('--line'),
    mark: color('--warn'),
    series: [1, 2, 3, 4, 5, 6].map((n) => color(`--series-${n}`)),
  };
  probe.remove();
  return all;
}
