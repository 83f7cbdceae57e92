import {
  ARTIFACT_STATUSES,
  ARTIFACT_TYPES,
  CHECKSUM_STATES,
  DELETION_REASONS,
  RESTORE_STATES,
  type Tags,
} from '../domain/artifact.js';
import { AUDIT_KINDS, type ArtifactRecord } from '../domain/artifact-record.js';
import { pathOfKey } from '../domain/keys.js';
import type { Hold } from '../domain/holds.js';
import type { LifePolicy } from '../domain/policy.js';
import type { Retention } from '../domain/retention.js';
import { STORAGE_TIERS } from '../domain/tiers.js';
import type { ExecutionRecord, RecordedEvent } from './artifact-records.js';

/** A row of `artifacts` with its execution's `tenant_id`, as node-postgres answers: bigint as text, timestamptz as Date. */
export interface ArtifactRow {
  id: string;
  revision: number;
  execution_id: string;
  tenant_id: string | null;
  file_path: string;
  file_size: string;
  size_known: boolean;
  mime_type: string | null;
  checksum: string | null;
  checksum_state: string;
  type: string;
  status: string;
  tier: string;
  storage_class: string;
  version_id: string | null;
  etag: string | null;
  retention: Retention;
  holds: Hold[];
  policy: LifePolicy;
  created_at: Date;
  updated_at: Date;
  expires_at: Date | null;
  warned_at: Date | null;
  archived_at: Date | null;
  deleted_at: Date | null;
  deletion_reason: string | null;
  purge_at: Date | null;
  restore_state: string | null;
  restore_eta: Date | null;
  restored_at: Date | null;
  upload_id: string | null;
  part_size_bytes: string | null;
  idempotency_key: string | null;
  source_modified_at: Date | null;
  upload_deadline: Date;
  awaits_publication: string | null;
  untold_publication: string | null;
  tags: Tags | null;
  /** Of `artifact_access`; absent where a statement cannot meet a download. */
  downloads?: string | null;
  last_downloaded_at?: Date | null;
}

/**
 * Columns of `artifacts` that a record is made of, by name: statements that a connection has prepared survive a migration that adds columns,
 * and what no record shows is not read.
 */
const OWN_COLUMNS: Record<Exclude<keyof ArtifactRow, 'tenant_id' | 'downloads' | 'last_downloaded_at'>, true> = {
  id: true,
  revision: true,
  execution_id: true,
  file_path: true,
  file_size: true,
  size_known: true,
  mime_type: true,
  checksum: true,
  checksum_state: true,
  type: true,
  status: true,
  tier: true,
  storage_class: true,
  version_id: true,
  etag: true,
  retention: true,
  holds: true,
  policy: true,
  created_at: true,
  updated_at: true,
  expires_at: true,
  warned_at: true,
  archived_at: true,
  deleted_at: true,
  deletion_reason: true,
  purge_at: true,
  restore_state: true,
  restore_eta: true,
  restored_at: true,
  upload_id: true,
  part_size_bytes: true,
  idempotency_key: true,
  source_modified_at: true,
  upload_deadline: true,
  awaits_publication: true,
  untold_publication: true,
  tags: true,
};
/** Of downloads `d`. */
export const DOWNLOAD_COLUMNS = 'd.downloads, d.last_at AS last_downloaded_at';
/** Of artifacts `a`, their executions `e` and their downloads `d`: the columns of an {@link ArtifactRow}. */
const ARTIFACT_COLUMNS = [
  ...Object.keys(OWN_COLUMNS).map((column) => `a.${column}`),
  'e.tenant_id',
  DOWNLOAD_COLUMNS,
].join(', ');
/** Adds the downloads `d` to artifacts `a`. */
export const WITH_DOWNLOADS = 'LEFT JOIN artifact_access d ON d.artifact_id = a.id';
export const SELECT_ARTIFACT = `SELECT ${ARTIFACT_COLUMNS} FROM artifacts a JOIN executions e ON e.id = a.execution_id ${WITH_DOWNLOADS}`;
/** Nearly every request begins with it, so each connection plans it once. */
export const GET_ARTIFACT = { name: 'get-artifact', text: `${SELECT_ARTIFACT} WHERE a.id = $1` };

export interface ExecutionRow {
  id: string;
  tenant_id: string | null;
  retention_days: number | null;
  created_at: Date;
}

export interface EventRow {
  change_number: number;
  at: Date;
  actor: string;
  kind: string;
  detail: Record<string, unknown>;
}

export function toArtifactRecord(row: ArtifactRow): ArtifactRecord {
  return {
    id: row.id,
    revision: row.revision,
    executionId: row.execution_id,
    // An execution without a tenant belongs to nobody; no token has the empty tenant.
    tenantId: row.tenant_id ?? '',
    path: pathOfKey(row.file_path),
    key: row.file_path,
    sizeBytes: row.size_known ? safeInteger(row.file_size) : null,
    sha256: row.checksum,
    checksumState: oneOf(CHECKSUM_STATES, row.checksum_state),
    mimeType: row.mime_type ?? 'application/octet-stream',
    type: oneOf(ARTIFACT_TYPES, row.type),
    tags: row.tags ?? {},
    status: oneOf(ARTIFACT_STATUSES, row.status),
    tier: oneOf(STORAGE_TIERS, row.tier),
    storageClass: row.storage_class,
    versionId: row.version_id,
    etag: row.etag,
    retention: row.retention,
    holds: row.holds,
    policy: row.policy,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
    expiresAtMs: row.expires_at?.getTime() ?? null,
    warnedAtMs: row.warned_at?.getTime() ?? null,
    archivedAtMs: row.archived_at?.getTime() ?? null,
    deletedAtMs: row.deleted_at?.getTime() ?? null,
    deletionReason: row.deletion_reason === null ? null : oneOf(DELETION_REASONS, row.deletion_reason),
    purgeAtMs: row.purge_at?.getTime() ?? null,
    restoreEtaMs: row.restore_eta?.getTime() ?? null,
    restoredAtMs: row.restored_at?.getTime() ?? null,
    restoreState: row.restore_state === null ? null : oneOf(RESTORE_STATES, row.restore_state),
    uploadId: row.upload_id,
    partSizeBytes: row.part_size_bytes === null ? null : safeInteger(row.part_size_bytes),
    uploadDeadlineMs: row.upload_deadline.getTime(),
    idempotencyKey: row.idempotency_key,
    sourceModifiedAtMs: row.source_modified_at?.getTime() ?? null,
    awaitsPublication: row.awaits_publication,
    untoldPublication: row.untold_publication,
    downloads: safeInteger(row.downloads ?? '0'),
    lastDownloadedAtMs: row.last_downloaded_at?.getTime() ?? null,
  };
}

export const toExecutionRecord = (row: ExecutionRow): ExecutionRecord => ({
  id: row.id,
  tenantId: row.tenant_id ?? '',
  retentionDays: row.retention_days,
  createdAtMs: row.created_at.getTime(),
});

export const toRecordedEvent = (row: EventRow): RecordedEvent => ({
  changeNumber: row.change_number,
  atMs: row.at.getTime(),
  kind: oneOf(AUDIT_KINDS, row.kind),
  actor: row.actor,
  detail: row.detail,
});

/** node-postgres hands `bigint` out as text, because it may not fit into a number. Ours must. */
export function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`"${text}" in the database is not a whole number that fits`);
  return value;
}

export function oneOf<T extends string>(known: readonly T[], value: string): T {
  const found = known.find((candidate) => candidate === value);
  if (found === undefined) throw new Error(`"${value}" in the database is none of ${known.join(', ')}`);
  return found;
}
