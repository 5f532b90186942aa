// Writes src/api/schema.d.ts and src/api/roles.ts from ../openapi.yaml, and only when they change.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const spec = fileURLToPath(new URL('../../openapi.yaml', import.meta.url));
const target = (name) => fileURLToPath(new URL(`../src/api/${name}`, import.meta.url));
const head = '// Generated from admin/openapi.yaml by `npm run api`. Do not edit.\n';

function write(name, text) {
  const out = target(name);
  if (!existsSync(out) || readFileSync(out, 'utf8') !== head + text) writeFileSync(out, head + text);
}

write('schema.d.ts', astToString(await openapiTS(pathToFileURL(spec))));

// What each operation asks for: the table by which the server refuses.
const operations = readFileSync(spec, 'utf8').split(/^\s+operationId: /m).slice(1);
const rows = operations.map((text) => {
  const id = /^\w+/.exec(text)?.[0];
  const role = /^\s+x-role: (\w+)/m.exec(text)?.[1];
  if (!id || !role) throw new Error(`operation without a role: ${id}`);
  return `  ${id}: { role: '${role}', sudo: ${/^\s+x-sudo: true/m.test(text)} },`;
});
write('roles.ts', `export const operations = {\n${rows.join('\n')}\n} as const;\n`);
