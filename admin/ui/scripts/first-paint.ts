import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

// firstPaint emits one small classic script with a hashed name and puts it at
// the top of <head>: it sets the remembered theme before anything is painted.
// A module would run too late, an inline script is forbidden by the policy.
export function firstPaint(file: string): Plugin {
  const text = () => readFileSync(file, 'utf8');
  const name = () => `assets/first-paint-${createHash('sha256').update(text()).digest('hex').slice(0, 8)}.js`;
  let building = false;
  return {
    name: 'first-paint',
    configResolved: (config) => void (building = config.command === 'build'),
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: name(), source: text() });
    },
    transformIndexHtml: () => [{ tag: 'script', attrs: { src: building ? `/${name()}` : `/${file}` }, injectTo: 'head-prepend' }],
  };
}
