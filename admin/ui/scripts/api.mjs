// Writes src/api/schema.d.ts from ../openapi.yaml, and only when it changes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const spec = fileURLToPath(new URL('../../openapi.yaml', import.meta.url));
const out = fileURLToPath(new URL('../src/api/schema.d.ts', import.meta.url));

const text = '// Generated from admin/openapi.yaml by `npm run api`. Do not edit.\n' + astToString(await openapiTS(pathToFileURL(spec)));
if (!existsSync(out) || readFileSync(out, 'utf8') !== text) writeFileSync(out, text);
