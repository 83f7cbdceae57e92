import { writeFile } from 'node:fs/promises';
import { format } from 'prettier';
import { buildApp } from '../src/api/app.js';
import { loadConfig } from '../src/config.js';
import { openApiDeps } from '../src/deps.js';

/** Writes docs/openapi.json from the schemas of the routes. The adapters are made but never used: nothing needs to run. */
const opened = openApiDeps(loadConfig({ AUTH_JWT_SECRET: 'only to build the routes, nothing listens' }));
const app = await buildApp({ ...opened.deps, log: { level: 'silent' } });
await app.ready();
const file = new URL('../docs/openapi.json', import.meta.url);
await writeFile(file, await format(JSON.stringify(app.swagger()), { parser: 'json', printWidth: 120 }));
await app.close();
await opened.close();
