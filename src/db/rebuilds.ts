import type { Pool } from 'pg';
import type { Interrupted } from '../domain/rebuild.js';
import { RESTORER } from '../domain/object-records.js';
import { toJson, toText } from './columns.js';
import { withDatabaseErrors } from './errors.js';
import { inheritsOther } from './executions.js';
import { safeInteger } from './rows.js';

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

const PAGE = 200;
const NO_ID = '00000000-0000-0000-0000-000000000000';

/** What was promised about executions and has not ended, page by page in the order of ids. */
export async function* listUnended(pool: Pool): AsyncGenerator<Interrupted> {
  yield* unendedDeletions(pool);
  yield* unfollowedRetentions(pool);
  yield* unendedPublications(pool);
}

interface PromisedRow {
  execution_id: string;
  tenant_id: string | null;
  actor: string;
}

/** All requests of an execution as one: that which began last says under which id its artifacts are deleted. */
async function* unendedDeletions(pool: Pool): AsyncGenerator<Interrupted> {
  const pages = inPages<PromisedRow & { run_id: string; ids: string[]; last_ordinal: string }>(pool, (row) => [
    `SELECT d.execution_id, e.tenant_id, max(d.last_ordinal) AS last_ordinal, array_agg(d.id::text ORDER BY d.begun_at, d.id) AS ids,
       (array_agg(d.run_id::text ORDER BY d.begun_at DESC, d.id DESC))[1] AS run_id,
       (array_agg(d.actor ORDER BY d.begun_at DESC, d.id DESC))[1] AS actor
     FROM execution_deletions d JOIN executions e ON e.id = d.execution_id
     WHERE d.finished_at IS NULL AND d.execution_id > $1 GROUP BY d.execution_id, e.tenant_id ORDER BY d.execution_id LIMIT ${PAGE}`,
    [row?.execution_id ?? NO_ID],
  ]);
  for await (const row of pages) {
    const { run_id: id, ids: requests, last_ordinal } = row;
    yield { kind: 'execution_deletion', ...promised(row), id, requests, lastOrdinal: safeInteger(last_ordinal) };
  }
}

async function* unfollowedRetentions(pool: Pool): AsyncGenerator<Interrupted> {
  const pages = inPages<PromisedRow & { days: number }>(pool, (row) => [
    `SELECT e.id AS execution_id, e.tenant_id, $2::text AS actor, e.retention_days AS days FROM executions e
     WHERE e.retention_days IS NOT NULL AND e.id > $1 AND EXISTS (
       SELECT 1 FROM artifacts a WHERE a.execution_id = e.id AND ${inheritsOther('e.retention_days')})
     ORDER BY e.id LIMIT ${PAGE}`,
    [row?.execution_id ?? NO_ID, RESTORER],
  ]);
  for await (const row of pages) yield { kind: 'execution_retention', ...promised(row), days: row.days };
}

async function* unendedPublications(pool: Pool): AsyncGenerator<Interrupted> {
  const pages = inPages<PromisedRow & { id: string }>(pool, (row) => [
    `SELECT p.execution_id, e.tenant_id, p.actor, p.id FROM publications p JOIN executions e ON e.id = p.execution_id
     WHERE p.report IS NULL AND (p.execution_id, p.id) > ($1, $2) ORDER BY p.execution_id, p.id LIMIT ${PAGE}`,
    [row?.execution_id ?? NO_ID, row?.id ?? NO_ID],
  ]);
  for await (const row of pages) yield { kind: 'publication', ...promised(row), id: row.id };
}

const promised = ({ execution_id: executionId, tenant_id: tenantId, actor }: PromisedRow) => ({
  ...{ executionId, tenantId: tenantId ?? '', actor },
});

/** Each row once. @param statement of the page after this row; of the first one without. */
async function* inPages<Row extends object>(
  pool: Pool,
  statement: (after?: Row) => [text: string, values: unknown[]],
): AsyncGenerator<Row> {
  for (let last: Row | undefined; ;) {
    const [text, values] = statement(last);
    const { rows } = await withDatabaseErrors('read what has not ended', () => pool.query<Row>(text, values));
    yield* rows;
    last = rows.at(-1);
    if (rows.length < PAGE) return;
  }
}
