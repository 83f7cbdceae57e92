import type { ArtifactRecord } from './artifact-record.js';
import type { Tags } from './artifact.js';
import { fitHeader, objectTags } from './tags.js';

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
    tags: objectTags(fitHeader(record.tags) ? record.tags : {}, false),
  };
}

/** The tags an object should have now. @param bornWithHash whether its metadata carries the SHA-256. */
export function currentTags(record: ArtifactRecord, bornWithHash: boolean): Tags {
  const lateSha256 = bornWithHash || record.sha256 === null ? undefined : record.sha256;
  return objectTags(record.tags, record.retention.rule === 'permanent', lateSha256);
}

/** Do the tags of an object that was just uploaded say less than they should? */
export const lacksTags = (record: ArtifactRecord, bornWithHash: boolean): boolean =>
  record.retention.rule === 'permanent' || !bornWithHash || !fitHeader(record.tags);
