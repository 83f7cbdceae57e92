import type { Pool } from 'pg';
import type { Interrupted } from '../domain/rebuild.js';
import { toJson, toText } from './columns.js';

/**
 * See `ArtifactReads.isYoungerThan`. A database is as old as the first migration in it.
 */
export async function isYoungerThan(pool: Pool, atMs: number): Promise<boolean> {
  const { rows } = await pool.query<{ younger: boolean }>(
    `SELECT (SELECT min(run_on)::timestamptz FROM artifact_migrations) > $1
       AND NOT EXISTS (SELECT 1 FROM artifact_rebuilds) AS younger`,
    [new Date(atMs)],
  );
  return rows[0]?.younger === true;
}

/** Writes down that all rows are there that can be had: from here on, what the database does not know is not there. */
export async function finishRebuild(pool: Pool, actor: string, report: object): Promise<void> {
  await pool.query('INSERT INTO artifact_rebuilds (actor, report) VALUES ($1, $2::jsonb)', [
    toText(actor),
    toJson(report),
  ]);
}

/** Publications and deletions of executions that have not ended, the oldest first. */
export async function listUnended(pool: Pool, limit: number): Promise<Interrupted[]> {
  const { rows } = await pool.query<{ kind: Interrupted['kind']; execution_id: string; id: string; actor: string }>(
    `SELECT 'publication' AS kind, execution_id, id, actor, begun_at FROM publications WHERE report IS NULL
     UNION ALL
     SELECT 'execution_deletion', execution_id, id, actor, begun_at FROM execution_deletions
     WHERE finished_at IS NULL AND id = run_id
     ORDER BY begun_at, id LIMIT $1`,
    [limit],
  );
  return rows.map(({ kind, execution_id: executionId, id, actor }) => ({ kind, executionId, id, actor }));
}
