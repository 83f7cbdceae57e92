import type { ArtifactRecords } from '../../db/artifact-records.js';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { placeOfKey } from '../../domain/keys.js';

/** Living rows whose bytes belong under this key: at most one. */
export function rowsOfKey(records: Pick<ArtifactRecords, 'listByPaths'>, key: string): Promise<ArtifactRecord[]> {
  const place = placeOfKey(key);
  return place === null ? Promise.resolve([]) : records.listByPaths(place.executionId, [place.path]);
}
