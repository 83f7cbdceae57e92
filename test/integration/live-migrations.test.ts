import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { migrate } from '../../src/db/migrate.js';
import { createEmptyDatabase, migrateUpTo, type TestDatabase } from '../support/postgres.js';

/*
 * A database is migrated while processes of the version before still serve: a transaction that has begun goes on when the migration
 * waits for it, whatever it does next.
 */

const POLL_MS = 20;

let database: TestDatabase;
let other: pg.Client;

beforeEach(async () => {
  database = await createEmptyDatabase(inject('databaseUrl'));
  other = new pg.Client({ connectionString: database.databaseUrl });
  await other.connect();
});

afterEach(async () => {
  await other.end();
  await database.drop();
});

/** Until the migration waits for somebody, or has ended. */
async function untilItWaits(migration: Promise<unknown>): Promise<void> {
  let ended = false;
  const watched = migration.finally(() => (ended = true)).catch(() => undefined);
  const watcher = new pg.Client({ connectionString: database.databaseUrl });
  await watcher.connect();
  try {
    for (;;) {
      const { rowCount } = await watcher.query(
        `SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
         WHERE NOT l.granted AND l.locktype = 'relation' AND d.datname = current_database()`,
      );
      if (ended || rowCount !== 0) return;
      await sleep(POLL_MS);
    }
  } finally {
    await watcher.end();
    void watched;
  }
}

const execution = randomUUID();
const EXECUTION = `INSERT INTO executions (id, tenant_id) VALUES ('${execution}', 'acme') ON CONFLICT DO NOTHING`;
const ARTIFACT = `INSERT INTO artifacts (execution_id, file_name, file_path, file_size, quota_tenant)
  VALUES ('${execution}', 'a', 'artifacts/' || gen_random_uuid(), 1, 'acme')`;

test.each([
  ['a registration that has made its execution', '0010', EXECUTION, ARTIFACT],
  ['a change that has locked its row', '0010', 'SELECT FROM artifacts FOR UPDATE', 'UPDATE artifacts SET revision = 1'],
  [
    'a registration that adds up its quotas',
    '0012',
    ARTIFACT,
    `SELECT artifact_require_quotas('${execution}', 'acme', 1, 1, 9, 9, 9, 9)`,
  ],
])('%s ends, and so does the migration', async (_what, before, first, then) => {
  await migrateUpTo(database.databaseUrl, before);
  for (const statement of [EXECUTION, ARTIFACT]) await other.query(statement);
  await other.query('BEGIN');
  await other.query(first);
  const migration = migrate(database.databaseUrl);
  await untilItWaits(migration);
  await other.query(then);
  await other.query('COMMIT');
  expect((await migration).length).toBeGreaterThan(0);
});
