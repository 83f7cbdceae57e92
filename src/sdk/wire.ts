import type {
  ArtifactMetadata,
  ArtifactStatus,
  ArtifactType,
  ChecksumState,
  DeletionReason,
  RestoreState,
  Tags,
} from '../domain/artifact.js';
import type { DeletionCounts } from '../domain/execution-deletion.js';
import type { StorageTier } from '../domain/tiers.js';
import type { ArrivalProgress } from '../domain/upload-progress.js';

/** The JSON of the HTTP API as it crosses the wire, and how it becomes what callers of the client see. */

export type RetentionJson =
  | { rule: 'default' | 'execution' | 'artifact'; days: number }
  | { rule: 'date'; expiresAt: string }
  | { rule: 'permanent'; by: string; reason: string; at: string };

export interface HoldJson {
  id: string;
  by: string;
  reason: string;
  at: string;
  until: string | null;
}

/** When age moves an artifact, in days from its creation or its last restore; null: never. */
export interface ArtifactTiering {
  warmAfterDays: number | null;
  coldAfterDays: number | null;
  /** `last_access`: the days count from the last download too. */
  by: 'age' | 'last_access';
}

export interface ArtifactJson {
  id: string;
  executionId: string;
  fileName: string;
  path: string;
  filePath: string;
  fileSize: number;
  mimeType: string;
  checksum: string;
  checksumState: ChecksumState;
  type: ArtifactType;
  status: ArtifactStatus;
  tier: StorageTier;
  storageClass: string;
  tags: Tags;
  retention: RetentionJson;
  holds: HoldJson[];
  createdAt: string;
  updatedAt: string;
  expiresAt: string | null;
  archivedAt: string | null;
  deletedAt: string | null;
  deletionReason: DeletionReason | null;
  purgeAt: string | null;
  warnedAt: string | null;
  restoreState: RestoreState | null;
  restoreEta: string | null;
  tiering: ArtifactTiering;
  downloads: number;
  lastDownloadedAt: string | null;
  uploadDeadline: string | null;
  workflowId: string;
}

export interface SignedRequestJson {
  method: 'PUT' | 'GET';
  url: string;
  headers: Record<string, string>;
  expiresAt: string;
}

export type UploadJson =
  | { kind: 'single'; request: SignedRequestJson }
  | { kind: 'multipart'; partSizeBytes: number; partCount: number | null };

export interface BeginUploadJson {
  artifact: ArtifactJson;
  /** This request began it: nothing of it has arrived yet. */
  created: boolean;
  /** Null: the same content is already there. */
  upload: UploadJson | null;
}

export interface SignedPartsJson {
  parts: { partNumber: number; request: SignedRequestJson }[];
}

export interface ReceivedPartJson {
  partNumber: number;
  sizeBytes: number;
  /** Null on a store that keeps no part checksums. */
  crc32: string | null;
}

export interface UploadStatusJson extends ArrivalProgress {
  artifact: ArtifactJson;
  receivedParts: ReceivedPartJson[];
}

export interface UploadEventJson extends ArrivalProgress {
  artifact: ArtifactJson;
}

export interface ArtifactAnswerJson {
  artifact: ArtifactJson;
}

export interface HoldAnswerJson {
  artifact: ArtifactJson;
  hold: HoldJson;
}

export interface HoldsJson {
  items: HoldJson[];
}

export interface ArtifactPageJson {
  items: ArtifactJson[];
  nextCursor: string | null;
}

export interface ExecutionDeletionJson extends DeletionCounts {
  deletionId: string;
  /** False: ask again under the same id. */
  finished: boolean;
}

export interface DownloadUrlJson {
  url: string;
  expiresAt: string;
  fileName: string;
  fileSize: number;
  checksum: string;
}

export interface HistoryJson {
  items: { kind: string; actor: string; at: string; detail: Record<string, unknown> }[];
}

/** How long an artifact is kept, and by whose word. */
export type ArtifactRetention =
  | { rule: 'default' | 'execution' | 'artifact'; days: number }
  | { rule: 'date'; expiresAt: Date }
  | { rule: 'permanent'; by: string; reason: string; at: Date };

/** While an artifact has a hold it neither expires nor can be deleted. */
export interface ArtifactHold {
  id: string;
  /** Who placed it. */
  by: string;
  reason: string;
  at: Date;
  /** When it ends by itself; absent: when somebody ends it. */
  until?: Date;
}

