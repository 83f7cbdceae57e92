import type { Tiering } from './policy.js';

/** What an artifact is: the public shape of FEAT-004 (`ArtifactMetadata`, `ArtifactType`, `UploadOptions`) and our further facts. */

/** FEAT-004 REQ-8: `ArtifactType.CODE`, or just `'code'`. */
export const ArtifactType = {
  CODE: 'code',
  DOCUMENT: 'document',
  IMAGE: 'image',
  DATA: 'data',
  LOG: 'log',
  OTHER: 'other',
} as const;
export type ArtifactType = (typeof ArtifactType)[keyof typeof ArtifactType];
export const ARTIFACT_TYPES: readonly ArtifactType[] = Object.values(ArtifactType);

/** The states of REQ-5. The arrows between them live in `lifecycle.ts`. */
export const ARTIFACT_STATUSES = ['UPLOADING', 'ACTIVE', 'ARCHIVED', 'DELETED'] as const;
export type ArtifactStatus = (typeof ARTIFACT_STATUSES)[number];

/** Object tags a user gave: at most 8, S3's character rules (see `tags.ts`). */
export type Tags = Record<string, string>;

/** FEAT-004 REQ-3, as specified. */
export interface ArtifactMetadata {
  /** UUID. */
  id: string;
  /** UUID of the execution that produced it. */
  executionId: string;
  /** The last segment of the path it was uploaded under, as its author wrote it. */
  fileName: string;
  /** The S3 key: `artifacts/{executionId}/{output|logs}/…`. */
  filePath: string;
  /** Bytes. 0 until a streamed upload of unknown length is complete. */
  fileSize: number;
  mimeType: string;
  /** SHA-256 of the whole file, lower-case hex; empty until a streamed upload is complete. */
  checksum: string;
  createdAt: Date;
  /** Absent for a permanent artifact and while it uploads. */
  expiresAt?: Date;
  tags?: Tags;
}

/**
 * How far the whole-file SHA-256 can be trusted. `claimed`: the uploader said so, and the bytes are still to be read back. `verified`: the
 * store enforced it, or the bytes were read back and agreed. `mismatch`: they were different; found before the upload was complete, the
 * artifact is deleted, found after it, nobody gets it who does not ask for just that.
 */
export const CHECKSUM_STATES = ['claimed', 'verified', 'mismatch'] as const;
export type ChecksumState = (typeof CHECKSUM_STATES)[number];

/** Why an artifact is DELETED. */
export const DELETION_REASONS = [
  'expired',
  'requested',
  'upload_aborted',
  'upload_abandoned',
  'upload_failed',
  'checksum_mismatch',
  'bytes_lost',
] as const;
export type DeletionReason = (typeof DELETION_REASONS)[number];

/** Progress of a requested restore from an archive class; absent when none was asked for. */
export const RESTORE_STATES = ['in_progress'] as const;
export type RestoreState = (typeof RESTORE_STATES)[number];

/** FEAT-004 `UploadOptions`. */
export interface UploadOptions {
  /**
   * Name, or path below `output/` (default) or `logs/`: `report.pdf`, `charts/a.png`, `logs/agent.log`.
   * Each segment 1 to 255 characters; `.`/`..`, control characters and leading `/` are refused.
   */
  fileName: string;
  /** Guessed from the name when absent. */
  mimeType?: string;
  /** Guessed from MIME type and name when absent. */
  type?: ArtifactType;
  tags?: Tags;
  /** Whole days from creation, 1 to 36500. Default: the execution's, else 30. */
  retentionDays?: number;
  /** Instead of days: the moment at which it expires, to come. */
  expiresAt?: Date;
  /** When age moves it to colder tiers; what is left out is as the deployment says. */
  tiering?: Tiering;
}

/** FEAT-004: one file is at most 5 GB, which we read as 5 GiB, S3's limit for a single copy. */
export const MAX_ARTIFACT_BYTES = 5 * 1024 ** 3;
