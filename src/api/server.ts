import { setTimeout as sleep } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import { ConfigError, loadConfig } from '../config.js';
import { openApiDeps } from '../deps.js';
import { ArtifactError } from '../domain/errors.js';
import { SECOND_MS } from '../domain/units.js';
import { buildApp } from './app.js';

/** How long `/readyz` says 503 before connections are refused, so that a load balancer can look elsewhere first. */
const DRAIN_MS = SECOND_MS;
/** Uploads that are cut need a moment to be aborted; then the process ends anyway. */
const ABORT_MS = 5 * SECOND_MS;

/** Process entry of the role `api`. Prints `api: listening on <url>` once it serves. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const opened = openApiDeps(config);
  const graceMs = config.API_GRACE_SECONDS * SECOND_MS;
  const cut = new AbortController();
  let draining = false;
  try {
    const app = await buildApp({ ...opened.deps, isDraining: () => draining, cutUploads: cut.signal });
    const address = await app.listen({ host: config.API_HOST, port: config.API_PORT });
    closeWithGrace({ delay: DRAIN_MS + graceMs + ABORT_MS, logger: app.log }, async ({ err }) => {
      if (err !== undefined) app.log.error({ err }, 'the process ends after an error nobody caught');
      draining = true;
      await sleep(DRAIN_MS);
      const late = new ArtifactError('too_busy', 'The process ends before the upload does');
      const timer = setTimeout(() => cut.abort(late), graceMs);
      await app.close();
      clearTimeout(timer);
      await opened.close();
    });
    process.stdout.write(`api: listening on ${address}\n`);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** One line for people: what is wrong, without a stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ConfigError) return error.message.replace(/:\s+/, ': ').replaceAll(/\s*\n\s*/g, '; ');
  if ('code' in error && error.code === 'EADDRINUSE' && 'port' in error)
    return `port ${String(error.port)} is taken: set API_PORT to a free one, or to 0`;
  return error.message;
}

main().catch((error: unknown) => {
  process.stderr.write(`api: ${explain(error)}\n`);
  process.exitCode = 1;
});
