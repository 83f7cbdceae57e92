import type { Pool } from 'pg';
import type { TierUsage } from '../domain/quotas.js';
import type { UsageQuery } from './artifact-records.js';
import { safeInteger } from './rows.js';

/** So many changes that are not added up yet cost a reader a millisecond or two; whoever meets more adds them up. */
const MAX_PENDING = 1_000;

interface UsageRow {
  id: string;
  hot: string;
  hot_bytes: string;
  warm: string;
  warm_bytes: string;
  cold: string;
  cold_bytes: string;
  pending: string;
}

/** What is added up and what is not, of one snapshot: nobody can add it up in between. */
const USAGE = `SELECT id, sum(artifacts - warm - cold) AS hot, sum(bytes - warm_bytes - cold_bytes) AS hot_bytes,
  sum(warm) AS warm, sum(warm_bytes) AS warm_bytes, sum(cold) AS cold, sum(cold_bytes) AS cold_bytes, sum(pending) AS pending
  FROM (
    SELECT id, artifacts, bytes, warm_artifacts AS warm, warm_bytes, cold_artifacts AS cold, cold_bytes, 0 AS pending
    FROM artifact_usage WHERE scope = $1 AND id = ANY($2::text[])
    UNION ALL
    SELECT id, artifacts, bytes,
      CASE tier WHEN 'WARM' THEN artifacts ELSE 0 END, CASE tier WHEN 'WARM' THEN bytes ELSE 0 END,
      CASE tier WHEN 'COLD' THEN artifacts ELSE 0 END, CASE tier WHEN 'COLD' THEN bytes ELSE 0 END, 1
    FROM artifact_usage_changes WHERE scope = $1 AND id = ANY($2::text[])
  ) counted GROUP BY id`;

/** See `ArtifactReads.usage`. */
export async function readUsage(pool: Pool, query: UsageQuery): Promise<TierUsage> {
  const [scope, ids] = await countersOf(pool, query);
  const { rows } = await pool.query<UsageRow>(USAGE, [scope, ids]);
  const usage: TierUsage = {
    HOT: { artifacts: 0, bytes: 0 },
    WARM: { artifacts: 0, bytes: 0 },
    COLD: { artifacts: 0, bytes: 0 },
  };
  for (const row of rows) {
    usage.HOT.artifacts += safeInteger(row.hot);
    usage.HOT.bytes += safeInteger(row.hot_bytes);
    usage.WARM.artifacts += safeInteger(row.warm);
    usage.WARM.bytes += safeInteger(row.warm_bytes);
    usage.COLD.artifacts += safeInteger(row.cold);
    usage.COLD.bytes += safeInteger(row.cold_bytes);
    // Deletions and moves only append, and where nothing is registered any more nobody else adds up.
    if (safeInteger(row.pending) > MAX_PENDING)
      await pool.query('SELECT FROM artifact_usage_of($1, $2)', [scope, row.id]);
  }
  return usage;
}

/** Which totals are meant. */
async function countersOf(pool: Pool, query: UsageQuery): Promise<[scope: 'execution' | 'tenant', ids: string[]]> {
  if ('executionId' in query) return ['execution', [query.executionId]];
  const { tenantId, executionIds } = query;
  if (executionIds === null) return ['tenant', [tenantId]];
  const { rows } = await pool.query<{ id: string }>(
    'SELECT id FROM executions WHERE id = ANY($1::uuid[]) AND tenant_id = $2',
    [executionIds, tenantId],
  );
  return ['execution', rows.map(({ id }) => id)];
}
