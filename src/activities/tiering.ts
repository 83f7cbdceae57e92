import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { StoredBytes } from '../domain/changes.js';
import { ArtifactError } from '../domain/errors.js';
import { storageClassOf, tierOfClass, type RestoreTier, type StorageTier } from '../domain/tiers.js';
import type { ObjectInfo } from '../storage/object-store.js';
import { withHeartbeat } from './boundary.js';
import type { ActivityDeps } from './deps.js';

/** How long S3 keeps the temporary copy of a restored object; we copy it back to STANDARD well before. */
const RESTORED_COPY_DAYS = 3;

export type RestoreProgress = { done: true; stored: StoredBytes | null } | { done: false; pollAgainMs: number };

export function tieringActivities({ store, capabilities, settings }: ActivityDeps) {
  return {
    /**
     * Brings the object into the class of a tier: looks, copies if it is not there yet, looks again, and leaves no older version
     * behind. Null on a store without classes, where the bytes stay where they are. Safe to repeat.
     */
    async ensureTier(record: ArtifactRecord, tier: StorageTier): Promise<StoredBytes | null> {
      if (!capabilities.storageClasses) return null;
      return withHeartbeat(`moving to ${tier}`, async () => {
        const before = await findCurrent(record);
        if (tierOfClass(before.storageClass) !== tier) await store.copyToClass(before, storageClassOf(tier));
        const after = await findCurrent(record);
        if (tierOfClass(after.storageClass) !== tier)
          throw new ArtifactError('storage_unavailable', `${record.key} is still ${after.storageClass} after the copy`);
        await removeOlderVersions(record, after.versionId);
        return storedBytes(after);
      });
    },

    /** Asks S3 for a temporary copy of an archived object; a logical archive is back at once. Safe to repeat. */
    async requestRestore(record: ArtifactRecord, tier: RestoreTier): Promise<RestoreProgress> {
      const info = await findCurrent(record);
      if (tierOfClass(info.storageClass) !== 'COLD') return { done: true, stored: storedBytes(info) };
      await store.restore(info, { tier, days: RESTORED_COPY_DAYS });
      return { done: false, pollAgainMs: settings.restorePollMs };
    },

    /** Is the temporary copy there? Then makes it permanent in STANDARD. Safe to repeat. */
    async pollRestore(record: ArtifactRecord): Promise<RestoreProgress> {
      const info = await findCurrent(record);
      const archived = tierOfClass(info.storageClass) === 'COLD';
      if (archived && (info.restore === null || info.restore.inProgress))
        return { done: false, pollAgainMs: settings.restorePollMs };
      return withHeartbeat('copying back', async () => {
        if (archived) await store.copyToClass(info, 'STANDARD');
        const after = await findCurrent(record);
        await removeOlderVersions(record, after.versionId);
        return { done: true, stored: storedBytes(after) };
      });
    },
  };

  /** The newest version that is this artifact's. A copy that a crashed attempt made counts, so the row's version id does not. */
  async function findCurrent(record: ArtifactRecord): Promise<ObjectInfo> {
    for (const version of await store.listVersions(record.key)) {
      if (version.isDeleteMarker) continue;
      const info = await store.head(version);
      if (info?.owner?.artifactId === record.id) return info;
    }
    throw new ArtifactError('storage_rejected', `${record.key} is not in the store any more`, {
      details: { key: record.key },
    });
  }

  async function removeOlderVersions(record: ArtifactRecord, keepVersionId: string | null): Promise<void> {
    for (const version of await store.listVersions(record.key)) {
      if (version.isDeleteMarker || version.versionId === keepVersionId) continue;
      const info = await store.head(version);
      if (info?.owner?.artifactId === record.id) await store.deleteVersion(version.key, version.versionId);
    }
  }
}

const storedBytes = ({ versionId, etag, storageClass }: ObjectInfo): StoredBytes => ({ versionId, etag, storageClass });
