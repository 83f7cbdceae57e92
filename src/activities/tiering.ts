import { cancellationSignal } from '@temporalio/activity';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { StoredBytes } from '../domain/changes.js';
import { currentTags } from '../domain/stored-object.js';
import {
  longestRestoreMs,
  restorePollMs,
  storageClassOf,
  tierOfClass,
  type RestoreTier,
  type StorageClass,
  type StorageTier,
} from '../domain/tiers.js';
import type { ObjectInfo } from '../storage/object-store.js';
import { withHeartbeat } from './boundary.js';
import type { ActivityDeps } from './deps.js';
import { ownVersions, storedVersion } from './own-object.js';

/** How long S3 keeps the temporary copy of a restored object; we copy it back to STANDARD well before. */
const RESTORED_COPY_DAYS = 3;

export type RestoreProgress = { done: true; stored: StoredBytes } | { done: false; pollAgainMs: number };

export function tieringActivities({ store, capabilities, settings }: ActivityDeps) {
  return {
    /**
     * Brings the object into the class of a tier: looks, copies if the bucket has not moved it already, there or into the archive, and
     * answers with what S3 says then. The version that the row names stays until the row names the copy. Null on a store without classes, or from
     * which nothing could be restored: the bytes stay where they are. Safe to repeat.
     */
    async ensureTier(record: ArtifactRecord, tier: StorageTier): Promise<StoredBytes | null> {
      if (!capabilities.storageClasses || !capabilities.restore) return null;
      return withHeartbeat(`moving to ${tier}`, async () => {
        const info = await storedVersion(store, record);
        const found = tierOfClass(info.storageClass);
        if (found === tier || found === 'COLD') return storedBytes(info);
        return copy(record, info, storageClassOf(tier));
      });
    },

    /** Asks S3 for a temporary copy of an archived object; a logical archive is back at once. Safe to repeat. */
    async requestRestore(record: ArtifactRecord, tier: RestoreTier): Promise<RestoreProgress> {
      const info = await storedVersion(store, record);
      if (tierOfClass(info.storageClass) !== 'COLD') return broughtBack(record, info);
      await store.restore(info, { tier, days: RESTORED_COPY_DAYS });
      return { done: false, pollAgainMs: restorePollMs(longestRestoreMs(tier), settings.restorePollMs) };
    },

    /** Is the temporary copy there? Then makes it permanent in STANDARD. Asks again if S3 has forgotten. Safe to repeat. */
    async pollRestore(record: ArtifactRecord): Promise<RestoreProgress> {
      return withHeartbeat('copying back', async () => {
        const info = await storedVersion(store, record);
        if (tierOfClass(info.storageClass) !== 'COLD') return broughtBack(record, info);
        if (info.restore === null) await store.restore(info, { tier: 'Standard', days: RESTORED_COPY_DAYS });
        if (info.restore === null || info.restore.inProgress) {
          const leftMs = record.restoreEtaMs === null ? Infinity : record.restoreEtaMs - Date.now();
          return { done: false, pollAgainMs: restorePollMs(leftMs, settings.restorePollMs) };
        }
        return broughtBack(record, await store.copyToClass(info, 'STANDARD'));
      });
    },

    /** Removes versions of the artifact that are older than the one its row names: what a copy leaves behind. Safe to repeat. */
    async removeOtherVersions(record: ArtifactRecord): Promise<void> {
      await withHeartbeat('removing older versions', async ({ signal }) => {
        await storedVersion(store, record);
        const versions = await ownVersions(store, record);
        const named = versions.indexOf(record.versionId);
        // A newer one is a later copy, which the row names by now if this attempt comes late.
        for (const versionId of named === -1 ? [] : versions.slice(named + 1)) {
          signal.throwIfAborted();
          await store.deleteVersion(record.key, versionId, { signal });
        }
      });
    },
  };

  /** A copy that an earlier attempt left may be taken up, with the tags of then: they are set anew before the row names it. */
  async function copy(record: ArtifactRecord, from: ObjectInfo, storageClass: StorageClass): Promise<StoredBytes> {
    const made = await store.copyToClass(from, storageClass);
    await tag(record, made);
    return storedBytes(made);
  }

  /** In a class that can be read, with the tags of what was restored, also if an attempt before only got as far as the copy. */
  async function broughtBack(record: ArtifactRecord, info: ObjectInfo): Promise<RestoreProgress> {
    await tag({ ...record, restoredAtMs: info.lastModifiedMs }, info);
    return { done: true, stored: storedBytes(info) };
  }

  async function tag(record: ArtifactRecord, info: ObjectInfo): Promise<void> {
    const tags = currentTags(record, info.owner?.sha256 !== undefined);
    await store.putTags(info, tags, { signal: cancellationSignal() });
  }
}

const storedBytes = ({ versionId, etag, storageClass }: ObjectInfo): StoredBytes => ({ versionId, etag, storageClass });
