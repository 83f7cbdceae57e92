import type { Pool, PoolClient } from 'pg';
import type { DeletionCounts } from '../domain/execution-deletion.js';
import { ArtifactError } from '../domain/errors.js';
import { toText } from './columns.js';
import { withDatabaseErrors } from './errors.js';
import type {
  DeletionScope,
  ExecutionDeletion,
  ExecutionDeletions,
  FinishedRun,
  NewExecutionDeletion,
  UndeletedQuery,
} from './execution-deletions.js';
import { inTransaction } from './pool.js';
import { safeInteger } from './rows.js';

/** See `ExecutionDeletions`. */
export const createExecutionDeletions = (pool: Pool): ExecutionDeletions => ({
  beginExecutionDeletion: (deletion) =>
    withDatabaseErrors('begin the deletion', () => inTransaction(pool, (client) => begin(client, deletion))),
  listUndeleted: (query) => withDatabaseErrors('list artifacts', () => listUndeleted(pool, query)),
  countDeletion: (scope) => withDatabaseErrors('count the artifacts', () => count(pool, scope)),
  finishExecutionDeletions: (run) => withDatabaseErrors('finish the deletion', () => finish(pool, run)),
  getExecutionDeletion: (executionId, id) =>
    withDatabaseErrors('read the deletion', async () => {
      const row = await find(pool, executionId, id);
      return row === null ? null : withCounts(pool, row);
    }),
});

interface DeletionRow {
  execution_id: string;
  id: string;
  run_id: string;
  last_ordinal: string;
  begun_at: Date;
  finished_at: Date | null;
  deleted: number | null;
  held: number | null;
  under_way: number | null;
  orphaned: number | null;
}

/** The lock makes it wait for registrations that run, and those that come wait for it: numbers follow the order of locks. */
async function begin(client: PoolClient, deletion: NewExecutionDeletion): Promise<DeletionScope> {
  const { executionId, id, runId, actor, atMs } = deletion;
  const missing = new ArtifactError('execution_not_found', `There is no execution ${executionId}`);
  const locked = await client.query('SELECT 1 FROM executions WHERE id = $1 FOR NO KEY UPDATE', [executionId]);
  if (locked.rowCount === 0) throw missing;
  await client.query(
    `INSERT INTO execution_deletions (execution_id, id, run_id, last_ordinal, actor, begun_at)
     SELECT $1, $2, $3, COALESCE(max(ordinal), 0), $4, $5 FROM artifacts WHERE execution_id = $1
     ON CONFLICT DO NOTHING`,
    [executionId, id, runId, toText(actor), new Date(atMs)],
  );
  const row = await find(client, executionId, id);
  if (row === null) throw missing;
  return scopeOf(row);
}

async function find(database: Pool | PoolClient, executionId: string, id: string): Promise<DeletionRow | null> {
  const { rows } = await database.query<DeletionRow>(
    'SELECT * FROM execution_deletions WHERE execution_id = $1 AND id = $2',
    [executionId, id],
  );
  return rows[0] ?? null;
}

const scopeOf = (row: DeletionRow): DeletionScope => ({
  executionId: row.execution_id,
  runId: row.run_id,
  lastOrdinal: safeInteger(row.last_ordinal),
});

async function withCounts(pool: Pool, row: DeletionRow): Promise<ExecutionDeletion> {
  const { deleted, held, under_way: underWay, orphaned } = row;
  const isWritten = deleted !== null && held !== null && underWay !== null && orphaned !== null;
  return {
    ...scopeOf(row),
    id: row.id,
    begunAtMs: row.begun_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
    counts: isWritten ? { deleted, held, underWay, orphaned } : await count(pool, scopeOf(row)),
  };
}

const IN_SCOPE = `a.execution_id = $1 AND a.status <> 'DELETED' AND a.ordinal <= $3`;
const IS_HELD = `a.holds <> '[]'::jsonb`;
/** What the run has deleted, or was about to, and somebody has brought back since is not its business any more. */
const IS_LEFT = `NOT ${IS_HELD} AND NOT EXISTS (
    SELECT 1 FROM artifact_events e
    WHERE e.artifact_id = a.id AND e.kind IN ('deleted', 'deletion_revoked') AND e.detail ->> 'executionDeletionId' = $2::text)`;

async function listUndeleted(pool: Pool, query: UndeletedQuery): Promise<{ id: string; ordinal: number }[]> {
  const { executionId, runId, lastOrdinal, afterOrdinal, limit } = query;
  const { rows } = await pool.query<{ id: string; ordinal: string }>(
    `SELECT a.id, a.ordinal FROM artifacts a WHERE ${IN_SCOPE} AND ${IS_LEFT} AND a.ordinal > $4 ORDER BY a.ordinal LIMIT $5`,
    [executionId, runId, lastOrdinal, afterOrdinal, limit],
  );
  return rows.map(({ id, ordinal }) => ({ id, ordinal: safeInteger(ordinal) }));
}

/** One statement, so that no artifact is seen on both sides while it moves. */
async function count(pool: Pool, { executionId, runId, lastOrdinal }: DeletionScope): Promise<DeletionCounts> {
  const { rows } = await pool.query<{ deleted: number; held: number; underWay: number }>(
    `SELECT
       (SELECT count(DISTINCT artifact_id)::integer FROM artifact_events
        WHERE execution_id = $1 AND kind = 'deleted' AND detail ->> 'executionDeletionId' = $2::text) AS deleted,
       count(*) FILTER (WHERE ${IS_HELD})::integer AS held,
       count(*) FILTER (WHERE ${IS_LEFT})::integer AS "underWay"
     FROM artifacts a WHERE ${IN_SCOPE}`,
    [executionId, runId, lastOrdinal],
  );
  const { deleted = 0, held = 0, underWay = 0 } = rows[0] ?? {};
  return { deleted, held, underWay, orphaned: 0 };
}

async function finish(pool: Pool, { executionId, lastOrdinal, orphaned, atMs }: FinishedRun): Promise<void> {
  const { rows } = await pool.query<DeletionRow>(
    'SELECT * FROM execution_deletions WHERE execution_id = $1 AND finished_at IS NULL AND last_ordinal <= $2',
    [executionId, lastOrdinal],
  );
  for (const row of rows) {
    const { deleted, held, underWay } = await count(pool, scopeOf(row));
    const lost = Math.min(orphaned, underWay);
    await pool.query(
      `UPDATE execution_deletions SET finished_at = $3, deleted = $4, held = $5, under_way = $6, orphaned = $7
       WHERE execution_id = $1 AND id = $2 AND finished_at IS NULL`,
      [executionId, row.id, new Date(atMs), deleted, held, underWay - lost, lost],
    );
  }
}
