import { expect, test } from 'vitest';

// The types demand every key; this demands that nothing was left in English
// and that functions use what they are given.
const english = import.meta.glob<{ en: object }>('../**/en.ts', { eager: true });
const german = import.meta.glob<{ de: object }>('../**/de.ts', { eager: true });

// same in both languages, rightly
const shared = /^[\p{P}\p{S}\d\s]*$|^\S{1,14}$|^\d+ (min|h|d)$|^a b c …$|^Linux \(davfs2\)$/u;

function walk(en: object, de: object, at: string, see: (path: string, a: unknown, b: unknown) => void): void {
  for (const [key, a] of Object.entries(en)) {
    const b = (de as Record<string, unknown>)[key];
    if (a && typeof a === 'object') walk(a as object, b as object, `${at}.${key}`, see);
    else see(`${at}.${key}`, a, b);
  }
}

for (const [path, { en }] of Object.entries(english)) {
  const de = german[path.replace('en.ts', 'de.ts')]?.de;
  test(`${path} has a German twin`, () => {
    expect(de).toBeDefined();
    walk(en, de ?? {}, path, (where, a, b) => {
      expect(typeof b, where).toBe(typeof a);
      if (typeof a === 'string' && !shared.test(a)) expect(b, `${where} is not translated`).not.toBe(a);
    });
  });
}
