import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import { firstPaint } from './scripts/first-paint.ts';

// The page is served under a policy that allows no inline code, so nothing is
// inlined: neither small assets as data: addresses nor the module preload shim.
export default defineConfig({
  plugins: [svelte(), svelteTesting({ autoCleanup: false }), firstPaint('src/first-paint.js')],
  build: {
    outDir: 'dist/app',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': process.env.KEN_ADMIN ?? 'http://127.0.0.1:8090' } },
  test: {
    // What needs no page is tested without one; a component says `@vitest-environment happy-dom` in its first line.
    include: ['src/**/*.test.ts'],
    environment: 'node',
    // A machine with much else to do is slow, not broken.
    testTimeout: 30_000,
    // The styles of the page are read by their tests; those of components are not needed.
    css: { include: [/\/styles\/\w+\.css/] },
    setupFiles: ['scripts/page.ts'],
  },
});
