// What the first visit loads, compressed: what index.html names and what that
// imports at once. Fails above the budget.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const KiB = 1024;
const budget = { code: 200 * KiB, all: 250 * KiB };
const dist = new URL('../dist/app/', import.meta.url).pathname;

const page = readFileSync(join(dist, 'index.html'), 'utf8');
const seen = new Set([...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1]));
for (const file of seen) {
  if (!file.endsWith('.js')) continue;
  const code = readFileSync(join(dist, file), 'utf8');
  for (const m of code.matchAll(/(?:from|import)\s*["'](\.\/[^"']+)["']/g)) seen.add(join(dirname(file), m[1]));
}

const size = (file) => (file.endsWith('.woff2') ? readFileSync(join(dist, file)).length : gzipSync(readFileSync(join(dist, file)), { level: 9 }).length);
const styles = [...seen].filter((f) => f.endsWith('.css')).map((f) => readFileSync(join(dist, f), 'utf8'));
const font = styles.join('').match(/assets\/inter-latin-wght-normal-[^)"']+\.woff2/)?.[0];

let code = gzipSync(page).length;
for (const file of [...seen].sort()) {
  const n = size(file);
  code += n;
  console.log(`${(n / KiB).toFixed(1).padStart(8)} KiB  ${file}`);
}
const all = code + (font ? size(font) : 0);
if (font) console.log(`${(size(font) / KiB).toFixed(1).padStart(8)} KiB  ${font}`);
console.log(`first load: code ${(code / KiB).toFixed(1)} of ${budget.code / KiB} KiB, with the font ${(all / KiB).toFixed(1)} of ${budget.all / KiB} KiB`);
if (!font || code > budget.code || all > budget.all) {
  console.error('the first load is above its budget');
  process.exit(1);
}
