import pino from 'pino';
import { loadConfig } from './config.js';
import { hostSettings, runHostWorker } from './host-worker.js';

/** Process entry of the role `upload-worker`: reads the files of its host for workflows. It needs neither the database nor the API. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const log = pino({ level: config.LOG_LEVEL, name: 'upload-worker' });
  await runHostWorker(config, hostSettings(config), log);
}

main().catch((error: unknown) => {
  process.stderr.write(`upload-worker: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
