import type { ArtifactRecord, AuditEvent, RecordPatch } from './artifact-record.js';
import { expiresAtMs, type Retention } from './retention.js';
import { tierOfClass } from './tiers.js';

/** A state change as it is written: the new column values and the audit row that tells about it, in one transaction. */
export interface Change {
  patch: RecordPatch;
  event: AuditEvent;
}

/** Where the store says the bytes are. */
export interface StoredBytes {
  versionId: string | null;
  etag: string;
  storageClass: string;
}

export function uploadCompleted(
  record: ArtifactRecord,
  claim: { sizeBytes: number; sha256: string; actor: string },
  stored: StoredBytes & { verifiedBy: 'store' | 'read_back' },
): Change {
  const { versionId, etag, storageClass, verifiedBy } = stored;
  return {
    patch: {
      status: 'ACTIVE',
      sizeBytes: claim.sizeBytes,
      sha256: claim.sha256,
      checksumState: 'verified',
      tier: tierOfClass(storageClass),
      storageClass,
      versionId,
      etag,
      uploadId: null,
      expiresAtMs: expiresAtMs(record.createdAtMs, record.retention),
    },
    event: {
      kind: 'upload_completed',
      actor: claim.actor,
      detail: { sizeBytes: claim.sizeBytes, sha256: claim.sha256, verifiedBy, versionId, etag },
    },
  };
}

/** A change is known again by what it says, so the time it was asked at, which a repetition may not share, is not part of it. */
function undated(retention: Retention): Record<string, unknown> {
  if (retention.rule !== 'permanent') return retention;
  const { rule, by, reason } = retention;
  return { rule, by, reason };
}

/** While uploading, the deadline waits in the retention: `expiresAt` appears with ACTIVE. */
export function retentionChanged(record: ArtifactRecord, retention: Retention, actor: string): Change {
  const deadlineMs = record.status === 'UPLOADING' ? null : expiresAtMs(record.createdAtMs, retention);
  return {
    patch: { retention, expiresAtMs: deadlineMs },
    event: {
      kind: 'retention_changed',
      actor,
      detail: { from: undated(record.retention), to: undated(retention), expiresAtMs: deadlineMs },
    },
  };
}

/** @param stored null when the store has no classes and the archive is logical: the bytes stay where they are. */
export function archived(stored: StoredBytes | null, actor: string, nowMs: number): Change {
  return {
    patch: { status: 'ARCHIVED', tier: 'COLD', archivedAtMs: nowMs, ...stored },
    event: { kind: 'archived', actor, detail: stored === null ? { logical: true } : { logical: false, ...stored } },
  };
}

export function restoreRequested(tier: string, actor: string): Change {
  return {
    patch: { restoreState: 'in_progress' },
    event: { kind: 'restore_requested', actor, detail: { tier } },
  };
}

export function restored(stored: StoredBytes, actor: string): Change {
  return {
    patch: {
      status: 'ACTIVE',
      tier: tierOfClass(stored.storageClass),
      archivedAtMs: null,
      restoreState: null,
      ...stored,
    },
    event: { kind: 'restored', actor, detail: { ...stored } },
  };
}
