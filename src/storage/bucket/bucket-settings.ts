import type { BucketDocument, BucketPart } from '../../domain/bucket/parts.js';

/**
 * How one bucket is configured. Adapters translate: what the bucket has none of is `null`, every vendor error becomes an `ArtifactError`
 * (`bucket_not_found`, `not_supported` by this store, `storage_rejected`, `storage_unavailable`). Never creates a bucket.
 */
export interface BucketSettings {
  readonly bucket: string;
  /** Dates come as ISO texts. */
  read(part: BucketPart): Promise<BucketDocument | null>;
  /** Replaces the whole part. */
  write(part: BucketPart, document: BucketDocument): Promise<void>;
  /** By which rule, and when, the bucket would expire the object itself; null when it would not, or the store does not tell. */
  expiryOf(key: string): Promise<BucketExpiry | null>;
  /** The same for a multipart upload, which is begun and dropped for it. */
  abortOf(key: string): Promise<BucketExpiry | null>;
  /** Frees sockets. */
  close(): void;
}

export interface BucketExpiry {
  ruleId: string;
  atMs: number;
}
