import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

// Debian's Chromium: nothing is downloaded.
const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

export default defineConfig({
  testDir: '.',
  outputDir: 'output/results',
  // Every state of every app as a picture: many minutes, so by themselves (make ui-looks).
  // So is the page that stays open for an hour (make ui-soak).
  testIgnore: [
    ...(process.env.KEN_LOOKS ? [] : ['**/apps.shots.spec.ts', '**/apps-b.shots.spec.ts', '**/apps-c.shots.spec.ts', '**/files.shots.spec.ts']),
    ...(process.env.KEN_SOAK ? [] : ['**/soak.spec.ts']),
  ],
  // A browser on a busy machine is late at times; a test that needs this is told as flaky.
  retries: process.env.CI ? 2 : 0,
  fullyParallel: true,
  workers: 2,
  timeout: 30_000,
  reporter: [['line'], ['json', { outputFile: 'output/playwright.json' }]],
  use: {
    browserName: 'chromium',
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: chromium,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
});
