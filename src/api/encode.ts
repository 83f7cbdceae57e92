import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { Retention } from '../domain/retention.js';
import { endOfShare, type Share } from '../domain/shares.js';
import { fileNameOf } from '../domain/keys.js';
import type { SignedRequest } from '../storage/object-store.js';
import { artifactWorkflowId } from '../temporal/ids.js';
import type { Artifact, Hold } from './schemas/artifact.js';
import type { EncodedRequest } from './schemas/atoms.js';
import type { ShareJson } from './schemas/shares.js';

/** Epoch milliseconds as they go over the wire. */
export const toTimestamp = (epochMs: number): string => new Date(epochMs).toISOString();

const toTimestampOrNull = (epochMs: number | null): string | null => (epochMs === null ? null : toTimestamp(epochMs));

/** A row as it goes over the wire. */
export function encodeArtifact(record: ArtifactRecord): Artifact {
  const { id, executionId, path, mimeType, checksumState, type, status, tier, storageClass, tags } = record;
  const { deletionReason, restoreState } = record;
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
    retention: encodeRetention(record.retention),
    holds: record.holds.map(encodeHold),
    createdAt: toTimestamp(record.createdAtMs),
    updatedAt: toTimestamp(record.updatedAtMs),
    expiresAt: toTimestampOrNull(record.expiresAtMs),
    archivedAt: toTimestampOrNull(record.archivedAtMs),
    deletedAt: toTimestampOrNull(record.deletedAtMs),
    deletionReason,
    purgeAt: toTimestampOrNull(record.purgeAtMs),
    warnedAt: toTimestampOrNull(record.warnedAtMs),
    restoreState,
    restoreEta: toTimestampOrNull(record.restoreEtaMs),
    tiering: {
      warmAfterDays: record.policy.warmAfterDays,
      coldAfterDays: record.policy.coldAfterDays,
      by: record.policy.tierBy ?? 'age',
    },
    downloads: record.downloads,
    lastDownloadedAt: toTimestampOrNull(record.lastDownloadedAtMs),
    uploadDeadline: status === 'UPLOADING' ? toTimestamp(record.uploadDeadlineMs) : null,
    workflowId: artifactWorkflowId(id),
  };
}

/** A hold as it goes over the wire. */
export const encodeHold = ({ id, by, reason, atMs, untilMs }: ArtifactRecord['holds'][number]): Hold => ({
  ...{ id, by, reason },
  at: toTimestamp(atMs),
  until: toTimestampOrNull(untilMs),
});

/** A link as it goes over the wire: without its token, which nobody knows but those who have it. */
export const encodeShare = (share: Share, nowMs: number): ShareJson => ({
  id: share.id,
  artifactId: share.artifactId,
  createdBy: share.createdBy,
  createdAt: toTimestamp(share.createdAtMs),
  expiresAt: toTimestamp(share.expiresAtMs),
  maxUses: share.maxUses,
  uses: share.uses,
  lastUsedAt: toTimestampOrNull(share.lastUsedAtMs),
  revokedAt: toTimestampOrNull(share.revokedAtMs),
  revokedBy: share.revokedBy,
  ended: endOfShare(share, nowMs),
});

function encodeRetention(retention: Retention): Artifact['retention'] {
  if (retention.rule === 'permanent') {
    const { rule, by, reason, atMs } = retention;
    return { rule, by, reason, at: toTimestamp(atMs) };
  }
  if (retention.rule === 'date') return { rule: 'date', expiresAt: toTimestamp(retention.expiresAtMs) };
  return { rule: retention.rule, days: retention.days };
}

/** A signed request as it goes over the wire. */
export const encodeRequest = ({ method, url, headers, expiresAtMs }: SignedRequest): EncodedRequest => ({
  method,
  url,
  headers,
  expiresAt: toTimestamp(expiresAtMs),
});
