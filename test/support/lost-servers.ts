import { Connection } from '@temporalio/client';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.js';
import type { RebuildReport } from '../../src/domain/rebuild.js';
import { runArtifacts } from './cli.js';
import { operatorEnvironmentOf } from './impatient-worker.js';
import { createNamespace, type TestStack } from './stack.js';

/** The database is gone with all that was in it, and one of the same name is there, empty and migrated. */
export async function loseDatabase({ databaseUrl }: Pick<TestStack, 'databaseUrl'>): Promise<void> {
  const url = new URL(databaseUrl);
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

/** A Temporal in which nothing has ever run. @returns its namespace. */
export async function anotherTemporal({ temporalAddress }: Pick<TestStack, 'temporalAddress'>): Promise<string> {
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    return await createNamespace(connection);
  } finally {
    await connection.close();
  }
}

/** What `artifacts rebuild --json` answers. @throws what it said, when it fails. */
export async function rebuildOf(stack: TestStack, namespace: string, ...args: string[]): Promise<RebuildReport> {
  const env = { ...operatorEnvironmentOf(stack), TEMPORAL_NAMESPACE: namespace };
  const { code, out, err } = await runArtifacts(['rebuild', '--json', ...args], { cwd: '/', env });
  if (code !== 0) throw new Error(`rebuild ended with ${code}: ${err}`);
  return JSON.parse(out) as RebuildReport;
}
