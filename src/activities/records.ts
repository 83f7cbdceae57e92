import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { RecordChange } from '../db/artifact-records.js';
import { currentTags } from '../domain/stored-object.js';
import type { ActivityDeps } from './deps.js';

export function recordActivities({ records, store }: ActivityDeps) {
  return {
    /** Writes a state change and its audit row in one transaction. Safe to repeat by its change number. */
    recordChange: (change: RecordChange): Promise<ArtifactRecord> => records.change(change),

    /** Makes the tags of the object say what the record says: the bucket's expiry rule goes by them. */
    async tagObject(record: ArtifactRecord): Promise<void> {
      const object = { key: record.key, versionId: record.versionId };
      const info = await store.head(object);
      if (info !== null) await store.putTags(object, currentTags(record, info.owner?.sha256 !== undefined));
    },
  };
}
