import type { Pool, PoolClient } from 'pg';
import { DRIFT_KINDS, NOTHING_INSPECTED, OUTCOMES, type Finding, type Inspected } from '../domain/drift.js';
import { ENDED_FROM_OUTSIDE, RECONCILIATION_MODES } from '../domain/reconcile.js';
import { toJson, toText } from './columns.js';
import { withDatabaseErrors } from './errors.js';
import { inTransaction } from './pool.js';
import type { FindingsQuery, NumberedFinding, ReconciliationReport, Reconciliations } from './reconciliations.js';
import { oneOf, safeInteger } from './rows.js';

/** See `Reconciliations`. */
export const createReconciliations = (pool: Pool): Reconciliations => ({
  begin: ({ id, mode, startedAtMs, forgetBeforeMs = -Infinity }) =>
    withDatabaseErrors('begin the reconciliation', async () => {
      if (Number.isFinite(forgetBeforeMs))
        await pool.query('DELETE FROM reconciliations WHERE started_at < $1 AND id <> $2', [
          new Date(forgetBeforeMs),
          id,
        ]);
      await pool.query(
        'UPDATE reconciliations SET finished_at = $2, failure = $3 WHERE finished_at IS NULL AND id <> $1 AND started_at <= $2',
        [id, new Date(startedAtMs), ENDED_FROM_OUTSIDE],
      );
      await pool.query(
        'INSERT INTO reconciliations (id, mode, started_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING',
        [id, mode, new Date(startedAtMs)],
      );
    }),
  addFindings: (runId, findings) =>
    withDatabaseErrors('write findings', () => inTransaction(pool, (client) => addFindings(client, runId, findings))),
  listFindings: (query) => withDatabaseErrors('list findings', () => listFindings(pool, query)),
  settle: (runId, number, outcome, note) =>
    withDatabaseErrors('settle the finding', async () => {
      await pool.query('UPDATE reconciliation_findings SET outcome = $3, note = $4 WHERE run_id = $1 AND number = $2', [
        runId,
        number,
        outcome,
        note === null ? null : toText(note),
      ]);
    }),
  finish: (runId, { finishedAtMs, inspected, failure }) =>
    withDatabaseErrors('finish the reconciliation', async () => {
      await pool.query(
        `UPDATE reconciliations SET finished_at = $2, inspected = $3::jsonb, failure = $4
         WHERE id = $1 AND finished_at IS NULL`,
        [runId, new Date(finishedAtMs), toJson(inspected), failure === null ? null : toText(failure)],
      );
    }),
  latest: (query) =>
    withDatabaseErrors('read the reconciliation', () =>
      report(pool, query, 'SELECT * FROM reconciliations ORDER BY started_at DESC, id DESC LIMIT 1', []),
    ),
  get: (runId, query) =>
    withDatabaseErrors('read the reconciliation', () =>
      report(pool, query, 'SELECT * FROM reconciliations WHERE id = $1', [runId]),
    ),
});

interface RunRow {
  id: string;
  mode: string;
  started_at: Date;
  finished_at: Date | null;
  inspected: Partial<Inspected>;
  failure: string | null;
}

interface TotalRow {
  kind: string;
  outcome: string;
  findings: string;
  bytes: string;
}

interface FindingRow {
  number: number;
  kind: string;
  subject: string;
  artifact_id: string | null;
  execution_id: string | null;
  tenant_id: string | null;
  key: string | null;
  version_id: string | null;
  upload_id: string | null;
  size_bytes: string | null;
  since: Date | null;
  detail: Record<string, unknown>;
  outcome: string;
  note: string | null;
}

