import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { firstPaint } from './scripts/first-paint';

// The page is served under a policy that allows no inline code, so nothing is
// inlined: neither small assets as data: addresses nor the module preload shim.
export default defineConfig({
  plugins: [svelte(), firstPaint('src/first-paint.js')],
  build: {
    outDir: 'dist/app',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': process.env.KEN_ADMIN ?? 'http://127.0.0.1:8090' } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
