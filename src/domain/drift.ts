/**
 * Where bucket, rows and workflows say different things: what a reconciliation finds. Every kind says who lacks what; the way to heal each
 * leads through the workflow of the artifact, the only writer of its row and its object.
 */

export const DRIFT_KINDS = [
  /** A row says that there are bytes, and the store has none. */
  'object_missing',
  /** The bytes are there, behind a delete marker that nobody of us has put there. */
  'object_hidden',
  /** An object that no row knows. */
  'object_unknown',
  /** Bytes of an artifact that is deleted for good. */
  'object_left',
  /** A multipart upload that no row waits for. */
  'upload_unknown',
  /** A row whose life is not over, and no workflow that leads it. */
  'life_missing',
  /** A workflow that leads a life, and no row. */
  'row_missing',
  /** A row that says something else than the workflow which leads the life. */
  'row_differs',
  /** The object is in another storage class than its row says. */
  'class_differs',
  /** The object has other tags than it should have by its row. */
  'tags_differ',
  /** The object has another size, or other bytes, than its row says. */
  'bytes_differ',
  /** Its time is over, and it is still there. */
  'expired_present',
  /** `metadata.json` says something else than the rows, or is missing, or tells of nothing. */
  'manifest_differs',
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** One place where they differ, as plain JSON. */
export interface Finding {
  kind: DriftKind;
  /** What it is about, so that the same thing found twice is one finding: artifact id, `key@versionId`, upload id, execution id. */
  subject: string;
  artifactId: string | null;
  executionId: string | null;
  /** Null: nobody's that we know of. */
  tenantId: string | null;
  /** S3 key. */
  key: string | null;
  /** Of the object that it is about; null in an unversioned bucket, and when it is about none. */
  versionId: string | null;
  uploadId: string | null;
  /** Null: not known. */
  sizeBytes: number | null;
  /** Since when it is so at the earliest: of the object, the row or the upload, whichever is the odd one out. Null: not known. */
  sinceMs: number | null;
  /** What each side says, for people. Never a secret. */
  detail: Record<string, unknown>;
}

/** How much a reconciliation has looked at. */
export interface Inspected {
  rows: number;
  objects: number;
  bytes: number;
  uploads: number;
  lives: number;
  manifests: number;
}

export const NOTHING_INSPECTED: Inspected = { rows: 0, objects: 0, bytes: 0, uploads: 0, lives: 0, manifests: 0 };

/**
 * What became of a finding. `open`: nothing was tried, or it is still being tried. `lost`: all agree again, as the artifact is DELETED
 * (`bytes_lost`).
 */
export const OUTCOMES = ['open', 'repaired', 'lost', 'quarantined', 'withheld', 'gone', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];
