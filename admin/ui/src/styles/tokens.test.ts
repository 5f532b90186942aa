import { describe, expect, test } from 'vitest';
import base from './base.css?raw';
import tokens from './tokens.css?raw';

// What the design promises of colours, computed: WCAG 2.2, 1.4.3 and 1.4.11.
type Rgb = [number, number, number];
type Theme = 'light' | 'dark';

const rule = (selector: string): Record<string, string> => {
  const start = tokens.indexOf(`${selector} {`);
  const body = tokens.slice(tokens.indexOf('{', start) + 1, tokens.indexOf('\n}', start));
  return Object.fromEntries([...body.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name = '', value = '']) => [name, value]));
};
const plain = rule(':root');
const high = { ...plain, ...rule(":root[data-contrast='high']") };

// oklch to linear sRGB, after Björn Ottosson, "A perceptual color space for image processing" (2020).
function oklch(l: number, c: number, h: number): Rgb {
  const [a, b] = [c * Math.cos((h * Math.PI) / 180), c * Math.sin((h * Math.PI) / 180)];
  const [x, y, z] = [l + 0.3963377774 * a + 0.2158037573 * b, l - 0.1055613458 * a - 0.0638541728 * b, l - 0.0894841775 * a - 1.291485548 * b].map((v) => v ** 3) as Rgb;
  const linear: Rgb = [4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z, -1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z, -0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z];
  return linear.map((v) => Math.min(1, Math.max(0, v))) as Rgb;
}

function hex(text: string): Rgb {
  const six = text.length === 4 ? [...text.slice(1)].map((c) => c + c).join('') : text.slice(1);
  return [0, 2, 4].map((i) => parseInt(six.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)) as Rgb;
}

// luminance of a token; what is not opaque is no colour to read on.
function luminance(of: Record<string, string>, name: string, theme: Theme): number {
  let value = of[name] ?? '';
  const pair = /^light-dark\((.+\)|#\w+),\s*(oklch\(.+\)|#\w+)\)$/.exec(value);
  if (pair) value = (theme === 'light' ? pair[1] : pair[2]) ?? '';
  const other = /^var\((--[\w-]+)\)$/.exec(value);
  if (other) return luminance(of, other[1] ?? '', theme);
  const parts = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)$/.exec(value);
  if (!parts && !value.startsWith('#')) throw new Error(`${name}: ${value} is no colour`);
  const [r, g, b] = parts ? oklch(Number(parts[1]), Number(parts[2]), Number(parts[3])) : hex(value);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(of: Record<string, string>, a: string, b: string, theme: Theme): number {
  const [x, y] = [luminance(of, a, theme), luminance(of, b, theme)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

test('the sums are right: black on white is 21 to 1, and a grey that is known', () => {
  const of = { '--w': '#fff', '--b': '#000', '--g': '#767676', '--o': 'oklch(0.5 0 0)' };
  expect(contrast(of, '--w', '--b', 'light')).toBeCloseTo(21);
  expect(contrast(of, '--w', '--g', 'light')).toBeCloseTo(4.54, 2);
  expect(luminance(of, '--o', 'light')).toBeCloseTo(0.125, 3);
});

const surfaces = ['--surface-0', '--surface-1', '--surface-2', '--surface-3'];
const states = ['--ok', '--busy', '--warn', '--bad'];

describe.each([['usual', plain], ['high', high]] as const)('with %s contrast', (_, of) => {
  describe.each(['light', 'dark'] as const)('in %s', (theme) => {
    test.each(['--text', '--text-2', '--text-3', '--accent', ...states, '--none'])('%s can be read on every surface', (name) => {
      for (const surface of surfaces) expect(contrast(of, name, surface, theme), surface).toBeGreaterThanOrEqual(4.5);
    });

    test.each(states)('%s and text can be read on its own soft ground', (name) => {
      expect(contrast(of, name, `${name}-soft`, theme)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(of, '--text', `${name}-soft`, theme)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(of, '--text-2', `${name}-soft`, theme)).toBeGreaterThanOrEqual(4.5);
    });

    test.each(['--accent-fill', '--accent-fill-2', '--bad-fill'])('what stands on %s can be read', (name) => {
      expect(contrast(of, '--on-accent', name, theme)).toBeGreaterThanOrEqual(4.5);
    });

    test('the ring of the focus and the outline of fields can be seen', () => {
      for (const surface of surfaces.slice(0, 3)) {
        expect(contrast(of, '--focus', surface, theme), surface).toBeGreaterThanOrEqual(3);
        expect(contrast(of, '--line-2', surface, theme), surface).toBeGreaterThanOrEqual(3);
      }
    });

    test('each line of a chart can be seen', () => {
      for (let i = 1; i <= 6; i++) expect(contrast(of, `--series-${i}`, '--surface-1', theme), `series ${i}`).toBeGreaterThanOrEqual(3);
    });

    test('a selected row can be read', () => {
      for (const text of ['--text', '--text-2', '--text-3']) expect(contrast(of, text, '--accent-soft', theme), text).toBeGreaterThanOrEqual(4.5);
    });
  });
});

test('no text is smaller than 12 px', () => {
  const sizes = Object.entries(plain).filter(([name]) => name.startsWith('--fs-'));
  expect(sizes.length).toBeGreaterThan(4);
  for (const [name, size] of sizes) expect(parseFloat(size) * 16, name).toBeGreaterThanOrEqual(12);
});

test('a target is 24 px, and 44 under a finger, whatever row height was chosen', () => {
  expect(parseInt(plain['--target'] ?? '', 10)).toBeGreaterThanOrEqual(24);
  const coarse = tokens.slice(tokens.indexOf('@media (pointer: coarse)'));
  expect(coarse).toMatch(/--target: 44px/);
  // A chosen density has a selector of its own, which a bare :root does not win against.
  expect(coarse.slice(0, coarse.indexOf('--row: 44px'))).toMatch(/:root\[data-density\]/);
});

test('who wants less motion gets none', () => {
  expect(base).toMatch(/@media \(prefers-reduced-motion: reduce\)/);
});

test('who has chosen their own colours keeps them', () => {
  expect(`${base}${tokens}`).toMatch(/forced-colors/);
});

// Each file that draws something, as text.
const drawn = import.meta.glob<string>('../**/*.svelte', { query: '?raw', import: 'default', eager: true });

test('every colour of a component comes from here', () => {
  const known = new Set([...tokens.matchAll(/(--[\w-]+):/g)].map(([, name]) => name));
  const missing: string[] = [];
  for (const [file, text] of Object.entries(drawn)) {
    const own = new Set([...text.matchAll(/(?:^|[\s{"'])(?:style:)?(--[\w-]+)\s*[:=]/gm)].map(([, name]) => name));
    for (const [, name = ''] of text.matchAll(/var\((--[\w-]+)\)/g)) if (!known.has(name) && !own.has(name)) missing.push(`${file}: ${name}`);
  }
  const given = new Set(Object.values(drawn).flatMap((text) => [...text.matchAll(/style:(--[\w-]+)|setProperty\('(--[\w-]+)'/g)].map((m) => m[1] ?? m[2])));
  expect(missing.filter((m) => !given.has(m.split(': ')[1]))).toEqual([]);
});

test('no component makes text smaller than the smallest', () => {
  for (const [file, text] of Object.entries(drawn)) {
    for (const [, px] of text.matchAll(/font-size:\s*([\d.]+)px/g)) expect(Number(px), file).toBeGreaterThanOrEqual(11);
  }
});
