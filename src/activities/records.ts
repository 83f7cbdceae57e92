import { cancellationSignal } from '@temporalio/activity';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { currentTags } from '../domain/stored-object.js';
import { changeRecord, type ChangeToRecord } from './change-record.js';
import type { ActivityDeps } from './deps.js';
import { storedVersion } from './own-object.js';

export function recordActivities(deps: ActivityDeps) {
  const { store, records } = deps;
  return {
    /** The row as it is; null when it went with its execution. */
    findRow: (artifactId: string): Promise<ArtifactRecord | null> => records.get(artifactId),

    /** Writes a state change and its audit row in one transaction. Safe to repeat. */
    recordChange: (change: ChangeToRecord): Promise<ArtifactRecord> => changeRecord(deps, change),

    /**
     * Makes the tags of the object say what the record says: the bucket's expiry rule goes by them.
     * @throws `storage_rejected` when the object is gone.
     */
    async tagObject(record: ArtifactRecord): Promise<void> {
      const info = await storedVersion(store, record);
      const tags = currentTags(record, info.owner?.sha256 !== undefined);
      // A tag that comes late would say what is not true any more.
      await store.putTags(info, tags, { signal: cancellationSignal() });
    },
  };
}
