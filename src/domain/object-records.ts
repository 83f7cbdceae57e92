import type { ArtifactRecord } from './artifact-record.js';
import { ARTIFACT_TYPES, type Tags } from './artifact.js';
import { isUuid } from './ids.js';
import { placeOfKey } from './keys.js';
import { unregisteredRecord } from './new-upload.js';
import type { LifePolicy } from './policy.js';
import { expiresAtMs, MAX_RETENTION_DAYS, type Retention } from './retention.js';
import { splitTags, type RetentionTag } from './tags.js';
import { longestRestoreMs, tierOfClass } from './tiers.js';
import { DAY_MS } from './units.js';

/** What a store tells about the bytes of an artifact. */
export interface StoredFacts {
  key: string;
  sizeBytes: number;
  etag: string;
  versionId: string | null;
  storageClass: string;
  mimeType: string;
  /** Of this version: a copy into another class is younger than its artifact. */
  lastModifiedMs: number;
  owner: { artifactId: string; executionId: string; type: string; sha256?: string };
  /** Of the whole, as the store computed it. */
  sha256: string | null;
  restore: { inProgress: boolean } | null;
  tags: Tags;
}

/** What an object does not say of its artifact. */
export interface Assumptions {
  tenantId: string;
  /** Of the execution; null: not known, or the default. */
  executionDays: number | null;
  defaultRetentionDays: number;
  policy: LifePolicy;
  nowMs: number;
}

/** Whoever restores rows. */
export const RESTORER = 'artifacts rebuild';
/** What is known of nothing but its object lives at least for so long yet, so that somebody can look at it. */
const GRACE_MS = 30 * DAY_MS;

/** Null when the object is not where that of an artifact would be, or is somebody else's. */
export function pathOfObject({ key, owner }: Pick<StoredFacts, 'key' | 'owner'>): string | null {
  const place = placeOfKey(key);
  return isUuid(owner.artifactId) && place?.executionId === owner.executionId ? place.path : null;
}

/** Null when its SHA-256 is nowhere, and must be computed from its bytes. */
export const sha256OfObject = ({ owner, tags, sha256 }: StoredFacts): string | null =>
  owner.sha256 ?? splitTags(tags).sha256 ?? sha256;

/**
 * The row of an artifact of which only the object is left. What is not known is chosen so that it lives longer rather than shorter, and so that
 * its bytes are read back where no store has checked them.
 */
export function recordOfObject(object: StoredFacts, path: string, sha256: string, known: Assumptions): ArtifactRecord {
  const { owner, storageClass, lastModifiedMs: createdAtMs } = object;
  const { user: tags, retention: tag } = splitTags(object.tags);
  const tier = tierOfClass(storageClass);
  const retention = retentionByTag(tag, createdAtMs, known);
  const blank = unregisteredRecord(
    {
      ...{ artifactId: owner.artifactId, executionId: owner.executionId, tenantId: known.tenantId, path },
      ...{ sizeBytes: object.sizeBytes, sha256, mimeType: object.mimeType, tags, retentionDays: null, actor: RESTORER },
      type: ARTIFACT_TYPES.find((type) => type === owner.type) ?? 'other',
    },
    createdAtMs,
  );
  const isComingBack = object.restore?.inProgress === true;
  return {
    ...blank,
    status: tier === 'COLD' ? 'ARCHIVED' : 'ACTIVE',
    checksumState: object.sha256 === sha256 ? 'verified' : 'claimed',
    tier,
    ...{ storageClass, versionId: object.versionId, etag: object.etag },
    retention,
    holds: tag === 'held' ? [heldBefore(owner.artifactId, known.nowMs)] : [],
    policy: known.policy,
    expiresAtMs: expiresAtMs(createdAtMs, retention),
    archivedAtMs: tier === 'COLD' ? createdAtMs : null,
    restoreState: isComingBack ? 'in_progress' : null,
    restoreEtaMs: isComingBack ? known.nowMs + longestRestoreMs('Bulk') : null,
  };
}

const heldBefore = (artifactId: string, atMs: number): ArtifactRecord['holds'][number] => ({
  id: artifactId,
  by: RESTORER,
  reason: 'its object is tagged as held; who held it, and why, is lost',
  atMs,
  untilMs: null,
});

/** Never less than what the tag has kept it for, nor less than the default. */
function retentionByTag(tag: RetentionTag | null, createdAtMs: number, known: Assumptions): Retention {
  const { executionDays, defaultRetentionDays, nowMs } = known;
  if (tag === 'permanent')
    return { rule: 'permanent', by: RESTORER, reason: 'its object is tagged as permanent', atMs: nowMs };
  // More than 365 days; how many, is lost. One without the tag is kept by the bucket's own rule as well.
  if (tag === 'long' || tag === null) return { rule: 'artifact', days: MAX_RETENTION_DAYS };
  const inherited: Retention =
    executionDays === null
      ? { rule: 'default', days: defaultRetentionDays }
      : { rule: 'execution', days: executionDays };
  // It is there, so it had more time than that.
  const isOver = (expiresAtMs(createdAtMs, inherited) ?? Infinity) <= nowMs;
  return isOver ? { rule: 'date', expiresAtMs: nowMs + GRACE_MS } : inherited;
}
