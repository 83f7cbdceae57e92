import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { runner } from 'node-pg-migrate';
import { withDatabaseErrors } from './errors.js';
import { CONNECTION_TIMEOUT_MS } from './pool.js';

/** Not the tool's default name, so that another feature may use the same tool in the same database. */
const MIGRATIONS_TABLE = 'artifact_migrations';
/** How long one migration run waits for another one, and for locks that running queries hold. */
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Brings the database to the newest schema: each file of `migrations/` in its own transaction, under an advisory lock, so
 * any number of processes may call it at once. Does nothing when there is nothing to do.
 * @param log told one line per step; silent by default
 * @returns the names of the migrations applied now, in order
 * @throws `database_unavailable` when the server does not answer or the database does not exist
 */
export async function migrate(databaseUrl: string, log: (line: string) => void = () => {}): Promise<string[]> {
  return withDatabaseErrors('migrate the database', async () => {
    const client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
      application_name: 'durable-artifacts migrate',
    });
    // A connection lost between two statements fails the next one; the event itself must not end the process.
    client.on('error', () => {});
    await client.connect();
    try {
      const applied = await runner({
        dbClient: client,
        dir: migrationsFolder(),
        direction: 'up',
        migrationsTable: MIGRATIONS_TABLE,
        advisoryLockMode: 'wait',
        singleTransaction: false,
        log,
      });
      return applied.map(({ name }) => name);
    } finally {
      await client.end();
    }
  });
}

/** `migrations/` of this package, from `src/db` as well as from `build/src/db`: it stands beside package.json. */
function migrationsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package.json of durable-artifacts was not found above its own code');
    folder = parent;
  }
  return join(folder, 'migrations');
}
