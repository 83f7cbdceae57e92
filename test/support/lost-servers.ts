import { Connection } from '@temporalio/client';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.js';
import { createPool } from '../../src/db/pool.js';
import { createDatabaseIdentity } from '../../src/db/sql-database-identity.js';
import type { RebuildReport } from '../../src/domain/rebuild.js';
import { runArtifacts } from './cli.js';
import { operatorEnvironmentOf } from './impatient-worker.js';
import { createNamespace, type TestStack } from './stack.js';

/** Ids of databases that are lost, by the address where they were. */
const lost = new Map<string, string[]>();

/** The database is gone with all that was in it, and one of the same name is there, empty and migrated. */
export async function loseDatabase({ databaseUrl }: Pick<TestStack, 'databaseUrl'>): Promise<void> {
  const url = new URL(databaseUrl);
  lost.set(databaseUrl, [...(lost.get(databaseUrl) ?? []), await idOf(databaseUrl)]);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  await migrate(databaseUrl);
}

async function idOf(databaseUrl: string): Promise<string> {
  const pool = createPool(databaseUrl, { max: 1 });
  try {
    return await createDatabaseIdentity(pool).databaseId();
  } finally {
    await pool.end();
  }
}

/** A Temporal in which nothing has ever run. @returns its namespace. */
export async function anotherTemporal({ temporalAddress }: Pick<TestStack, 'temporalAddress'>): Promise<string> {
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    return await createNamespace(connection);
  } finally {
    await connection.close();
  }
}

/** What `artifacts rebuild --json` answers, told which databases are lost. @throws what it said, when it fails. */
export async function rebuildOf(stack: TestStack, namespace: string, ...args: string[]): Promise<RebuildReport> {
  const ids = (lost.get(stack.databaseUrl) ?? []).flatMap((id) => ['--lost', id]);
  const env = { ...operatorEnvironmentOf(stack), TEMPORAL_NAMESPACE: namespace };
  const { code, out, err } = await runArtifacts(['rebuild', '--json', ...ids, ...args], { cwd: '/', env });
  if (code !== 0) throw new Error(`rebuild ended with ${code}: ${err}`);
  return JSON.parse(out) as RebuildReport;
}
