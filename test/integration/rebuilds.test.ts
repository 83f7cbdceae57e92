import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createPool } from '../../src/db/pool.js';
import { finishRebuild, isYoungerThan, listUnended } from '../../src/db/rebuilds.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { emptyReport, type Interrupted } from '../../src/domain/rebuild.js';
import { newReport } from '../../src/domain/publish.js';
import { DAY_MS } from '../../src/domain/units.js';
import { newArtifact } from '../support/new-artifact.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

describe('a database', () => {
  it('is younger than what was before its first migration, until it was rebuilt', async () => {
    const records = createArtifactRecords(pool);
    expect(await records.isYoungerThan(Date.now() - 3_650 * DAY_MS)).toBe(true);
    expect(await records.isYoungerThan(Date.now())).toBe(false);
    await finishRebuild(pool, 'ann', emptyReport(true));
    expect(await isYoungerThan(pool, 0)).toBe(false);
  });

  it('tells of deletions, retentions and publications that have not ended', async () => {
    const records = createArtifactRecords(pool);
    const [executionId, other] = [randomUUID(), randomUUID()];
    const [open, over] = [randomUUID(), randomUUID()];
    const by = { executionId, tenantId: 'acme', actor: 'ann' };
    await records.beginPublication({ ...by, id: open, atMs: 1_000 });
    await records.beginPublication({ ...by, id: over, atMs: 2_000 });
    const request = { ...by, publicationId: over, hostId: 'laptop', folder: '/x' };
    await records.finishPublication({ executionId, id: over, report: newReport(request, 2_000), atMs: 3_000 });
    // One whose run was ended from outside, one after it, and one that has joined that; another execution's has ended.
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    const begin = (id: string, runId: string, atMs: number, at = executionId) =>
      records.beginExecutionDeletion({ executionId: at, id, runId, actor: `actor ${atMs}`, atMs });
    await begin(first, first, 1_000);
    await begin(second, second, 2_000);
    await records.register(newArtifact({ executionId, tenantId: 'acme' }));
    const { lastOrdinal } = await begin(third, second, 3_000);
    await records.setExecutionRetention({ executionId: other, tenantId: 'acme', days: 7 });
    await begin(first, first, 4_000, other);
    await records.finishExecutionDeletions({ executionId: other, lastOrdinal: 0, orphaned: 0, atMs: 5_000 });
    const all = async () => {
      const found: Interrupted[] = [];
      for await (const one of listUnended(pool)) found.push(one);
      return found;
    };
    const requests = [first, second, third];
    expect(await all()).toEqual([
      { kind: 'execution_deletion', ...by, actor: 'actor 3000', id: second, requests, lastOrdinal },
      { kind: 'publication', ...by, id: open },
    ]);
    await records.setExecutionRetention({ executionId, tenantId: 'acme', days: 7 });
    expect(await all()).toContainEqual({ kind: 'execution_retention', ...by, actor: 'artifacts rebuild', days: 7 });
  });

  it('tells of each of very many just once', async () => {
    const tenant = randomUUID();
    await pool.query(
      `WITH made AS (INSERT INTO executions (id, tenant_id, created_at) SELECT gen_random_uuid(), $1, now() FROM generate_series(1, 450) RETURNING id)
       INSERT INTO publications (execution_id, id, actor, begun_at) SELECT id, gen_random_uuid(), 'ann', now() FROM made`,
      [tenant],
    );
    const seen: string[] = [];
    for await (const one of listUnended(pool)) if (one.tenantId === tenant) seen.push(one.executionId);
    expect([seen.length, new Set(seen).size]).toEqual([450, 450]);
  });
});
