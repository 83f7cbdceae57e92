import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { createPool } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { newArtifact } from '../support/new-artifact.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
let pool: Pool;
let records: ArtifactRecords & { close(): Promise<void> };

beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl, { statementTimeoutMs: 4_000 });
  records = createArtifactRecords(pool);
});

afterAll(async () => {
  await records.close();
  await database.drop();
});

const once = (artifactId: string) => [{ artifactId, count: 1, lastAtMs: Date.UTC(2026, 0, 1) }];

test('downloads are counted while somebody holds the lock of the artifact’s row', async () => {
  const { id } = await records.register(newArtifact());
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT FROM artifacts WHERE id = $1 FOR UPDATE', [id]);
    await records.addDownloads(once(id));
    await records.addDownloads(once(id));
    expect(await records.get(id)).toMatchObject({ downloads: 2 });
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

test('counting rewrites neither the artifact’s row nor an index', async () => {
  const { id } = await records.register(newArtifact());
  const versionOf = async () =>
    (await pool.query<{ at: string }>('SELECT ctid || xmin::text AS at FROM artifacts WHERE id = $1', [id])).rows[0];
  const before = await versionOf();
  for (let count = 0; count < 50; count += 1) await records.addDownloads(once(id));
  expect(await versionOf()).toEqual(before);
  // All versions of the row are in its first page still: what was there before makes room for what comes.
  const { rows } = await pool.query<{ pages: string }>(
    `SELECT pg_relation_size('artifact_access') / current_setting('block_size')::integer AS pages`,
  );
  expect(Number(rows[0]?.pages)).toBe(1);
});

test('what is known of downloads goes with its execution', async () => {
  const { id, executionId } = await records.register(newArtifact());
  await records.addDownloads(once(id));
  await pool.query('DELETE FROM executions WHERE id = $1', [executionId]);
  expect((await pool.query('SELECT FROM artifact_access WHERE artifact_id = $1', [id])).rowCount).toBe(0);
});
