import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.js';
import { knownMigrations, MIGRATIONS_TABLE, migrationsFolder } from '../../src/db/migrations.js';

const MIGRATIONS = new URL('../../migrations/', import.meta.url);
/** Any number; all test processes of one server take turns on it. */
const TEMPLATE_LOCK = 7_240_001;

export interface TestDatabase {
  databaseUrl: string;
  /** Ends the connections that are still open, and removes it. */
  drop(): Promise<void>;
}

/**
 * A fresh, migrated database of its own. Migrated once per server and copied from then on, which takes milliseconds.
 * @param adminUrl a user who may create databases
 */
export async function createTestDatabase(adminUrl: string): Promise<TestDatabase> {
  const template = await migratedTemplate(adminUrl);
  return createDatabase(adminUrl, ` TEMPLATE ${template}`);
}

/** A fresh database with nothing in it. */
export const createEmptyDatabase = (adminUrl: string): Promise<TestDatabase> => createDatabase(adminUrl, '');

/** All migrations before one. */
export async function migrateUpTo(databaseUrl: string, name: string): Promise<void> {
  await runner({
    databaseUrl,
    dir: migrationsFolder(),
    direction: 'up',
    migrationsTable: MIGRATIONS_TABLE,
    count: knownMigrations().filter((known) => known < name).length,
    log: () => undefined,
  });
}

async function createDatabase(adminUrl: string, options: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await withClient(adminUrl, (client) => client.query(`CREATE DATABASE ${name}${options}`));
  return {
    databaseUrl: withDatabase(adminUrl, name),
    drop: () => withClient(adminUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

/** Its name tells which migrations it has, so a server that is kept between runs never offers an old one. */
async function migratedTemplate(adminUrl: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(MIGRATIONS)).sort()) hash.update(await readFile(new URL(file, MIGRATIONS)));
  const name = `test_template_${hash.digest('hex').slice(0, 16)}`;
  await withClient(adminUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount !== 0) return;
    // Under its final name only when it is complete.
    const unfinished = `${name}_unfinished`;
    await client.query(`DROP DATABASE IF EXISTS ${unfinished}`);
    await client.query(`CREATE DATABASE ${unfinished}`);
    await migrate(withDatabase(adminUrl, unfinished));
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${name}`);
  });
  return name;
}

/** The lock of a session ends with it. */
async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
