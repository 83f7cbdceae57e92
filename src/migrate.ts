import { ConfigError, loadConfig } from './config.js';
import { migrate, migrationLines } from './db/migrate.js';
import { ArtifactError } from './domain/errors.js';

/** Entry of `npm run migrate`: brings the database of DATABASE_URL to the newest schema, and says what it did. */
async function main(): Promise<void> {
  try {
    process.stdout.write(migrationLines(await migrate(loadConfig(process.env).DATABASE_URL)));
  } catch (error) {
    // Expected failures get a sentence; a bug keeps its stack.
    if (!(error instanceof ConfigError || error instanceof ArtifactError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

await main();
