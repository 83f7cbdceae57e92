import pg from 'pg';
import type { ArtifactError } from '../domain/errors.js';
import { quotaExceeded, type ExceededQuota, type Quotas, type Usage } from '../domain/quotas.js';

/*
 * What executions and tenants have is counted by triggers (migration 0008), however a row of `artifacts` comes, changes or goes: they
 * append what changes, without a lock. Whoever adds something has it added up when its transaction commits, under the locks of the
 * execution's and the tenant's total: the others of the same tenant wait for one commit at a time, and for no client.
 */

interface Addition extends Usage {
  executionId: string;
  tenantId: string;
}

/** The statement that refuses an addition for which there is no room, to be sent together with COMMIT. */
export function quotaCheck(quotas: Quotas, { executionId, tenantId, artifacts, bytes }: Addition): string {
  const texts = [executionId, tenantId].map((text) => pg.escapeLiteral(text));
  const { executionArtifacts, executionBytes, tenantArtifacts, tenantBytes } = quotas;
  const numbers = [artifacts, bytes, executionArtifacts, executionBytes, tenantArtifacts, tenantBytes];
  return `SELECT artifact_require_quotas(${[...texts, ...numbers].join(', ')})`;
}

/** Of `artifact_require_quotas`. */
const QUOTA_STATE = 'QX001';

/** What that statement refused with; null when the error is another one. */
export function quotaErrorOf(error: unknown): ArtifactError | null {
  if (!(error instanceof pg.DatabaseError) || error.code !== QUOTA_STATE) return null;
  return quotaExceeded(JSON.parse(error.detail ?? '{}') as ExceededQuota);
}
