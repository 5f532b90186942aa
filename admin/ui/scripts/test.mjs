// Runs everything that tests the desktop and sums the totals in one line:
// types and templates, unit tests, the size of the first load, the browser.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';

const out = 'e2e/output';
const reports = { unit: `${out}/vitest.json`, browser: `${out}/playwright.json` };
mkdirSync(out, { recursive: true });
for (const file of Object.values(reports)) rmSync(file, { force: true });

let passed = 0;
let failed = 0;

// run counts a whole program as one test; one with a report counts by itself.
function run(name, args, counts = true) {
  console.log(`== ${name}`);
  const { status } = spawnSync('npm', ['run', '--silent', ...args], { stdio: 'inherit', env: { ...process.env, CI: '1' } });
  if (counts && status === 0) passed++;
  if (counts && status !== 0) failed++;
  return status === 0;
}

// tell adds the totals of a report; a run that left none is a failure.
function tell(ok, file, read) {
  try {
    const [p, f] = read(JSON.parse(readFileSync(file, 'utf8')));
    passed += p;
    failed += f;
    if (!ok && f === 0) failed++;
  } catch {
    failed++;
  }
}

run('types and templates', ['check']);
run('size of the first load', ['size']);
const unit = run('unit tests', ['unit', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${reports.unit}`], false);
tell(unit, reports.unit, (r) => [r.numPassedTests, r.numFailedTests]);
const browser = run('browser', ['e2e'], false);
tell(browser, reports.browser, ({ stats }) => [stats.expected + stats.flaky, stats.unexpected]);

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
