/** One version of an object of the bucket, as the store tells of it. */
export interface SeenObject {
  key: string;
  /** Null in a bucket without versions. */
  versionId: string | null;
  sizeBytes: number;
  etag: string;
  lastModifiedMs: number;
}

/** Is it still the same? */
export const isUnchanged = (
  before: Omit<SeenObject, 'key' | 'versionId'>,
  now: Omit<SeenObject, 'key' | 'versionId'>,
): boolean =>
  before.etag === now.etag && before.sizeBytes === now.sizeBytes && before.lastModifiedMs === now.lastModifiedMs;
