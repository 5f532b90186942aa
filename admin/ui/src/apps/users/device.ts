// Which browser on which system a User-Agent line is, as far as it says.

export type Device = { browser: string; system: string };

const browsers: readonly [RegExp, string][] = [
  [/Edg(?:e|A|iOS)?\//, 'Edge'],
  [/OPR\/|Opera/, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrom(?:e|ium)\/|CriOS\//, 'Chrome'],
  [/Version\/.*Safari\//, 'Safari'],
  [/^curl\//, 'curl'],
];

const systems: readonly [RegExp, string][] = [
  [/Windows/, 'Windows'],
  [/iPhone|iPad|iOS/, 'iOS'],
  [/Android/, 'Android'],
  [/Mac OS X|Macintosh/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux|X11/, 'Linux'],
];

export function device(agent: string): Device | null {
  const find = (list: readonly [RegExp, string][]): string => list.find(([re]) => re.test(agent))?.[1] ?? '';
  const d = { browser: find(browsers), system: find(systems) };
  return d.browser || d.system ? d : null;
}

// suggest makes a password of so many characters that are not mistaken for each other.
export function suggest(length = 20): string {
  const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  let out = '';
  while (out.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      // Bytes above the last whole multiple would make some letters likelier.
      if (byte < Math.floor(256 / letters.length) * letters.length && out.length < length) out += letters[byte % letters.length];
    }
  }
  return out.replace(/(.{5})(?=.)/g, '$1-');
}
