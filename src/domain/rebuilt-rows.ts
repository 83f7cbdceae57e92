import type { ArtifactRecord } from './artifact-record.js';
import { tierOfClass } from './tiers.js';

/**
 * The row that a life knows, as it is written again. Null: there was none; the life is being registered, which writes it, or was refused.
 * @param isVisible of one that waited for its publication: has that been committed? Lives hear of that late.
 */
export function rowOfLife(record: ArtifactRecord, isVisible: boolean): ArtifactRecord | null {
  const { status, deletionReason, policy, revision, uploadDeadlineMs, createdAtMs } = record;
  const isUnregistered = revision === 0 && policy.none === true && uploadDeadlineMs === createdAtMs;
  if (isUnregistered || (status === 'DELETED' && deletionReason === null)) return null;
  // Who is to be told of its beginning, no audit can say any more.
  return { ...record, awaitsPublication: isVisible ? null : record.awaitsPublication, untoldPublication: null };
}

interface Bytes {
  versionId: string | null;
  etag: string;
  storageClass: string;
  lastModifiedMs: number;
}

/** Does the record name just these bytes? */
export const namesBytes = (
  { versionId, etag }: Pick<ArtifactRecord, 'versionId' | 'etag'>,
  bytes: Omit<Bytes, 'storageClass' | 'lastModifiedMs'>,
): boolean => versionId === bytes.versionId && (versionId !== null || etag === bytes.etag);

/** A row of just before its bytes were copied into another class, as it was just after. */
export function withCopy(
  record: ArtifactRecord,
  { versionId, etag, storageClass, lastModifiedMs }: Bytes,
): ArtifactRecord {
  const moved = { ...record, versionId, etag, storageClass };
  if (storageClass === record.storageClass) return moved;
  const tier = tierOfClass(storageClass);
  const isArchive = tier === 'COLD' && record.status === 'ACTIVE';
  return { ...moved, tier, ...(isArchive ? { status: 'ARCHIVED' as const, archivedAtMs: lastModifiedMs } : {}) };
}
