import type { ArtifactRecord } from './artifact-record.js';
import type { ArtifactType, Tags } from './artifact.js';
import { artifactKey } from './keys.js';
import { NO_POLICY, type Tiering } from './policy.js';
import { ArtifactError } from './errors.js';
import { DEFAULT_RETENTION_DAYS, ownRetention, type OwnRetention } from './retention.js';

/** Everything that is decided before the first byte. Validated by whoever sends it. */
export interface NewUpload {
  artifactId: string;
  executionId: string;
  tenantId: string;
  /** Canonical: `output/…` or `logs/…`. */
  path: string;
  /** Null for a stream of unknown length. */
  sizeBytes: number | null;
  /** Lower-case hex; null when it is not known before the first byte. */
  sha256: string | null;
  mimeType: string;
  type: ArtifactType;
  tags: Tags;
  /** The uploader's own wish; null to inherit. */
  retentionDays: number | null;
  /** Instead of days: the moment itself. */
  expiresAtMs?: number | null;
  /** When it wants to be moved to colder tiers; absent: as the deployment says. */
  tiering?: Tiering;
  /** Of the request; absent: it has none. See `requireSameUpload`. */
  idempotencyKey?: string | null;
  /** When the file it comes from was written to last, in milliseconds since 1970; absent: it is no file, or nobody said. */
  sourceModifiedAtMs?: number | null;
  /** `sub` of the uploader's token. */
  actor: string;
  /** Of the API's request that it came by; absent: by none. */
  requestId?: string;
  /** It stays hidden until this publication is committed; absent or null: it does not. */
  publicationId?: string | null;
}

type RetentionWish = Pick<NewUpload, 'retentionDays' | 'expiresAtMs'>;

/** What the uploader wants for this artifact alone; null to inherit. */
export const wishOf = ({ retentionDays, expiresAtMs }: RetentionWish): OwnRetention | null => {
  if (expiresAtMs !== undefined && expiresAtMs !== null) return { expiresAtMs };
  return retentionDays === null ? null : { days: retentionDays };
};

/** Before anything is begun. @throws `invalid_retention`: days and a moment at once, no whole days, or a moment that is not to come. */
export function requireWish(wish: RetentionWish, nowMs: number): void {
  if (wish.retentionDays !== null && (wish.expiresAtMs ?? null) !== null)
    throw new ArtifactError('invalid_retention', 'give retentionDays or expiresAt, not both');
  const own = wishOf(wish);
  if (own === null) return;
  const retention = ownRetention(own);
  if (retention.rule === 'date' && retention.expiresAtMs <= nowMs)
    throw new ArtifactError('invalid_retention', 'expiresAt must lie in the future');
}

/** What is known of an upload before its row is written: stands in for the row if that never happens. */
export function unregisteredRecord(upload: NewUpload, createdAtMs: number): ArtifactRecord {
  const { artifactId, executionId, tenantId, path, sizeBytes, sha256, mimeType, type, tags } = upload;
  return {
    id: artifactId,
    revision: 0,
    executionId,
    tenantId,
    path,
    key: artifactKey(executionId, path),
    sizeBytes,
    sha256,
    checksumState: 'claimed',
    mimeType,
    type,
    tags,
    status: 'UPLOADING',
    tier: 'HOT',
    storageClass: 'STANDARD',
    versionId: null,
    etag: null,
    retention: { rule: 'default', days: DEFAULT_RETENTION_DAYS },
    holds: [],
    policy: NO_POLICY,
    createdAtMs,
    updatedAtMs: createdAtMs,
    expiresAtMs: null,
    warnedAtMs: null,
    archivedAtMs: null,
    deletedAtMs: null,
    deletionReason: null,
    purgeAtMs: null,
    restoreState: null,
    restoreEtaMs: null,
    restoredAtMs: null,
    uploadId: null,
    partSizeBytes: null,
    uploadDeadlineMs: createdAtMs,
    idempotencyKey: upload.idempotencyKey ?? null,
    sourceModifiedAtMs: upload.sourceModifiedAtMs ?? null,
    awaitsPublication: upload.publicationId ?? null,
    untoldPublication: null,
    downloads: 0,
    lastDownloadedAtMs: null,
  };
}
