import type { SeenObject } from '../domain/quarantine.js';

/*
 * Objects of the bucket that nobody knows. They are watched before they are removed for good: whoever has put one there may still tell,
 * and a lost row may still be restored. Only a repair writes here.
 */

export interface QuarantinedObject extends SeenObject {
  firstSeenMs: number;
  lastSeenMs: number;
}

/** Safe to repeat, all of it. */
export interface Quarantine {
  /** Notes that it is there. One that has changed (size, ETag or date) is another one, and seen for the first time. */
  quarantineObject(object: SeenObject, seenAtMs: number): Promise<QuarantinedObject>;
  findQuarantined(object: Pick<SeenObject, 'key' | 'versionId'>): Promise<QuarantinedObject | null>;
  /** It is gone, or known. */
  releaseObject(object: Pick<SeenObject, 'key' | 'versionId'>): Promise<void>;
  /** Those that were not seen since then are gone, or known. */
  releaseUnseen(sinceMs: number): Promise<void>;
  /** How many were seen before that time for the first time. */
  countQuarantined(firstSeenBeforeMs: number): Promise<number>;
}
