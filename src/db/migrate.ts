import { runner } from 'node-pg-migrate';
import { ArtifactError } from '../domain/errors.js';
import { withDatabaseErrors } from './errors.js';
import { MIGRATIONS_TABLE, migrationsFolder } from './migrations.js';
import { openClient } from './pool.js';
import { readSchema } from './schema.js';

/** How long one migration run waits for another one, and for locks that running queries hold. */
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Brings the database to the newest schema: each file of `migrations/` in its own transaction, under an advisory lock, so
 * any number of processes may call it at once. Does nothing when there is nothing to do.
 * @param log told one line per step; silent by default
 * @returns the names of the migrations applied now, in order
 * @throws `database_unavailable` when the server does not answer or the database does not exist; `database_not_migrated` when one is missing
 *   though later ones were applied, which nothing here can put right
 */
export async function migrate(databaseUrl: string, log: (line: string) => void = () => {}): Promise<string[]> {
  return withDatabaseErrors('migrate the database', async () => {
    const client = await openClient(databaseUrl, { purpose: 'migrate', lockTimeoutMs: LOCK_TIMEOUT_MS });
    try {
      await refuseSkipped(client);
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

/** The tool would throw words of its own. */
async function refuseSkipped(client: Parameters<typeof readSchema>[0]): Promise<void> {
  const skipped = (await readSchema(client))?.skipped ?? [];
  if (skipped.length === 0) return;
  throw new ArtifactError(
    'database_not_migrated',
    `${skipped.join(', ')} is missing, though later migrations were applied: another build was here, or a file was renamed`,
  );
}

/** What {@link migrate} has done, for people: one line for each migration. */
export const migrationLines = (applied: string[]): string =>
  applied.length === 0 ? 'The database is up to date.\n' : applied.map((name) => `Applied ${name}\n`).join('');
