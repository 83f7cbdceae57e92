import { createHash } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import type { RowRestoration } from './artifact-records.js';
import { columnsOf, toDate, toJson, toText, type ColumnValue } from './columns.js';
import { inTransaction } from './pool.js';
import { pathTaken } from './publications.js';
import { GET_ARTIFACT, SELECT_ARTIFACT, toArtifactRecord, type ArtifactRow } from './rows.js';

/** See `ArtifactRecords.restoreRow`. */
export function restoreRow(pool: Pool, record: ArtifactRecord, restoration: RowRestoration): Promise<ArtifactRecord> {
  return inTransaction(pool, async (client) => {
    await joinExecution(client, record, restoration.retentionDays ?? null);
    const isNew = await insertRow(client, record, restoration);
    if (isNew) await restoreDownloads(client, record);
    return isNew ? written(client, record) : inTheWay(client, record);
  });
}

/** Joins it, or creates it for this tenant. The lock keeps it there until the row is. */
async function joinExecution(
  client: PoolClient,
  { executionId, tenantId, createdAtMs }: ArtifactRecord,
  retentionDays: number | null,
): Promise<void> {
  let owner = await lockExecution(client, executionId);
  if (owner === null) {
    await client.query(
      `INSERT INTO executions (id, tenant_id, retention_days, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
      [executionId, tenantId, retentionDays, new Date(createdAtMs)],
    );
    owner = await lockExecution(client, executionId);
  }
  if (owner !== tenantId) throw new ArtifactError('execution_not_found', `There is no execution ${executionId}`);
}

/** @returns whose it is; null when it is not there. */
async function lockExecution(client: PoolClient, executionId: string): Promise<string | null> {
  const text = 'SELECT tenant_id FROM executions WHERE id = $1 FOR SHARE';
  const { rows } = await client.query<{ tenant_id: string | null }>({
    ...{ name: 'lock-execution', text, values: [executionId] },
  });
  const [row] = rows;
  return row === undefined ? null : (row.tenant_id ?? '');
}

/**
 * The row and its event, which are numbered after what the row has been through, and after all that the audit has of it. One statement, as there
 * are many to write. False when something is in the way: the row itself, or another one with its path.
 */
async function insertRow(
  client: PoolClient,
  record: ArtifactRecord,
  { actor, detail }: RowRestoration,
): Promise<boolean> {
  const { id, executionId, tenantId } = record;
  const columns: ColumnValue[] = [
    { column: 'id', value: id },
    { column: 'execution_id', value: executionId },
    { column: 'created_at', value: new Date(record.createdAtMs) },
    { column: 'updated_at', value: new Date(record.updatedAtMs) },
    { column: 'idempotency_key', value: record.idempotencyKey },
    { column: 'source_modified_at', value: toDate(record.sourceModifiedAtMs) },
    { column: 'awaits_publication', value: record.awaitsPublication },
    { column: 'untold_publication', value: record.untoldPublication },
    { column: 'quota_tenant', value: tenantId },
    ...columnsOf(record),
  ];
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const places = columns.map(({ value, cast }) => `${bind(value)}${cast === undefined ? '' : `::${cast}`}`);
  const known = `SELECT max(change_number) FROM artifact_events WHERE artifact_id = ${bind(id)}::uuid`;
  const text = `WITH made AS (
       INSERT INTO artifacts (${columns.map(({ column }) => column).join(', ')}, revision)
       VALUES (${places.join(', ')}, GREATEST(${bind(record.revision)}::integer, (${known})) + 1)
       ON CONFLICT DO NOTHING RETURNING id, revision)
     INSERT INTO artifact_events (artifact_id, change_number, execution_id, tenant_id, at, actor, kind, detail)
     SELECT id, revision, ${bind(executionId)}, ${bind(tenantId)}, now(), ${bind(toText(actor))}, 'row_restored', ${bind(toJson(detail))}::jsonb
     FROM made`;
  // Planned once on each connection. What a record of before lacks is no column, so it may be another statement.
  const name = `restore-row ${createHash('sha1').update(text).digest('hex')}`;
  const { rowCount } = await client.query({ name, text, values });
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

async function written(client: PoolClient, { id }: ArtifactRecord): Promise<ArtifactRecord> {
  const { rows } = await client.query<ArtifactRow>({ ...GET_ARTIFACT, values: [id] });
  const [row] = rows;
  if (row === undefined) throw new ArtifactError('database_unavailable', `The row of ${id} is gone`);
  return toArtifactRecord(row);
}

/**
 * The row itself. A conflict is decided only once the other transaction has ended, so what it wrote is visible by now.
 * @throws `path_taken` when it is another one.
 */
async function inTheWay(client: PoolClient, { id, executionId, key, path }: ArtifactRecord): Promise<ArtifactRecord> {
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
