import type { ArtifactRecords } from '../../db/artifact-records.js';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { isUuid } from '../../domain/ids.js';
import { artifactKey, KEY_PATH_OFFSET, KEY_PREFIX, pathOfKey } from '../../domain/keys.js';

/** Living rows whose bytes belong under this key: at most one. */
export function rowsOfKey(records: Pick<ArtifactRecords, 'listByPaths'>, key: string): Promise<ArtifactRecord[]> {
  const place = placeOf(key);
  return place === null ? Promise.resolve([]) : records.listByPaths(place.executionId, [place.path]);
}

/** Null for a key that no artifact has. */
function placeOf(key: string): { executionId: string; path: string } | null {
  const executionId = key.slice(KEY_PREFIX.length, KEY_PATH_OFFSET - 1);
  if (!key.startsWith(KEY_PREFIX) || !isUuid(executionId)) return null;
  try {
    const path = pathOfKey(key);
    return artifactKey(executionId, path) === key ? { executionId, path } : null;
  } catch {
    // What no path of ours is encoded to.
    return null;
  }
}
