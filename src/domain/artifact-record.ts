import type { ArtifactStatus, ArtifactType, ChecksumState, DeletionReason, RestoreState, Tags } from './artifact.js';
import type { Hold } from './holds.js';
import { NO_POLICY, type LifePolicy } from './policy.js';
import type { Retention } from './retention.js';
import type { StorageTier } from './tiers.js';

/** All that is known about an artifact, as plain JSON: what the row holds and what workflow messages answer with. */
export interface ArtifactRecord {
  id: string;
  /** Number of changes since the registration; the number of the last row of the audit. */
  revision: number;
  executionId: string;
  tenantId: string;
  /** Canonical path below the execution: `output/…` or `logs/…`, as its author wrote it. */
  path: string;
  /** S3 key, `filePath` of FEAT-004. */
  key: string;
  /** Null while a stream of unknown length is being uploaded. */
  sizeBytes: number | null;
  /** Lower-case hex; null while it is not known (a large file is hashed while it is sent). */
  sha256: string | null;
  checksumState: ChecksumState;
  mimeType: string;
  type: ArtifactType;
  tags: Tags;
  status: ArtifactStatus;
  tier: StorageTier;
  /** What S3 said last; `STANDARD` also on a store without classes. */
  storageClass: string;
  /** S3 version id of the current bytes; null in an unversioned bucket and while uploading. */
  versionId: string | null;
  etag: string | null;
  retention: Retention;
  /** What keeps it from expiring and being deleted, oldest first. */
  holds: Hold[];
  policy: LifePolicy;
  createdAtMs: number;
  updatedAtMs: number;
  /** Null for a permanent artifact and while uploading. A hold may keep it for longer. */
  expiresAtMs: number | null;
  /** When its coming expiry was announced; null before, and again when its deadline changes. */
  warnedAtMs: number | null;
  archivedAtMs: number | null;
  deletedAtMs: number | null;
  deletionReason: DeletionReason | null;
  /** When its bytes go for good and it cannot be brought back any more; null unless it is deleted and its window is open. */
  purgeAtMs: number | null;
  restoreState: RestoreState | null;
  /** When a running restore is over at the latest, by what S3 promises; null when none runs. */
  restoreEtaMs: number | null;
  /** When it came back from the archive last; its tiers count from here. */
  restoredAtMs: number | null;
  /** S3 multipart upload id; null for a single PUT and once the upload is over. */
  uploadId: string | null;
  /** Size of every part but the last; null for a single PUT. */
  partSizeBytes: number | null;
  /** When an unfinished upload is abandoned. */
  uploadDeadlineMs: number;
  /** Of the request that began the upload; null when it had none. */
  idempotencyKey: string | null;
  /** When the file it comes from was written to last; null when that is not known. */
  sourceModifiedAtMs: number | null;
  /** Nobody sees it before this publication is committed; null: everybody who may. */
  awaitsPublication: string | null;
  /** It has become visible with this publication, and its changes so far are still to be announced; null: they are. */
  untoldPublication: string | null;
  /** How often it was given out, as of when this was read: counted in batches, and no change of it. */
  downloads: number;
  /** When it was given out last, as of then; null: never. */
  lastDownloadedAtMs: number | null;
}

/** What a change may set in the row (`key`, and its path with it, only a repair); the rest is fixed at registration, decided by the end of its publication, or counted beside it. */
export type RecordPatch = Partial<Omit<ArtifactRecord, Fixed>>;
type Fixed =
  | 'id'
  | 'revision'
  | 'executionId'
  | 'tenantId'
  | 'path'
  | 'createdAtMs'
  | 'updatedAtMs'
  | 'idempotencyKey'
  | 'sourceModifiedAtMs'
  | 'awaitsPublication'
  | 'untoldPublication'
  | 'downloads'
  | 'lastDownloadedAtMs';

/** Kinds of rows in the audit. */
export const AUDIT_KINDS = [
  'upload_begun',
  'upload_completed',
  'checksum_verified',
  'checksum_mismatched',
  'expiry_warned',
  'deletion_begun',
  'deletion_revoked',
  'deleted',
  'undeleted',
  'purged',
  'retention_changed',
  'hold_added',
  'hold_ended',
  'tags_changed',
  'tier_changed',
  'archived',
  'restore_requested',
  'restored',
  /** Its row was lost, and is made again. */
  'row_restored',
  /** What row or store had of it was not as it should be. */
  'repaired',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** Steps on the way to a change that is announced itself; and what changes nothing about the artifact. */
const UNANNOUNCED_KINDS: readonly AuditKind[] = ['upload_begun', 'deletion_begun', 'row_restored'];
/** Kinds of changes that are announced to the outside world (webhooks). */
export const ANNOUNCED_KINDS = AUDIT_KINDS.filter((kind) => !UNANNOUNCED_KINDS.includes(kind));

/** One row of the append-only audit, written in the transaction of the change it tells about. */
export interface AuditEvent {
  kind: AuditKind;
  /** `sub` of the caller's token, or `worker` for what the workflow does by itself. */
  actor: string;
  /** Evidence and reasons, plain JSON. Never a secret. */
  detail: Record<string, unknown>;
}

/** A record as an earlier version of this code wrote it into the history of a workflow: what it did not know is filled in. */
export const completeRecord = (record: ArtifactRecord): ArtifactRecord => ({ ...UNKNOWN_BEFORE, ...record });

const UNKNOWN_BEFORE = {
  holds: [],
  policy: NO_POLICY,
  warnedAtMs: null,
  purgeAtMs: null,
  restoreEtaMs: null,
  restoredAtMs: null,
  awaitsPublication: null,
  untoldPublication: null,
  idempotencyKey: null,
  sourceModifiedAtMs: null,
  downloads: 0,
  lastDownloadedAtMs: null,
} satisfies Partial<ArtifactRecord>;
