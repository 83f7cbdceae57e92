import type { Pool } from 'pg';
import { ArtifactError } from '../domain/errors.js';
import type { ExecutionRetention, InheritorsQuery } from './artifact-records.js';

/** See `ArtifactRecords.setExecutionRetention`. The row lock of the update is what registrations wait for, and it for them. */
export async function setExecutionRetention(pool: Pool, retention: ExecutionRetention): Promise<void> {
  const { executionId, tenantId, days } = retention;
  const { rowCount } = await pool.query(
    `INSERT INTO executions (id, tenant_id, retention_days, created_at) VALUES ($1, $2, $3, now())
     ON CONFLICT (id) DO UPDATE SET retention_days = excluded.retention_days
     WHERE executions.tenant_id = excluded.tenant_id`,
    [executionId, tenantId, days],
  );
  if (rowCount === 0) throw new ArtifactError('execution_not_found', `There is no execution ${executionId}`);
}

/** Of living artifacts that inherit their retention, and have another than these days. @param days SQL. */
export const inheritsOther = (days: string): string =>
  `status <> 'DELETED' AND deletion_reason IS NULL
   AND (retention ->> 'rule' = 'default' OR (retention ->> 'rule' = 'execution' AND (retention ->> 'days')::integer <> ${days}))`;

/** See `ArtifactReads.listInheritors`. */
export async function listInheritors(pool: Pool, query: InheritorsQuery): Promise<string[]> {
  const { executionId, days, afterId, limit } = query;
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM artifacts
     WHERE execution_id = $1 AND ${inheritsOther('$2')}
       AND ($3::uuid IS NULL OR id > $3::uuid)
     ORDER BY id LIMIT $4`,
    [executionId, days, afterId, limit],
  );
  return rows.map(({ id }) => id);
}
