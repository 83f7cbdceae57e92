import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createPool } from '../../src/db/pool.js';
import { finishRebuild, isYoungerThan, listUnended } from '../../src/db/rebuilds.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { emptyReport } from '../../src/domain/rebuild.js';
import { newReport } from '../../src/domain/publish.js';
import { DAY_MS } from '../../src/domain/units.js';
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

  it('tells of publications and deletions that have not ended, the oldest first', async () => {
    const records = createArtifactRecords(pool);
    const executionId = randomUUID();
    const [open, over, deletion] = [randomUUID(), randomUUID(), randomUUID()];
    const by = { executionId, tenantId: 'acme', actor: 'ann' };
    await records.beginPublication({ ...by, id: open, atMs: 1_000 });
    await records.beginPublication({ ...by, id: over, atMs: 2_000 });
    const request = { ...by, publicationId: over, hostId: 'laptop', folder: '/x' };
    await records.finishPublication({ executionId, id: over, report: newReport(request, 2_000), atMs: 3_000 });
    await records.beginExecutionDeletion({ executionId, id: deletion, runId: deletion, actor: 'bob', atMs: 4_000 });
    expect(await listUnended(pool, 10)).toEqual([
      { kind: 'publication', executionId, id: open, actor: 'ann' },
      { kind: 'execution_deletion', executionId, id: deletion, actor: 'bob' },
    ]);
    expect(await listUnended(pool, 1)).toHaveLength(1);
  });
});
