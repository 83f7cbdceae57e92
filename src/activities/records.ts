import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { RecordChange } from '../db/artifact-records.js';
import { currentTags } from '../domain/stored-object.js';
import type { ActivityDeps } from './deps.js';
import { storedVersion } from './own-object.js';

export function recordActivities({ records, store }: ActivityDeps) {
  return {
    /** Writes a state change and its audit row in one transaction. Safe to repeat. */
    recordChange: (change: RecordChange): Promise<ArtifactRecord> => records.change(change),

    /**
     * Makes the tags of the object say what the record says: the bucket's expiry rule goes by them.
     * @throws `storage_rejected` when the object is gone.
     */
    async tagObject(record: ArtifactRecord): Promise<void> {
      const info = await storedVersion(store, record);
      await store.putTags(info, currentTags(record, info.owner?.sha256 !== undefined));
    },
  };
}
