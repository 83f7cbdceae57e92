import type { ArtifactRecord } from './artifact-record.js';
import type { Tags } from './artifact.js';
import { expiresAtMs } from './retention.js';
import { fitHeader, objectTags, tiersTagValue, type RetentionTag } from './tags.js';
import { DAY_MS } from './units.js';

/** Age at which the bucket's own rule removes what is tagged as expiring (FEAT-004, ExpireOldArtifacts). */
export const BACKSTOP_DAYS = 365;

/** What is written with an artifact's bytes, so that its row can be rebuilt from the bucket. Fits `NewObject` of the store port. */
export interface StoredObject {
  key: string;
  mimeType: string;
  owner: { artifactId: string; executionId: string; type: string; sha256?: string };
  tags: Tags;
}

/** The object as it is created: headers and tags are fixed with the first byte, so they say what was known then. */
export function objectAtCreation(record: ArtifactRecord): StoredObject {
  const { id: artifactId, executionId, type, sha256 } = record;
  return {
    key: record.key,
    mimeType: record.mimeType,
    owner: sha256 === null ? { artifactId, executionId, type } : { artifactId, executionId, type, sha256 },
    tags: objectTags(fitHeader(record.tags) ? record.tags : {}, 'expiring', { tiers: tiersTag(record) }),
  };
}

/** The tags an object should have now. @param bornWithHash whether its metadata carries the SHA-256. */
export function currentTags(record: ArtifactRecord, bornWithHash: boolean): Tags {
  const lateSha256 = bornWithHash || record.sha256 === null ? undefined : record.sha256;
  return objectTags(record.tags, retentionTag(record), { lateSha256, tiers: tiersTag(record) });
}

/** Do the tags of an object that was just uploaded say less than they should? */
export const lacksTags = (record: ArtifactRecord, bornWithHash: boolean): boolean =>
  retentionTag(record) !== 'expiring' || !bornWithHash || !fitHeader(record.tags);

/** Nothing that is to live longer may be matched by the bucket's own expiry rule. */
export function retentionTag({ retention, holds, createdAtMs }: ArtifactRecord): RetentionTag {
  const deadlineMs = expiresAtMs(createdAtMs, retention);
  if (deadlineMs === null) return 'permanent';
  if (holds.length > 0) return 'held';
  return deadlineMs > createdAtMs + BACKSTOP_DAYS * DAY_MS ? 'long' : 'expiring';
}

/**
 * By which days the bucket may move it, if it may: never what moves by its last use, of which the bucket does not know, and nothing that
 * was restored, since its days count from when the row says so and the bucket's from the copy, which is older.
 */
function tiersTag({ policy, restoredAtMs }: ArtifactRecord): string | undefined {
  const { bucketMayMove, tierBy, warmAfterDays, coldAfterDays } = policy;
  const moves = warmAfterDays !== null || coldAfterDays !== null;
  return bucketMayMove === true && tierBy === undefined && restoredAtMs === null && moves
    ? tiersTagValue(policy)
    : undefined;
}
