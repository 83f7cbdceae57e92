import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createPool } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { NO_QUOTAS } from '../../src/domain/quotas.js';
import type { StorageTier } from '../../src/domain/tiers.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
let pool: Pool;
let records: ReturnType<typeof createArtifactRecords>;

beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl, { max: 32 });
  records = createArtifactRecords(pool);
});

afterAll(async () => {
  await records.close();
  await database.drop();
});

/** Every total, whether it is added up or not, beside what the rows say. */
async function totals(): Promise<{ counted: unknown[]; there: unknown[] }> {
  const { rows: counted } = await pool.query(
    `SELECT scope, id, sum(artifacts)::INTEGER AS artifacts, sum(bytes)::INTEGER AS bytes
     FROM (SELECT scope, id, artifacts, bytes FROM artifact_usage
           UNION ALL SELECT scope, id, artifacts, bytes FROM artifact_usage_changes) all_of_it
     GROUP BY scope, id HAVING sum(artifacts) <> 0 OR sum(bytes) <> 0 ORDER BY scope, id`,
  );
  const { rows: there } = await pool.query(
    `SELECT * FROM (
       SELECT 'execution' AS scope, execution_id::TEXT AS id, count(*)::INTEGER AS artifacts, sum(file_size)::INTEGER AS bytes
       FROM artifacts WHERE status <> 'DELETED' GROUP BY execution_id
       UNION ALL
       SELECT 'tenant', e.tenant_id, count(*)::INTEGER, sum(a.file_size)::INTEGER
       FROM artifacts a JOIN executions e ON e.id = a.execution_id WHERE a.status <> 'DELETED' GROUP BY e.tenant_id
     ) both_scopes ORDER BY scope, id`,
  );
  return { counted, there };
}

test('usage of what nobody adds up is read exactly, and added up when it is much', async () => {
  const { executionId, tenantId } = await records.register(newArtifact({ tenantId: randomUUID() }));
  await pool.query(
    `INSERT INTO artifacts (execution_id, file_name, file_path, file_size)
     SELECT $1, 'f', 'artifacts/x/output/' || n, 2 FROM generate_series(1, 1500) n`,
    [executionId],
  );
  await pool.query(`UPDATE artifacts SET tier = 'WARM' WHERE execution_id = $1 AND file_size = 2`, [executionId]);
  const expected = { WARM: { artifacts: 1_500, bytes: 3_000 }, HOT: { artifacts: 1, bytes: 4_096 } };
  const pending = async (): Promise<number> =>
    (await pool.query('SELECT FROM artifact_usage_changes WHERE id = $1', [tenantId])).rowCount ?? 0;
  expect(await pending()).toBeGreaterThan(4_000);
  for (let time = 0; time < 2; time += 1) {
    expect(await records.usage({ tenantId, executionIds: null })).toMatchObject(expected);
    expect(await pending()).toBe(0);
  }
});

describe('quotas in Postgres', () => {
  test('let exactly as many in as fit, of 200 that come at once to several executions', async () => {
    const tenantId = randomUUID();
    const executions = Array.from({ length: 7 }, () => randomUUID());
    const quotas = { ...NO_QUOTAS, tenantBytes: 1_000, executionArtifacts: 25 };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) =>
        records.register(newArtifact({ tenantId, executionId: executions[index % 7]!, sizeBytes: 10, quotas })),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'quota_exceeded' });
  });

  test('stay exact while artifacts come, grow, go and come back, and executions are deleted under them', async () => {
    const tenants = [randomUUID(), randomUUID()];
    const quotas = { ...NO_QUOTAS, tenantArtifacts: 1_000 };
    const one = async (index: number): Promise<void> => {
      const executionId = executions[index % executions.length]!;
      const stream = index % 3 === 0;
      const artifact = newArtifact({
        tenantId: tenants[index % 2]!,
        executionId,
        sizeBytes: stream ? null : index,
        quotas,
      });
      await records.register(artifact);
      const at = (changeNumber: number) => ({ atMs: Date.UTC(2026, 0, 1 + changeNumber) });
      const tier = index % 5 === 0 ? 'WARM' : 'HOT';
      const completed = changeOf(artifact.id, 1, { status: 'ACTIVE', sizeBytes: index, tier });
      await records.change({ ...completed, ...at(1), ...(stream ? { quotas } : {}) });
      if (index % 2 === 0) await records.change({ ...changeOf(artifact.id, 2, { status: 'DELETED' }), ...at(2) });
      const back = { status: 'ARCHIVED', tier: 'COLD' } as const;
      if (index % 4 === 0) await records.change({ ...changeOf(artifact.id, 3, back), ...at(3) });
    };
    // Even numbers belong to the first tenant, odd ones to the second.
    const executions = Array.from({ length: 8 }, () => randomUUID());
    const work = Array.from({ length: 240 }, (_, index) =>
      one(index).catch((error: unknown) => {
        // Its execution went.
        expect(error).toMatchObject({ code: 'artifact_not_found' });
      }),
    );
    // Both tenants in one statement, while the others change what it deletes.
    const deletions = [0, 1].map(async (round) => {
      await work[60 * (round + 1)];
      const doomed = executions.slice(3 * round, 3 * round + 3);
      await pool.query('DELETE FROM executions WHERE id = ANY($1::uuid[])', [doomed]);
    });
    await Promise.all([...work, ...deletions]);
    const { counted, there } = await totals();
    expect(counted).toEqual(there);
    expect(there.length).toBeGreaterThan(4);
    for (const tenantId of tenants) {
      const { rows } = await pool.query<{ tier: StorageTier; artifacts: number; bytes: number }>(
        `SELECT tier, count(*)::INTEGER AS artifacts, sum(file_size)::INTEGER AS bytes
         FROM artifacts WHERE quota_tenant = $1 AND status <> 'DELETED' GROUP BY tier`,
        [tenantId],
      );
      const usage = Object.fromEntries(rows.map(({ tier, ...amount }) => [tier, amount]));
      const nothing = { artifacts: 0, bytes: 0 };
      const expected = { HOT: nothing, WARM: nothing, COLD: nothing, ...usage };
      expect(await records.usage({ tenantId, executionIds: null })).toEqual(expected);
    }
    expect((await records.usage({ tenantId: tenants[1]!, executionIds: null })).WARM.artifacts).toBeGreaterThan(0);
  });

  test('know what was there before there were any, and what others write', async () => {
    await pool.query(`DELETE FROM artifact_usage; DELETE FROM artifact_usage_changes`);
    const migration = await readFile(new URL('../../migrations/0008_quotas.sql', import.meta.url), 'utf8');
    const fill = /INSERT INTO artifact_usage \(scope, id, artifacts, bytes\)\n {2}SELECT[\s\S]*?;/.exec(migration)?.[0];
    await pool.query(fill ?? '');
    const { rows } = await pool.query<{ id: string }>(
      `INSERT INTO executions (id, tenant_id) VALUES (gen_random_uuid(), 'by others') RETURNING id`,
    );
    await pool.query(
      `INSERT INTO artifacts (execution_id, file_name, file_path, file_size) VALUES ($1, 'a', 'artifacts/x/output/a', 7)`,
      [rows[0]!.id],
    );
    const { counted, there } = await totals();
    expect(counted).toEqual(there);
    expect(counted).toContainEqual({ scope: 'tenant', id: 'by others', artifacts: 1, bytes: 7 });
  });
});