/** Numbers go up by one: whoever adds to the same run waits for the lock. */
async function addFindings(client: PoolClient, runId: string, findings: readonly Finding[]): Promise<void> {
  if (findings.length === 0) return;
  const { rowCount } = await client.query('SELECT 1 FROM reconciliations WHERE id = $1 FOR UPDATE', [runId]);
  if (rowCount === 0) throw new Error(`There is no reconciliation ${runId}`);
  await client.query(
    `INSERT INTO reconciliation_findings
       (run_id, number, kind, subject, artifact_id, execution_id, tenant_id, key, version_id, upload_id, size_bytes, since, detail)
     SELECT $1, (SELECT COALESCE(max(number), 0) FROM reconciliation_findings WHERE run_id = $1) + row_number() OVER (ORDER BY place),
            kind, subject, artifact_id, execution_id, tenant_id, key, version_id, upload_id, size_bytes, since, detail
     FROM (
       SELECT DISTINCT ON (kind, subject) *
       FROM jsonb_to_recordset($2::jsonb) AS found (
         place INTEGER, kind TEXT, subject TEXT, artifact_id TEXT, execution_id TEXT, tenant_id TEXT, key TEXT, version_id TEXT,
         upload_id TEXT, size_bytes BIGINT, since TIMESTAMP WITH TIME ZONE, detail JSONB
       )
       WHERE NOT EXISTS (
         SELECT 1 FROM reconciliation_findings f WHERE f.run_id = $1 AND f.kind = found.kind AND f.subject = found.subject
       )
       ORDER BY kind, subject, place
     ) fresh`,
    [runId, toJson(findings.map(toColumns))],
  );
}

const toColumns = (finding: Finding, place: number): Record<string, unknown> => ({
  place,
  kind: finding.kind,
  subject: finding.subject,
  artifact_id: finding.artifactId,
  execution_id: finding.executionId,
  tenant_id: finding.tenantId,
  key: finding.key,
  version_id: finding.versionId,
  upload_id: finding.uploadId,
  size_bytes: finding.sizeBytes,
  since: finding.sinceMs === null ? null : new Date(finding.sinceMs).toISOString(),
  detail: finding.detail,
});

async function listFindings(
  pool: Pool,
  { runId, tenantId, afterNumber, limit }: FindingsQuery,
): Promise<NumberedFinding[]> {
  const { rows } = await pool.query<FindingRow>(
    `SELECT * FROM reconciliation_findings
     WHERE run_id = $1 AND number > $2 AND ($3::text IS NULL OR tenant_id = $3) ORDER BY number LIMIT $4`,
    [runId, afterNumber, tenantId, limit],
  );
  return rows.map((row) => ({
    number: row.number,
    kind: oneOf(DRIFT_KINDS, row.kind),
    subject: row.subject,
    artifactId: row.artifact_id,
    executionId: row.execution_id,
    tenantId: row.tenant_id,
    key: row.key,
    versionId: row.version_id,
    uploadId: row.upload_id,
    sizeBytes: row.size_bytes === null ? null : safeInteger(row.size_bytes),
    sinceMs: row.since?.getTime() ?? null,
    detail: row.detail,
    outcome: oneOf(OUTCOMES, row.outcome),
    note: row.note,
  }));
}

async function report(
  pool: Pool,
  { tenantId }: { tenantId: string | null },
  sql: string,
  values: string[],
): Promise<ReconciliationReport | null> {
  const { rows } = await pool.query<RunRow>(sql, values);
  const [run] = rows;
  if (run === undefined) return null;
  const { rows: totals } = await pool.query<TotalRow>(
    `SELECT kind, outcome, count(*) AS findings, COALESCE(sum(size_bytes), 0) AS bytes FROM reconciliation_findings
     WHERE run_id = $1 AND ($2::text IS NULL OR tenant_id = $2) GROUP BY kind, outcome ORDER BY kind, outcome`,
    [run.id, tenantId],
  );
  return {
    id: run.id,
    mode: oneOf(RECONCILIATION_MODES, run.mode),
    startedAtMs: run.started_at.getTime(),
    finishedAtMs: run.finished_at?.getTime() ?? null,
    inspected: { ...NOTHING_INSPECTED, ...run.inspected },
    failure: run.failure,
    totals: totals.map(({ kind, outcome, findings, bytes }) => ({
      kind: oneOf(DRIFT_KINDS, kind),
      outcome: oneOf(OUTCOMES, outcome),
      findings: safeInteger(findings),
      bytes: safeInteger(bytes),
    })),
  };
}
