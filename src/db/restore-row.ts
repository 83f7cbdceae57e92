import type { Pool, PoolClient } from 'pg';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import { fileNameOf } from '../domain/keys.js';
import type { RowRestoration } from './artifact-records.js';
import { columnsOf, toDate, toJson, toText, type ColumnValue } from './columns.js';
import { inTransaction } from './pool.js';
import { pathTaken } from './publications.js';
import { SELECT_ARTIFACT, toArtifactRecord, type ArtifactRow } from './rows.js';

/** See `ArtifactRecords.restoreRow`. */
export function restoreRow(pool: Pool, record: ArtifactRecord, restoration: RowRestoration): Promise<ArtifactRecord> {
  return inTransaction(pool, async (client) => {
    await joinExecution(client, record, restoration.retentionDays ?? null);
    const revision = await nextRevision(client, record);
    const isNew = await insertRow(client, { ...record, revision });
    if (isNew) {
      await client.query(
        `INSERT INTO artifact_events (artifact_id, change_number, execution_id, tenant_id, at, actor, kind, detail)
         VALUES ($1, $2, $3, $4, now(), $5, 'row_restored', $6::jsonb)`,
        [
          record.id,
          revision,
          record.executionId,
          record.tenantId,
          toText(restoration.actor),
          toJson(restoration.detail),
        ],
      );
      await restoreDownloads(client, record);
    }
    return rowOf(client, record);
  });
}

/** Creates it for this tenant, or joins it. The lock keeps it there until the row is. */
async function joinExecution(
  client: PoolClient,
  { executionId, tenantId, createdAtMs }: ArtifactRecord,
  retentionDays: number | null,
): Promise<void> {
  await client.query(
    `INSERT INTO executions (id, tenant_id, retention_days, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
    [executionId, tenantId, retentionDays, new Date(createdAtMs)],
  );
  const { rows } = await client.query<{ tenant_id: string | null }>(
    'SELECT tenant_id FROM executions WHERE id = $1 FOR SHARE',
    [executionId],
  );
  if ((rows[0]?.tenant_id ?? '') !== tenantId)
    throw new ArtifactError('execution_not_found', `There is no execution ${executionId}`);
}

/** After what the row has been through, and after all that the audit has of it. */
async function nextRevision(client: PoolClient, { id, revision }: ArtifactRecord): Promise<number> {
  const { rows } = await client.query<{ last: number | null }>(
    'SELECT max(change_number) AS last FROM artifact_events WHERE artifact_id = $1',
    [id],
  );
  return Math.max(revision, rows[0]?.last ?? 0) + 1;
}

/** False when something is in the way: the row itself, or another one with its path. */
async function insertRow(client: PoolClient, record: ArtifactRecord): Promise<boolean> {
  const columns: ColumnValue[] = [
    { column: 'id', value: record.id },
    { column: 'revision', value: record.revision },
    { column: 'execution_id', value: record.executionId },
    { column: 'file_name', value: fileNameOf(record.path) },
    { column: 'file_path', value: record.key },
    { column: 'created_at', value: new Date(record.createdAtMs) },
    { column: 'updated_at', value: new Date(record.updatedAtMs) },
    { column: 'idempotency_key', value: record.idempotencyKey },
    { column: 'source_modified_at', value: toDate(record.sourceModifiedAtMs) },
    { column: 'awaits_publication', value: record.awaitsPublication },
    { column: 'untold_publication', value: record.untoldPublication },
    { column: 'quota_tenant', value: record.tenantId },
    ...columnsOf(record),
  ];
  const places = columns.map(({ cast }, index) => `$${index + 1}${cast === undefined ? '' : `::${cast}`}`);
  const { rowCount } = await client.query(
    `INSERT INTO artifacts (${columns.map(({ column }) => column).join(', ')}) VALUES (${places.join(', ')})
     ON CONFLICT DO NOTHING`,
    columns.map(({ value }) => value),
  );
  return rowCount === 1;
}

/** What was counted beside the row; more may be known of them than it says. */
async function restoreDownloads(client: PoolClient, record: ArtifactRecord): Promise<void> {
  if (record.lastDownloadedAtMs === null) return;
  await client.query(
    `INSERT INTO artifact_access AS known (artifact_id, downloads, last_at) VALUES ($1, $2, $3)
     ON CONFLICT (artifact_id) DO UPDATE
       SET downloads = GREATEST(known.downloads, excluded.downloads), last_at = GREATEST(known.last_at, excluded.last_at)`,
    [record.id, record.downloads, new Date(record.lastDownloadedAtMs)],
  );
}

/** A conflict is decided only once the other transaction has ended, so what it wrote is visible by now. */
async function rowOf(client: PoolClient, { id, executionId, key, path }: ArtifactRecord): Promise<ArtifactRecord> {
  const { rows } = await client.query<ArtifactRow>(
    `${SELECT_ARTIFACT} WHERE a.id = $1 OR (a.execution_id = $2 AND a.file_path = $3 AND a.status <> 'DELETED')`,
    [id, executionId, key],
  );
  const own = rows.find((row) => row.id === id);
  if (own !== undefined) return toArtifactRecord(own);
  const [holder] = rows;
  if (holder === undefined) throw new ArtifactError('database_unavailable', `What was in the way of ${id} is gone`);
  throw pathTaken(path, { id: holder.id, awaitsPublication: holder.awaits_publication });
}
