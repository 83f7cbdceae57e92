import type { ArtifactRecord, AuditEvent, RecordPatch } from './artifact-record.js';
import type { DeletionReason, Tags } from './artifact.js';
import type { Hold } from './holds.js';
import { expiresAtMs, type Retention } from './retention.js';
import { tierOfClass, type RestoreTier, type StorageTier } from './tiers.js';
import { DAY_MS } from './units.js';

/** A state change as it is written: the new column values and the audit row that tells about it, in one transaction. */
export interface Change {
  patch: RecordPatch;
  event: AuditEvent;
  /** It brings bytes that no quota has counted yet. */
  addsBytes?: true;
}

/** Where the store says the bytes are. */
export interface StoredBytes {
  versionId: string | null;
  etag: string;
  storageClass: string;
}

/**
 * Who has seen that the bytes have the claimed SHA-256: the store, which computed it, or we, who have read them back.
 */
export type VerifiedBy = 'store' | 'read_back';

/** @param stored `verifiedBy` null: nobody yet, they are still to be read back. */
export function uploadCompleted(
  record: ArtifactRecord,
  claim: { sizeBytes: number; sha256: string; actor: string },
  stored: StoredBytes & { verifiedBy: VerifiedBy | null },
): Change {
  const { versionId, etag, storageClass, verifiedBy } = stored;
  return {
    ...(record.sizeBytes === null ? { addsBytes: true as const } : {}),
    patch: {
      status: 'ACTIVE',
      sizeBytes: claim.sizeBytes,
      sha256: claim.sha256,
      checksumState: verifiedBy === null ? 'claimed' : 'verified',
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

/** What the bytes turned out to be when they were read back. */
export function readBack(record: ArtifactRecord, storedSha256: string): Change {
  const { sha256: claimedSha256, versionId } = record;
  const agrees = storedSha256 === claimedSha256;
  return {
    patch: { checksumState: agrees ? 'verified' : 'mismatch' },
    event: agrees
      ? { kind: 'checksum_verified', actor: 'worker', detail: { sha256: storedSha256, versionId } }
      : { kind: 'checksum_mismatched', actor: 'worker', detail: { claimedSha256, storedSha256, versionId } },
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
    patch: { retention, expiresAtMs: deadlineMs, warnedAtMs: null },
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

/** @param stored null where the tier is only a fact of the row. */
export function tierChanged(record: ArtifactRecord, tier: StorageTier, stored: StoredBytes | null): Change {
  const detail = stored === null ? { logical: true } : { logical: false, ...stored };
  return {
    patch: { tier, ...stored },
    event: { kind: 'tier_changed', actor: 'worker', detail: { from: record.tier, to: tier, ...detail } },
  };
}

export function restoreRequested(tier: RestoreTier, etaMs: number, actor: string): Change {
  return {
    patch: { restoreState: 'in_progress', restoreEtaMs: etaMs },
    event: { kind: 'restore_requested', actor, detail: { tier } },
  };
}

export function restored(stored: StoredBytes, actor: string, nowMs: number): Change {
  return {
    patch: {
      status: 'ACTIVE',
      tier: tierOfClass(stored.storageClass),
      archivedAtMs: null,
      restoreState: null,
      restoreEtaMs: null,
      restoredAtMs: nowMs,
      ...stored,
    },
    event: { kind: 'restored', actor, detail: { ...stored } },
  };
}

export function expiryWarned(record: ArtifactRecord, nowMs: number): Change {
  return {
    patch: { warnedAtMs: nowMs },
    event: { kind: 'expiry_warned', actor: 'worker', detail: { expiresAtMs: record.expiresAtMs } },
  };
}

export function holdAdded(record: ArtifactRecord, hold: Hold): Change {
  const { id, reason, untilMs } = hold;
  return {
    patch: { holds: [...record.holds, hold], warnedAtMs: null },
    event: { kind: 'hold_added', actor: hold.by, detail: { id, reason, untilMs } },
  };
}

/** The old deadline counts again once the last one has ended. */
export function holdEnded(record: ArtifactRecord, hold: Hold, actor: string): Change {
  const { id, by, reason } = hold;
  return {
    patch: { holds: record.holds.filter((other) => other.id !== id) },
    event: { kind: 'hold_ended', actor, detail: { id, by, reason } },
  };
}

export function tagsChanged(record: ArtifactRecord, tags: Tags, actor: string): Change {
  return { patch: { tags }, event: { kind: 'tags_changed', actor, detail: { from: record.tags, to: tags } } };
}

/** From here on nobody is given the bytes. */
export function deletionBegun(reason: DeletionReason, actor: string): Change {
  return { patch: { deletionReason: reason }, event: { kind: 'deletion_begun', actor, detail: { reason } } };
}

/** @param deletion `evidence`: how it is known that the bytes are gone, or hidden until `purgeAtMs`. */
export function deleted(
  deletion: { reason: DeletionReason; actor: string; purgeAtMs: number | null; evidence: AuditEvent['detail'] },
  nowMs: number,
): Change {
  const { reason, actor, purgeAtMs, evidence } = deletion;
  const window = purgeAtMs === null ? {} : { canBeUndeletedUntil: new Date(purgeAtMs).toISOString() };
  return {
    patch: {
      status: 'DELETED',
      deletedAtMs: nowMs,
      purgeAtMs,
      expiresAtMs: null,
      uploadId: null,
      restoreState: null,
      restoreEtaMs: null,
      ...(reason === 'checksum_mismatch' ? { checksumState: 'mismatch' as const } : {}),
    },
    event: { kind: 'deleted', actor, detail: { reason, ...evidence, ...window } },
  };
}

/** Until when a deletion that is decided now can be undone; null: it cannot, and the bytes go at once. */
export function undeleteWindowEndMs(
  { status, versionId, policy }: Pick<ArtifactRecord, 'status' | 'versionId' | 'policy'>,
  reason: DeletionReason,
  nowMs: number,
): number | null {
  if (status === 'UPLOADING' || versionId === null) return null;
  const windows: Partial<Record<DeletionReason, number>> = {
    requested: policy.undeleteDays,
    expired: policy.undeleteExpiredDays,
  };
  const days = windows[reason] ?? 0;
  return days === 0 ? null : nowMs + days * DAY_MS;
}

/** The window is over, or somebody closed it: the bytes are gone for good. */
export function purged(actor: string, evidence: AuditEvent['detail']): Change {
  return { patch: { purgeAtMs: null }, event: { kind: 'purged', actor, detail: evidence } };
}

/** Somebody wanted to keep it before its bytes went. */
export function deletionRevoked(record: ArtifactRecord, actor: string, executionDeletionId?: string): Change {
  const counted = executionDeletionId === undefined ? {} : { executionDeletionId };
  return {
    patch: { deletionReason: null },
    event: { kind: 'deletion_revoked', actor, detail: { reason: record.deletionReason, ...counted } },
  };
}

/** What had expired is kept for another while, or it would expire again at once. */
export function retentionOnceBack({ createdAtMs, retention, policy }: ArtifactRecord, nowMs: number): Retention {
  const deadlineMs = expiresAtMs(createdAtMs, retention);
  if (deadlineMs === null || deadlineMs > nowMs) return retention;
  return { rule: 'date', expiresAtMs: nowMs + Math.max(1, policy.undeleteDays) * DAY_MS };
}

/** An archived artifact comes back as ARCHIVED. */
export function undeleted(record: ArtifactRecord, retention: Retention, stored: StoredBytes, actor: string): Change {
  return {
    patch: {
      status: record.tier === 'COLD' ? 'ARCHIVED' : 'ACTIVE',
      deletedAtMs: null,
      deletionReason: null,
      purgeAtMs: null,
      warnedAtMs: null,
      retention,
      expiresAtMs: expiresAtMs(record.createdAtMs, retention),
      ...stored,
    },
    event: { kind: 'undeleted', actor, detail: { from: record.deletionReason, retention, ...stored } },
  };
}

/** The same, with the request of the API that it came by. */
export const byRequest = (change: Change, requestId: string | undefined): Change =>
  requestId === undefined
    ? change
    : { ...change, event: { ...change.event, detail: { ...change.event.detail, requestId } } };
