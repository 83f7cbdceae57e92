import { completeRecord, type ArtifactRecord } from './artifact-record.js';
import { ARTIFACT_TYPES, CHECKSUM_STATES, DELETION_REASONS, RESTORE_STATES } from './artifact.js';
import { SHA256 } from './checksum.js';
import type { Hold } from './holds.js';
import { isUuid } from './ids.js';
import { artifactKey, canonicalPath } from './keys.js';
import { LISTED_STATUSES, type ManifestHead } from './manifest.js';
import type { LifePolicy } from './policy.js';
import { expiresAtMs } from './retention.js';
import { STORAGE_TIERS } from './tiers.js';

/*
 * Manifests read back. They lie in a bucket, where anybody with its keys may have written: nothing of them is believed unseen.
 */

/** @returns null when it is not the head of a manifest of this execution. */
export function toManifestHead(json: unknown, executionId: string): ManifestHead | null {
  const head = { ...(json as Partial<ManifestHead> | null) };
  const { version, tenantId, retentionDays, generatedAt } = head;
  if (version !== 1 || head.executionId !== executionId || typeof tenantId !== 'string') return null;
  if (retentionDays !== null && !isWhole(retentionDays)) return null;
  return { version, executionId, tenantId, retentionDays, generatedAt: String(generatedAt) };
}

/**
 * The row that an entry was made from. What no entry tells is as in a row that nobody has used: downloads, and whether a publication is still
 * to be announced. Only what everybody may see is listed, so it waits for no publication.
 * @returns null when it is not an entry of this manifest.
 */
export function recordOfEntry({ executionId, tenantId }: ManifestHead, json: unknown): ArtifactRecord | null {
  if (typeof json !== 'object' || json === null) return null;
  const {
    fileName: _name,
    filePath,
    fileSize,
    checksum,
    createdAt,
    expiresAt,
    ...rest
  } = json as Record<string, unknown>;
  const record = completeRecord({
    ...(rest as unknown as ArtifactRecord),
    tenantId,
    key: filePath as string,
    sizeBytes: fileSize as number,
    sha256: checksum === '' ? null : (checksum as string),
    createdAtMs: toMs(createdAt),
    expiresAtMs: expiresAt === undefined ? null : toMs(expiresAt),
  });
  return record.executionId === executionId && isRecord(record) ? record : null;
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
const isOneOf = (known: readonly string[], value: unknown): boolean => known.some((one) => one === value);
const toMs = (value: unknown): number => (isText(value) ? Date.parse(value) : NaN);
const isText = (value: unknown): value is string => typeof value === 'string';

/** Could it be the row of an artifact that has its bytes? */
function isRecord(record: ArtifactRecord): boolean {
  const { id, executionId, path, key, status, type, tier, checksumState, sha256, restoreState, deletionReason } =
    record;
  return (
    isText(id) &&
    isUuid(id) &&
    isCanonical(path) &&
    key === artifactKey(executionId, path) &&
    isOneOf(LISTED_STATUSES, status) &&
    isOneOf(ARTIFACT_TYPES, type) &&
    isOneOf(STORAGE_TIERS, tier) &&
    isOneOf(CHECKSUM_STATES, checksumState) &&
    (sha256 === null || (isText(sha256) && SHA256.test(sha256))) &&
    (restoreState === null || isOneOf(RESTORE_STATES, restoreState)) &&
    (deletionReason === null || isOneOf(DELETION_REASONS, deletionReason)) &&
    [record.mimeType, record.storageClass].every(isText) &&
    textsOrNothing(record).every((value) => value === null || isText(value)) &&
    [record.revision, record.sizeBytes, record.createdAtMs, record.updatedAtMs, record.uploadDeadlineMs].every(
      isWhole,
    ) &&
    timesOrNothing(record).every((value) => value === null || isWhole(value)) &&
    Array.isArray(record.holds) &&
    record.holds.every(isHold) &&
    isPolicy(record.policy) &&
    isTags(record.tags) &&
    isObject(record.retention) &&
    isDeadline(record)
  );
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isHold(value: unknown): boolean {
  const { id, by, reason, atMs, untilMs } = { ...(value as Partial<Hold> | null) };
  return [id, by, reason].every(isText) && isWhole(atMs) && (untilMs === null || isWhole(untilMs));
}

function isPolicy(value: unknown): boolean {
  const { warmAfterDays, coldAfterDays, warnBeforeDays, undeleteDays, undeleteExpiredDays } = {
    ...(value as Partial<LifePolicy> | null),
  };
  return (
    [warmAfterDays, coldAfterDays].every((days) => days === null || isWhole(days)) &&
    [warnBeforeDays, undeleteDays, undeleteExpiredDays].every(isWhole)
  );
}

const isTags = (value: unknown): boolean => isObject(value) && Object.values(value).every(isText);

const textsOrNothing = ({ versionId, etag, uploadId, idempotencyKey }: ArtifactRecord): unknown[] => [
  ...[versionId, etag, uploadId, idempotencyKey],
];

const timesOrNothing = (record: ArtifactRecord): unknown[] => [
  ...[record.warnedAtMs, record.archivedAtMs, record.deletedAtMs, record.purgeAtMs, record.restoreEtaMs],
  ...[record.restoredAtMs, record.sourceModifiedAtMs, record.partSizeBytes],
];

function isCanonical(path: unknown): boolean {
  try {
    return isText(path) && canonicalPath(path) === path;
  } catch {
    return false;
  }
}

/** Of a retention that we know, and of nothing shorter than what it says. */
function isDeadline({ retention, createdAtMs, expiresAtMs: atMs }: ArtifactRecord): boolean {
  switch (retention.rule) {
    case 'permanent':
      return atMs === null && isText(retention.by) && isText(retention.reason) && isWhole(retention.atMs);
    case 'date':
      return isWhole(retention.expiresAtMs) && atMs === retention.expiresAtMs;
    case 'default':
    case 'execution':
    case 'artifact':
      return isWhole(retention.days) && atMs === expiresAtMs(createdAtMs, retention);
    default:
      return false;
  }
}
