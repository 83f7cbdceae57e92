import type { ArtifactRecord } from '../domain/artifact-record.js';
import { fileNameOf } from '../domain/keys.js';
import type { SignedRequest } from '../storage/object-store.js';
import { artifactWorkflowId } from '../temporal/ids.js';
import type { Artifact } from './schemas/artifact.js';
import type { EncodedRequest } from './schemas/atoms.js';

/** Epoch milliseconds as they go over the wire. */
export const toTimestamp = (epochMs: number): string => new Date(epochMs).toISOString();

const toTimestampOrNull = (epochMs: number | null): string | null => (epochMs === null ? null : toTimestamp(epochMs));

/** A row as it goes over the wire. */
export function encodeArtifact(record: ArtifactRecord): Artifact {
  const { id, executionId, path, mimeType, checksumState, type, status, tier, storageClass, tags } = record;
  const { retention, deletionReason, restoreState } = record;
  return {
    id,
    executionId,
    fileName: fileNameOf(path),
    path,
    filePath: record.key,
    fileSize: record.sizeBytes ?? 0,
    mimeType,
    checksum: record.sha256 ?? '',
    checksumState,
    type,
    status,
    tier,
    storageClass,
    tags,
    retention:
      retention.rule === 'permanent'
        ? { rule: 'permanent', by: retention.by, reason: retention.reason, at: toTimestamp(retention.atMs) }
        : { rule: retention.rule, days: retention.days },
    createdAt: toTimestamp(record.createdAtMs),
    updatedAt: toTimestamp(record.updatedAtMs),
    expiresAt: toTimestampOrNull(record.expiresAtMs),
    archivedAt: toTimestampOrNull(record.archivedAtMs),
    deletedAt: toTimestampOrNull(record.deletedAtMs),
    deletionReason,
    restoreState,
    uploadDeadline: status === 'UPLOADING' ? toTimestamp(record.uploadDeadlineMs) : null,
    workflowId: artifactWorkflowId(id),
  };
}

/** A signed request as it goes over the wire. */
export const encodeRequest = ({ method, url, headers, expiresAtMs }: SignedRequest): EncodedRequest => ({
  method,
  url,
  headers,
  expiresAt: toTimestamp(expiresAtMs),
});