/** FEAT-004's `ArtifactMetadata` and everything else the API knows about an artifact. */
export interface Artifact extends ArtifactMetadata {
  /** `output/…` or `logs/…`, as its author wrote it. */
  path: string;
  /** `claimed` until the store or a read-back confirmed the SHA-256. */
  checksumState: ChecksumState;
  type: ArtifactType;
  status: ArtifactStatus;
  tier: StorageTier;
  /** What S3 said last. */
  storageClass: string;
  tags: Tags;
  retention: ArtifactRetention;
  /** Oldest first. */
  holds: ArtifactHold[];
  tiering: ArtifactTiering;
  updatedAt: Date;
  archivedAt?: Date;
  deletedAt?: Date;
  deletionReason?: DeletionReason;
  /** Until when a deleted artifact can be brought back; absent when it cannot. */
  purgeAt?: Date;
  /** When its coming expiry was told of. */
  warnedAt?: Date;
  /** Present while a restore from the archive is under way. */
  restoreState?: RestoreState;
  /** When that is over at the latest. */
  restoreEta?: Date;
  /** How often it was given out: downloads that began, and URLs to it. Some seconds late. */
  downloads: number;
  /** When it was given out last; absent: never. */
  lastDownloadedAt?: Date;
  /** When an unfinished upload is abandoned; present only while UPLOADING. */
  uploadDeadline?: Date;
  /** Temporal workflow that runs this artifact's life. */
  workflowId: string;
}

/** One entry of an artifact's audit, oldest first. */
export interface HistoryEntry {
  kind: string;
  /** `sub` of the caller's token, or `worker`. */
  actor: string;
  at: Date;
  detail: Record<string, unknown>;
}

/** A link that whoever holds it can download with, until it expires. */
export interface DownloadUrl {
  url: string;
  expiresAt: Date;
  fileName: string;
  /** Bytes. */
  fileSize: number;
  /** SHA-256, lower-case hex. */
  checksum: string;
}

/** How far an upload has come, as the store sees it, whoever sends it. */
export interface UploadEvent extends ArrivalProgress {
  artifact: Artifact;
}

/** The same, with the parts that are there. */
export interface UploadStatus extends UploadEvent {
  receivedParts: ReceivedPartJson[];
}

export function toArtifact(json: ArtifactJson): Artifact {
  const { expiresAt, archivedAt, deletedAt, purgeAt, warnedAt, restoreEta, uploadDeadline, ...rest } = json;
  const { lastDownloadedAt, deletionReason, restoreState, retention, holds, ...same } = rest;
  return {
    ...same,
    createdAt: new Date(json.createdAt),
    updatedAt: new Date(json.updatedAt),
    retention: toRetention(retention),
    holds: holds.map(toHold),
    ...datesOf({ expiresAt, archivedAt, deletedAt, purgeAt, warnedAt, restoreEta, lastDownloadedAt, uploadDeadline }),
    ...(deletionReason === null ? {} : { deletionReason }),
    ...(restoreState === null ? {} : { restoreState }),
  };
}

export const toHold = ({ at, until, ...hold }: HoldJson): ArtifactHold => ({
  ...hold,
  at: new Date(at),
  ...datesOf({ until }),
});

function toRetention(retention: RetentionJson): ArtifactRetention {
  if (retention.rule === 'permanent') return { ...retention, at: new Date(retention.at) };
  return retention.rule === 'date' ? { ...retention, expiresAt: new Date(retention.expiresAt) } : retention;
}

/** Those that are there. */
export function datesOf<K extends string>(times: Record<K, string | null>): Partial<Record<K, Date>> {
  const known = Object.entries<string | null>(times).filter((time): time is [string, string] => time[1] !== null);
  return Object.fromEntries(known.map(([name, at]) => [name, new Date(at)])) as Partial<Record<K, Date>>;
}

export interface PlanJson {
  action: string;
  at: string | null;
  rule: string;
  because: string;
  wouldChange: string[];
}

/** What happens to an artifact next by itself. */
export interface Plan {
  /** `expire`, `abandonUpload`, `pollRestore`, `delete`, or `none`. */
  action: string;
  /** Absent when nothing will happen. */
  at?: Date;
  rule: string;
  because: string;
  wouldChange: string[];
}

export const toPlan = ({ at, ...plan }: PlanJson): Plan => (at === null ? plan : { ...plan, at: new Date(at) });
