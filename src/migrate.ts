import { ConfigError, loadConfig } from './config.js';
import { migrate } from './db/migrate.js';
import { ArtifactError } from './domain/errors.js';

/** Entry of `npm run migrate`: brings the database of DATABASE_URL to the newest schema, and says what it did. */
async function main(): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    const applied = await migrate(loadConfig(process.env).DATABASE_URL);
    if (applied.length === 0) say('The database is up to date.');
    for (const name of applied) say(`Applied ${name}`);
  } catch (error) {
    // Expected failures get a sentence; a bug keeps its stack.
    if (!(error instanceof ConfigError || error instanceof ArtifactError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

await main();
