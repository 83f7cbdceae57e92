import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { LOOKED_AT_PER_ARTIFACT, listStatement, type Scope } from '../../src/db/lists.js';
import { createPool } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { LIST_SORTS, type ArtifactFilters } from '../../src/domain/artifact-filters.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

const LIMIT = 20;
const BORN_MS = Date.UTC(2026, 0, 1);
/** Of one tenant: one execution with many artifacts, many with a few. Half of them are DELETED, few are anything else than ACTIVE. */
const ROWS = 200_000;
const OF_LARGEST = 80_000;
const OF_OTHERS = 40;

let database: TestDatabase;
let pool: Pool;
let records: ArtifactRecords & { close(): Promise<void> };
const largest = randomUUID();
let executions: string[];

beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl, { statementTimeoutMs: 110_000 });
  records = createArtifactRecords(pool);
  await pool.query(`INSERT INTO executions (id, tenant_id) VALUES ($1, 'big')`, [largest]);
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO executions (id, tenant_id) SELECT gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'other' ELSE 'big' END
     FROM generate_series(1, $1::integer) n RETURNING id`,
    [(ROWS - OF_LARGEST) / OF_OTHERS],
  );
  executions = rows.map(({ id }) => id);
  // What rows are counted for, and what they are due for, is not looked at here.
  await pool.query('ALTER TABLE artifacts DISABLE TRIGGER USER');
  await pool.query(
    `INSERT INTO artifacts (
       execution_id, quota_tenant, file_name, file_path, file_size, type, tier, status, tags, created_at, expires_at, policy
     )
     SELECT e.id, e.tenant_id, n || '.txt', 'artifacts/' || e.id || '/output/' || n % 100 || '/' || n || '.txt', n % 1000,
       CASE WHEN n % 5000 = 7 THEN 'image' ELSE 'log' END, CASE WHEN n % 9000 = 8 THEN 'COLD' ELSE 'HOT' END,
       CASE WHEN n % 2 = 0 THEN 'DELETED' WHEN n % 6000 = 9 THEN 'UPLOADING' WHEN n % 7000 = 11 THEN 'ARCHIVED' ELSE 'ACTIVE' END,
       jsonb_build_object('agent', 'a' || n % 3, 'run', n::text), to_timestamp($1::float8 / 1000) + n * interval '1 second',
       CASE WHEN n % 3 = 0 THEN NULL ELSE to_timestamp($1::float8 / 1000) + n * interval '1 minute' END, '{"warnBeforeDays": 0}'
     FROM (
       SELECT row_number() OVER (ORDER BY random())::integer AS n, e.id, e.tenant_id
       FROM executions e, generate_series(1, CASE WHEN e.id = $2 THEN $3::integer ELSE $4::integer END)
     ) e`,
    [BORN_MS, largest, OF_LARGEST, OF_OTHERS],
  );
  await pool.query('ALTER TABLE artifacts ENABLE TRIGGER USER');
  await pool.query('INSERT INTO artifact_access SELECT id, 1, now() FROM artifacts');
  await pool.query('VACUUM ANALYZE artifacts, artifact_access');
});

afterAll(async () => {
  await records.close();
  await database.drop();
});

const at = (seconds: number): number => BORN_MS + seconds * 1_000;

/** Each filter as it finds nearly everything, hardly anything, and nothing. */
const FILTERS: ArtifactFilters[] = [
  {},
  ...(['UPLOADING', 'ACTIVE', 'ARCHIVED', 'DELETED'] as const).map((status) => ({ status })),
  { status: ['UPLOADING', 'ACTIVE', 'ARCHIVED', 'DELETED'] },
  ...(['log', 'image', 'code'] as const).map((type) => ({ type })),
  ...(['HOT', 'COLD', 'WARM'] as const).map((tier) => ({ tier })),
  ...[{ agent: 'a1' }, { run: '31' }, { run: 'none' }, { agent: 'a1', run: 'none' }].map((tags) => ({ tags })),
  ...['*', '12345.txt', '*234*', 'none', '*none*', 'none*'].map((name) => ({ name })),
  ...['output/', 'output/12/', 'output/none/'].map((path) => ({ path })),
  ...[0, 999, 5_000].map((minBytes) => ({ minBytes })),
  ...[5_000, 1, 0].map((maxBytes) => ({ maxBytes })),
  ...[0, ROWS / 2, ROWS - 10, 2 * ROWS].map((seconds) => ({ createdAfterMs: at(seconds) })),
  ...[2 * ROWS, ROWS / 2, 10, -5].map((seconds) => ({ createdBeforeMs: at(seconds) })),
  ...[120 * ROWS, 600, -5].map((seconds) => ({ expiresBeforeMs: at(seconds) })),
  {
    createdAfterMs: at(100),
    createdBeforeMs: at(110),
    type: 'image',
    minBytes: 10,
    tags: { agent: 'a1' },
    name: '*9*',
  },
];

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

async function explain({ text, values }: ReturnType<typeof listStatement>): Promise<PlanNode[]> {
  const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${text}`,
    values,
  );
  const flat = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flat)];
  return rows.flatMap((row) => flat(row['QUERY PLAN'][0].Plan));
}

