import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createPool } from '../../../src/db/pool.js';
import { createRowInventory, unendedStatement } from '../../../src/db/sql-row-inventory.js';
import type { RowPlace } from '../../../src/db/row-inventory.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.js';

/* As many rows that are over as there are others: they stay for ever, and no page may read them. */

const ROWS = 20_000;

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl);
  await pool.query(
    `INSERT INTO executions (id, tenant_id) SELECT gen_random_uuid(), 'acme' FROM generate_series(1, 20)`,
  );
  await pool.query(
    `INSERT INTO artifacts (execution_id, file_name, file_path, file_size, status)
     SELECT e.id, 'f', 'artifacts/' || e.id || '/output/' || n, 1, CASE n % 2 WHEN 0 THEN 'DELETED' ELSE 'ACTIVE' END
     FROM (SELECT id FROM executions) e, generate_series(1, ${ROWS / 20}) n`,
  );
  await pool.query('VACUUM ANALYZE artifacts');
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function buffersOf(text: string, values: unknown[]): Promise<{ plan: string; buffers: number }> {
  const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${text}`,
    values,
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? {};
  return { plan: JSON.stringify(plan), buffers: (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0) };
}

test('a page in the middle reads its own rows by the index, neither sorting nor reading what is over', async () => {
  const [{ file_path: key, id } = { file_path: '', id: '' }] = (
    await pool.query<{ file_path: string; id: string }>(
      `SELECT file_path, id FROM artifacts WHERE status = 'ACTIVE' ORDER BY file_path COLLATE "C" OFFSET 5000 LIMIT 1`,
    )
  ).rows;
  const { text, values } = unendedStatement({ after: { key, id }, throughKey: 'artifacts/z', limit: 100 });
  const { plan, buffers } = await buffersOf(text, values);
  expect(plan).toContain('idx_artifacts_by_key');
  expect(plan).not.toContain('"Sort"');
  expect(buffers).toBeLessThan(300);
});

test('all pages together have every row once, in the order of bytes', async () => {
  const rows = createRowInventory(pool);
  const keys: string[] = [];
  for (let after: RowPlace | null = null; ;) {
    const page = await rows.listUnended({ after, throughKey: null, limit: 1_000 });
    keys.push(...page.map(({ key }) => key));
    const last = page.at(-1);
    if (last === undefined) break;
    after = { key: last.key, id: last.id };
  }
  expect(keys).toHaveLength(ROWS / 2);
  expect(new Set(keys).size).toBe(ROWS / 2);
  expect(keys).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
});
