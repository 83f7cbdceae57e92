import pg from 'pg';
import { runner } from 'node-pg-migrate';
import { withDatabaseErrors } from './errors.js';
import { MIGRATIONS_TABLE, migrationsFolder } from './migrations.js';
import { CONNECTION_TIMEOUT_MS } from './pool.js';

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