const readBy = (nodes: PlanNode[]): number =>
  nodes
    .filter((node) => node['Relation Name'] === 'artifacts' || node['Node Type'] === 'Bitmap Index Scan')
    .map((node) => {
      const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
      return (node['Actual Rows'] + removed) * node['Actual Loops'];
    })
    .reduce((sum, rows) => sum + rows, 0);

const SCOPES: [string, () => Scope, streams: number][] = [
  ['a tenant', () => ({ tenantId: 'big', executionIds: null }), 4],
  ['an execution', () => ({ executionId: largest }), 4],
  // What a small execution has is sorted at once.
  [
    'some executions',
    () => ({ tenantId: 'big', executionIds: [largest, ...executions.slice(0, 9)] }),
    4 + 9 * 2 * OF_OTHERS,
  ],
  ['many executions', () => ({ tenantId: 'big', executionIds: executions.slice(0, 300) }), 4],
];

describe('among 200,000 rows, by plans that were carried out', () => {
  test.each(SCOPES)(
    'a page of %s reads so many rows of an index at most, whatever is asked for',
    async (_, scopeOf, streams) => {
      const scope = scopeOf();
      const worst = { rows: 0, what: '' };
      for (const sort of LIST_SORTS)
        for (const filters of FILTERS) {
          const nodes = await explain(
            listStatement({ scope, filters: { ...filters, sort }, limit: LIMIT, after: null }),
          );
          const what = JSON.stringify({ ...filters, sort });
          const types = new Set(nodes.map((node) => node['Node Type']));
          expect({ what, types: [...types].filter((type) => /Seq Scan|Hash/.test(type)) }).toEqual({
            what,
            types: [],
          });
          const rows = readBy(nodes);
          if (rows > worst.rows) Object.assign(worst, { rows, what });
        }
      // Each stream that is merged has one row ready; few rows may be sorted, as all that is read is counted here.
      expect(worst.rows, worst.what).toBeLessThanOrEqual(LIMIT * LOOKED_AT_PER_ARTIFACT + streams);
    },
  );

  test.each<[string, ArtifactFilters]>([
    ['without filters', {}],
    ['in one status', { status: 'UPLOADING' }],
    ['with one name', { name: '12345.txt' }],
    ['of a time', { createdAfterMs: at(500), createdBeforeMs: at(900) }],
    ['by size, in a range of it', { sort: 'largest', maxBytes: 10 }],
    ['by expiry, until then', { sort: 'expiring', expiresBeforeMs: at(60_000) }],
  ])('a page %s reads what it shows, and one row more of each status', async (_, filters) => {
    const scope = { tenantId: 'big', executionIds: null };
    const nodes = await explain(listStatement({ scope, filters, limit: LIMIT, after: null }));
    expect(readBy(nodes)).toBeLessThanOrEqual(LIMIT + 1 + 3);
  });

  test.each<[string, ArtifactFilters]>([
    ['type', { type: 'image' }],
    ['tags', { tags: { run: '31' } }],
    ['name', { name: '*1234*' }],
    ['size', { minBytes: 998, sort: 'oldest' }],
    ['path', { path: 'output/31/', sort: 'smallest' }],
    ['tier', { tier: 'COLD', sort: 'expiring' }],
    ['nothing', { type: 'code', sort: 'largest' }],
  ])('all pages of a rare %s have what there is, each once', async (_, filters) => {
    const found: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const given = cursor === undefined ? {} : { cursor };
      const page = await records.search({ tenantId: 'big', executionIds: null, limit: 200, ...filters, ...given });
      found.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    const { type = null, tags = null, name = null, minBytes = 0, path = '', tier = null } = filters;
    const { rows } = await pool.query<{ id: string }>(
      `SELECT id FROM artifacts WHERE quota_tenant = 'big' AND status <> 'DELETED' AND ($1::text IS NULL OR type = $1)
       AND ($2::jsonb IS NULL OR tags @> $2) AND ($3::text IS NULL OR file_name LIKE $3) AND file_size >= $4
       AND file_path LIKE 'artifacts/%/' || $5 || '%' AND ($6::text IS NULL OR tier = $6)`,
      [type, tags === null ? null : JSON.stringify(tags), name?.replaceAll('*', '%'), minBytes, path, tier],
    );
    expect(found.toSorted()).toEqual(rows.map(({ id }) => id).sort());
  });
});

test('artifacts follow their execution to another tenant, in lists and in what is counted', async () => {
  const [executionId = ''] = executions.slice(10);
  await pool.query(`UPDATE executions SET tenant_id = 'heir' WHERE id = $1`, [executionId]);
  const { items } = await records.search({ tenantId: 'heir', executionIds: null, limit: 200 });
  const own = await records.list({ executionId, limit: 200 });
  expect(items).toEqual(own.items);
  expect(items.length).toBeGreaterThan(5);
  const { rows } = await pool.query<{ artifacts: string }>(
    `SELECT sum(artifacts) AS artifacts FROM artifact_usage_changes WHERE scope = 'tenant' AND id = 'heir'`,
  );
  expect(Number(rows[0]?.artifacts)).toBe(items.length);
});
