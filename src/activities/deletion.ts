import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { DeletionReason } from '../domain/artifact.js';
import { ArtifactError } from '../domain/errors.js';
import { withHeartbeat } from './boundary.js';
import type { ActivityDeps } from './deps.js';

export interface Deletion {
  artifactId: string;
  reason: DeletionReason;
  actor: string;
  /** Number of the first of the two changes this writes: `deletion_begun`, `deleted`. */
  changeNumber: number;
  atMs: number;
}

/** What was removed and how we know: becomes the detail of the audit row. */
interface Evidence extends Record<string, unknown> {
  removedVersions: string[];
  abortedUploads: string[];
  provenAbsentAt: string;
}

/** The version id of an object in an unversioned bucket, as S3 calls it. */
const NULL_VERSION = 'null';

export function deletionActivities({ records, store }: ActivityDeps) {
  return {
    /**
     * Deletes an artifact for good and proves it: marks the row, removes every version and unfinished upload that is the
     * artifact's, looks again, and only then writes DELETED with the evidence. Safe to repeat at any point. Answers null when
     * the artifact was never registered.
     * @throws `storage_unavailable` when something of it is still there afterwards.
     */
    async eraseArtifact(deletion: Deletion): Promise<ArtifactRecord | null> {
      const { artifactId, reason, actor, changeNumber, atMs } = deletion;
      const row = await records.get(artifactId);
      if (row === null || row.status === 'DELETED') return row;
      const marked = await records.change({
        artifactId,
        changeNumber,
        atMs,
        patch: { deletionReason: reason },
        event: { kind: 'deletion_begun', actor, detail: { reason } },
      });
      const evidence = await withHeartbeat('deleting', () => removeAll(marked));
      return records.change({
        artifactId,
        changeNumber: changeNumber + 1,
        atMs: Date.now(),
        patch: {
          status: 'DELETED',
          deletedAtMs: atMs,
          expiresAtMs: null,
          uploadId: null,
          restoreState: null,
          ...(reason === 'checksum_mismatch' ? { checksumState: 'mismatch' as const } : {}),
        },
        event: { kind: 'deleted', actor, detail: { reason, ...evidence } },
      });
    },

    /** Removes what a signed PUT that outlived the deletion may have brought back. Safe to repeat. */
    async sweepArtifact(record: ArtifactRecord): Promise<void> {
      await withHeartbeat('sweeping', () => removeVersions(record));
    },
  };

  async function removeAll(record: ArtifactRecord): Promise<Evidence> {
    const abortedUploads: string[] = [];
    for (const upload of await store.listUploads(record.key)) {
      await store.abortUpload(upload.key, upload.uploadId);
      abortedUploads.push(upload.uploadId);
    }
    const removedVersions = await removeVersions(record);
    const left = (await store.listUploads(record.key)).length + (await ownVersions(record)).length;
    if (left > 0)
      throw new ArtifactError('storage_unavailable', `${left} versions or uploads of ${record.key} are still there`, {
        details: { key: record.key },
      });
    return { removedVersions, abortedUploads, provenAbsentAt: new Date().toISOString() };
  }

  async function removeVersions(record: ArtifactRecord): Promise<string[]> {
    const removed: string[] = [];
    for (const versionId of await ownVersions(record)) {
      await store.deleteVersion(record.key, versionId);
      removed.push(versionId ?? NULL_VERSION);
    }
    return removed;
  }

  /**
   * Versions under the key that are this artifact's. The path is free again once the row is DELETED, so a successor's bytes may
   * stand under the same key when an attempt comes late: those must never be touched. Markers hide nothing of anyone else's
   * once the key has no other bytes, and are removed then.
   */
  async function ownVersions(record: ArtifactRecord): Promise<(string | null)[]> {
    const own: (string | null)[] = [];
    const markers: (string | null)[] = [];
    let foreign = 0;
    for (const version of await store.listVersions(record.key)) {
      if (version.isDeleteMarker) markers.push(version.versionId);
      else if ((await store.head(version))?.owner?.artifactId === record.id) own.push(version.versionId);
      else foreign += 1;
    }
    return foreign === 0 ? [...own, ...markers] : own;
  }
}
