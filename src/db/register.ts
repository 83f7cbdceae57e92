import type { Pool, PoolClient } from 'pg';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import { fileNameOf } from '../domain/keys.js';
import { wishOf } from '../domain/new-upload.js';
import { chooseRetention, type Retention } from '../domain/retention.js';
import type { NewArtifact } from './artifact-records.js';
import { toDate, toJson, toText } from './columns.js';
import { inTransaction, type AtCommit } from './pool.js';
import { NO_QUOTAS } from '../domain/quotas.js';
import { quotaCheck } from './quotas.js';
import { pathTaken } from './publications.js';
import { SELECT_ARTIFACT, toArtifactRecord, type ArtifactRow } from './rows.js';
import { requireOpenPublication } from './sql-publications.js';

/** A path whose holder disappears between two looks is tried again this often. */
const TRIES = 3;

/** See `ArtifactRecords.register`. */
export async function registerArtifact(pool: Pool, artifact: NewArtifact): Promise<ArtifactRecord> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const registered = await inTransaction(pool, (client, atCommit) => tryToRegister(client, artifact, atCommit));
    if (registered !== null) return registered;
  }
  throw new Error(`Artifact ${artifact.id} could not be registered: its id belongs to another execution`);
}

/** Null when something was in the way that is gone now. */
async function tryToRegister(
  client: PoolClient,
  artifact: NewArtifact,
  atCommit: AtCommit,
): Promise<ArtifactRecord | null> {
  const executionDays = await joinExecution(client, artifact);
  const { publicationId, executionId } = artifact;
  if (typeof publicationId === 'string') {
    const own = await findOwn(client, artifact);
    if (own !== null) return own;
    await requireOpenPublication(client, { executionId, id: publicationId });
  }
  const retention = chooseRetention(wishOf(artifact), executionDays, artifact.defaultRetentionDays);
  const inserted = await insert(client, artifact, retention);
  if (inserted !== null) {
    const { tenantId, sizeBytes, quotas = NO_QUOTAS } = artifact;
    atCommit(quotaCheck(quotas, { executionId, tenantId, artifacts: 1, bytes: sizeBytes ?? 0 }));
    return toArtifactRecord({ ...inserted, tenant_id: tenantId });
  }

  // A conflict is decided only once the other transaction has ended, so what it wrote is visible from here on.
  const { rows } = await client.query<ArtifactRow>(
    `SELECT * FROM artifacts WHERE execution_id = $1 AND (id = $2 OR (file_path = $3 AND status <> 'DELETED'))`,
    [artifact.executionId, artifact.id, artifact.key],
  );
  const own = rows.find((row) => row.id === artifact.id);
  if (own !== undefined) return toArtifactRecord({ ...own, tenant_id: artifact.tenantId });
  const [holder] = rows;
  if (holder === undefined) return null;
  throw pathTaken(artifact.path, { id: holder.id, awaitsPublication: holder.awaits_publication });
}

async function findOwn(client: PoolClient, { id, executionId }: NewArtifact): Promise<ArtifactRecord | null> {
  const { rows } = await client.query<ArtifactRow>(`${SELECT_ARTIFACT} WHERE a.id = $1 AND a.execution_id = $2`, [
    id,
    executionId,
  ]);
  return rows[0] === undefined ? null : toArtifactRecord(rows[0]);
}

/**
 * Creates the execution for this tenant, or joins it, and answers with its retention. The lock makes a change of the
 * execution's retention wait until the artifact that inherits it is there to be found.
 */
async function joinExecution(client: PoolClient, artifact: NewArtifact): Promise<number | null> {
  await client.query(
    'INSERT INTO executions (id, tenant_id, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING',
    [artifact.executionId, artifact.tenantId, new Date(artifact.createdAtMs)],
  );
  const { rows } = await client.query<{ tenant_id: string | null; retention_days: number | null }>(
    'SELECT tenant_id, retention_days FROM executions WHERE id = $1 FOR SHARE',
    [artifact.executionId],
  );
  const [execution] = rows;
  if (execution?.tenant_id !== artifact.tenantId)
    throw new ArtifactError('execution_not_found', `There is no execution ${artifact.executionId}`);
  return execution.retention_days;
}

/** Writes row and event in one statement; null when the id or the path is taken. */
async function insert(
  client: PoolClient,
  artifact: NewArtifact,
  retention: Retention,
): Promise<Omit<ArtifactRow, 'tenant_id'> | null> {
  const detail = {
    path: artifact.path,
    sizeBytes: artifact.sizeBytes,
    sha256: artifact.sha256,
    mimeType: artifact.mimeType,
    retention,
    ...(artifact.requestId === undefined ? {} : { requestId: artifact.requestId }),
  };
  const { rows } = await client.query<Omit<ArtifactRow, 'tenant_id'>>(
    `WITH artifact AS (
       INSERT INTO artifacts (
         id, execution_id, file_name, file_path, file_size, size_known, mime_type, checksum, type, status, tags, retention,
         part_size_bytes, created_at, updated_at, upload_deadline, policy, awaits_publication, idempotency_key,
         source_modified_at, quota_tenant
       ) VALUES (
         $1, $2, $3, $4, $5, $6, $7, $8, $9, 'UPLOADING', $10::jsonb, $11::jsonb, $12, $13, $13, $14, $18::jsonb, $19, $20, $21, $15
       )
       ON CONFLICT DO NOTHING
       RETURNING *
     ), event AS (
       INSERT INTO artifact_events (artifact_id, change_number, execution_id, tenant_id, at, actor, kind, detail)
       SELECT id, 0, execution_id, $15, $13, $16, 'upload_begun', $17::jsonb FROM artifact
       ON CONFLICT DO NOTHING
     )
     SELECT * FROM artifact`,
    [
      artifact.id,
      artifact.executionId,
      fileNameOf(artifact.path),
      artifact.key,
      artifact.sizeBytes ?? 0,
      artifact.sizeBytes !== null,
      artifact.mimeType,
      artifact.sha256,
      artifact.type,
      toJson(artifact.tags),
      toJson(retention),
      artifact.partSizeBytes,
      new Date(artifact.createdAtMs),
      new Date(artifact.uploadDeadlineMs),
      artifact.tenantId,
      toText(artifact.actor),
      toJson(detail),
      toJson(artifact.policy),
      artifact.publicationId ?? null,
      artifact.idempotencyKey ?? null,
      toDate(artifact.sourceModifiedAtMs ?? null),
    ],
  );
  return rows[0] ?? null;
}
