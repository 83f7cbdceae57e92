import pg from 'pg';
import type { TestStack } from './stack.js';

type Database = Pick<TestStack, 'databaseUrl'>;

/** Keeps a copy of the database as it is. Nobody may be at work in it; connections that are idle are ended. */
export const backUp = ({ databaseUrl }: Database): Promise<void> =>
  askServer(databaseUrl, async (ask, name) => {
    await ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    await ask(`CREATE DATABASE ${name}_backup TEMPLATE ${name}`);
  });

/** Puts that copy in the place of the database. */
export const restoreBackup = ({ databaseUrl }: Database): Promise<void> =>
  askServer(databaseUrl, async (ask, name) => {
    await ask(`DROP DATABASE ${name} WITH (FORCE)`);
    await ask(`ALTER DATABASE ${name}_backup RENAME TO ${name}`);
  });

async function askServer(
  databaseUrl: string,
  work: (ask: (sql: string) => Promise<unknown>, name: string) => Promise<void>,
): Promise<void> {
  const url = new URL(databaseUrl);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await work((sql) => client.query(sql), name);
  } finally {
    await client.end();
  }
}
