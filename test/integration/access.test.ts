import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { createPool, inTransaction } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { newArtifact } from '../support/new-artifact.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

const COUNTERS = 4;
const ROUNDS = 20;

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

test('downloads and the deletion of executions, many at once, never wait for each other in a circle', async () => {
  const executions: string[][] = [];
  for (let execution = 0; execution < 24; execution += 1) {
    const executionId = randomUUID();
    const made = await Promise.all(
      Array.from({ length: 40 }, () => records.register(newArtifact({ executionId, tenantId: 'acme' }))),
    );
    executions.push([executionId, ...made.map(({ id }) => id)]);
  }
  const batch = executions.flatMap(([, ...ids]) => ids.flatMap(once));
  await records.addDownloads(batch);
  const kept = executions.slice(12);
  const stay = new Set(kept.flat());
  const counting = Array.from({ length: COUNTERS }, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const waiting = await records.addDownloads(batch);
      expect(waiting.filter(({ artifactId }) => stay.has(artifactId))).toEqual([]);
    }
  });
  // Three executions in one transaction, in any order, as their owner likes.
  const owner = createPool(database.databaseUrl, { statementTimeoutMs: 50_000 });
  const deletions = Array.from({ length: 4 }, (_, index) =>
    inTransaction(owner, async (client) => {
      for (const place of [2, 1, 0])
        await client.query('DELETE FROM executions WHERE id = $1', [executions[index * 3 + place]?.[0]]);
    }),
  );
  const deleted = await Promise.allSettled(deletions);
  const counted = await Promise.allSettled(counting);
  await owner.end();
  expect([...deleted, ...counted].filter(({ status }) => status === 'rejected')).toEqual([]);
  for (const [, ...ids] of kept)
    for (const id of ids) expect(await records.get(id)).toMatchObject({ downloads: 1 + COUNTERS * ROUNDS });
  const { rows } = await pool.query(
    'SELECT FROM artifact_access c WHERE NOT EXISTS (SELECT FROM artifacts a WHERE a.id = c.artifact_id)',
  );
  expect(rows).toEqual([]);
});

test('downloads of an execution that somebody holds are given back, to be added later, and nobody waits', async () => {
  const [held, free] = [await records.register(newArtifact()), await records.register(newArtifact())];
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT FROM executions WHERE id = $1 FOR UPDATE', [held.executionId]);
    expect(await records.addDownloads([...once(held.id), ...once(free.id)])).toEqual(once(held.id));
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  expect(await records.addDownloads(once(held.id))).toEqual([]);
  for (const { id } of [held, free]) expect(await records.get(id)).toMatchObject({ downloads: 1 });
});
