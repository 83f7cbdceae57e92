import { cancellationSignal } from '@temporalio/activity';
import { conflictOf } from '../domain/bucket-databases.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { DeletionReason } from '../domain/artifact.js';
import { byRequest, deleted, deletionBegun, purged, undeleteWindowEndMs, type StoredBytes } from '../domain/changes.js';
import { ArtifactError } from '../domain/errors.js';
import { SECOND_MS } from '../domain/units.js';
import type { ObjectInfo, PendingUpload } from '../storage/object-store.js';
import { withHeartbeat } from './boundary.js';
import { announceChanges, changeRecord, rowAsKnown } from './change-record.js';
import type { ActivityDeps } from './deps.js';
import { ownVersions } from './own-object.js';

export interface Deletion {
  /** As the workflow knows it: the row may be gone with its execution. */
  record: ArtifactRecord;
  reason: DeletionReason;
  actor: string;
  /** Of the request that asked for it. */
  requestId?: string;
  /** Written into the audit: the deletion of the whole execution that counts this one. */
  executionDeletionId?: string;
  atMs: number;
  /** No undelete window. */
  forGood?: boolean;
}

export interface Purge {
  record: ArtifactRecord;
  actor: string;
  requestId?: string;
  atMs: number;
}

/** How an attempt to erase ended. */
export type Erasure =
  | { outcome: 'erased'; record: ArtifactRecord; putUrlMs: number }
  /** There is no row: it was never registered, or went with its execution. What the bucket had is removed. */
  | { outcome: 'rowMissing'; putUrlMs: number }
  /** The row knows more than the workflow, which must think again: a change was written whose answer was lost. */
  | { outcome: 'rowAhead'; record: ArtifactRecord };

/** What was removed and how we know: becomes the detail of the audit row. */
interface Evidence extends Record<string, unknown> {
  removedVersions: string[];
  abortedUploads: string[];
  provenAbsentAt: string;
  /** What hides the bytes while they can be brought back; absent when they are gone. */
  deleteMarker?: string | null;
}

/** The version id of an object in an unversioned bucket, as S3 calls it. */
const NULL_VERSION = 'null';
/** How far the clocks of the store and the worker may be apart. Less than it takes to notice that an attempt is dead. */
const CLOCK_SKEW_MS = 5 * SECOND_MS;

export function deletionActivities(deps: ActivityDeps) {
  const { records, store, lives, capabilities, databases, settings } = deps;
  return {
    /**
     * Deletes an artifact and proves it: marks the row, then removes every version and unfinished upload that is the artifact's, or
     * hides it while it can be brought back, looks again, and only then writes DELETED with the evidence. Safe to repeat at any point.
     * @throws `storage_unavailable` when something of it is still there afterwards; `database_unavailable` when the database has lost its row.
     */
    async eraseArtifact(deletion: Deletion): Promise<Erasure> {
      return withHeartbeat('deleting', async ({ signal }) => {
        const { record } = deletion;
        const { putUrlMs } = settings;
        const startedAtMs = Date.now();
        const row = await rowAsKnown(deps, record);
        // An attempt before may have written what it could not announce.
        if (row !== null) await announceChanges(deps, row, record.revision);
        if (row?.status === 'DELETED') return { outcome: 'erased', record: row, putUrlMs };
        if (row === null) {
          await requireMemory(record);
          await removeAll(record, signal, ({ uploadId }) => uploadId === record.uploadId);
          await lives.executionChanged(record.executionId);
          return { outcome: 'rowMissing', putUrlMs };
        }
        // Nobody asked for this deletion; the row may hold a keep, or a complete, that its workflow never heard of.
        const isByItself = deletion.reason === 'expired' || deletion.reason === 'upload_abandoned';
        if (isByItself && row.deletionReason === null && row.revision > record.revision)
          return { outcome: 'rowAhead', record: row };
        const marked = row.deletionReason === null ? await markDeletion(row, deletion) : row;
        // An upload that was opened but never noted is ours too; one that began later is a successor's.
        const isOurs = ({ uploadId, initiatedAtMs }: PendingUpload): boolean =>
          uploadId === row.uploadId || initiatedAtMs <= startedAtMs + CLOCK_SKEW_MS;
        const purgeAtMs = windowEndMs(marked, deletion);
        const evidence = purgeAtMs === null ? await removeAll(marked, signal, isOurs) : await hide(marked, signal);
        // Whoever gave this attempt up may have decided otherwise since.
        signal.throwIfAborted();
        return {
          outcome: 'erased',
          record: await writeDeleted(marked, { ...deletion, purgeAtMs }, evidence),
          putUrlMs,
        };
      });
    },

    /** Removes the bytes of a deleted artifact for good, proves it, and closes its undelete window. Safe to repeat. */
    async purgeVersions({ record, actor, requestId, atMs }: Purge): Promise<ArtifactRecord> {
      return withHeartbeat('purging', async ({ signal }) => {
        const row = await rowAsKnown(deps, record);
        if (row === null) {
          await requireMemory(record);
          await removeAll(record, signal, () => false);
          return { ...record, purgeAtMs: null };
        }
        await announceChanges(deps, row, record.revision);
        if (row.purgeAtMs === null) return row;
        const evidence = await removeAll(row, signal, () => false);
        return changeRecord(deps, {
          artifactId: row.id,
          changeNumber: row.revision + 1,
          atMs,
          ...byRequest(purged(actor, evidence), requestId),
        });
      });
    },

    /**
     * Brings the bytes of a deleted artifact back from behind its delete marker. Safe to repeat.
     * @throws `artifact_deleted` when they are gone; `path_taken` when another artifact has the path now; `wrong_state` when the bytes of
     * another one that was deleted later lie above.
     */
    async bringBack(record: ArtifactRecord): Promise<StoredBytes> {
      const successor = await records.findByPath(record.executionId, record.path);
      if (successor !== null && successor.id !== record.id)
        throw new ArtifactError('path_taken', `"${record.path}" is artifact ${successor.id} now`, {
          details: { artifactId: successor.id },
        });
      const { versionId, etag, storageClass } = await unhide(record);
      return { versionId, etag, storageClass };
    },

    /**
     * The row of an artifact whose deletion was tried and not proven, if it is whole; what hid it is removed. Safe to repeat.
     * @throws `artifact_deleted` when its bytes are gone, or the row says so; `artifact_not_found`.
     */
    async findUnharmed(record: ArtifactRecord): Promise<ArtifactRecord> {
      const row = await rowAsKnown(deps, record);
      if (row === null) throw new ArtifactError('artifact_not_found', `There is no artifact ${record.id}`);
      if (row.status === 'DELETED') throw new ArtifactError('artifact_deleted', `${row.path} is deleted already`);
      await unhide(row);
      return row;
    },

    /** Removes what a signed PUT that outlived the deletion may have brought back. Safe to repeat. */
    async sweepArtifact(record: ArtifactRecord): Promise<void> {
      await withHeartbeat('sweeping', ({ signal }) => removeVersions(record, signal));
    },
  };

  /**
   * Nothing is deleted because a database is empty, or another one knows of it.
   * @throws `database_unavailable` when it is younger than the artifact, and not rebuilt, or the bucket is that of another one too.
   */
  async function requireMemory({ path, createdAtMs }: ArtifactRecord): Promise<void> {
    if (await records.isYoungerThan(createdAtMs))
      throw new ArtifactError(
        'database_unavailable',
        `the database is younger than ${path} and does not know it: it waits for "artifacts rebuild"`,
      );
    const conflict = databases === undefined ? null : conflictOf(await databases.look());
    if (conflict !== null)
      throw new ArtifactError('database_unavailable', `the database does not know ${path}: ${conflict}`);
  }

  /** From here on nobody is given the bytes. */
  function markDeletion(
    row: ArtifactRecord,
    { reason, actor, requestId, atMs }: Omit<Deletion, 'record'>,
  ): Promise<ArtifactRecord> {
    return changeRecord(deps, {
      artifactId: row.id,
      changeNumber: row.revision + 1,
      atMs,
      ...byRequest(deletionBegun(reason, actor), requestId),
    });
  }

  /** Null when it cannot be brought back: it was never complete, has no window, or its bucket keeps no versions. */
  function windowEndMs(record: ArtifactRecord, { reason, forGood, atMs }: Deletion): number | null {
    return forGood === true || !capabilities.versioning ? null : undeleteWindowEndMs(record, reason, atMs);
  }

  /** Puts a delete marker above the artifact's bytes, unless they are hidden already or lie below those of another one. */
  async function hide(record: ArtifactRecord, signal: AbortSignal): Promise<Evidence> {
    const isOnTop = async (): Promise<boolean> =>
      (await store.head({ key: record.key }))?.owner?.artifactId === record.id;
    const deleteMarker = (await isOnTop()) ? await store.addDeleteMarker(record.key, { signal }) : null;
    if (await isOnTop()) throw new ArtifactError('storage_unavailable', `${record.key} is still there`);
    return { removedVersions: [], abortedUploads: [], provenAbsentAt: new Date().toISOString(), deleteMarker };
  }

  /** The other way round: the bytes are whole, and only the delete markers above them are taken off, once nobody else's bytes are there. */
  async function unhide(record: ArtifactRecord): Promise<ObjectInfo> {
    const info = await store.head(record);
    if (info?.owner?.artifactId !== record.id)
      throw new ArtifactError('artifact_deleted', `${record.path} came too late: its bytes are gone`);
    await requireNobodyAbove(record);
    for (;;) {
      // Asked again each time: a marker and bytes of the same second may be listed in any order, but the newest is known.
      const [newest] = await store.listVersions(record.key);
      if (newest?.isDeleteMarker !== true) return info;
      await store.deleteVersion(record.key, newest.versionId, { signal: cancellationSignal() });
    }
  }

  /** @throws `wrong_state` (details `artifactId`) when bytes of another artifact, which was deleted later, lie above. */
  async function requireNobodyAbove({ id, key, path, versionId }: ArtifactRecord): Promise<void> {
    for (const version of await store.listVersions(key)) {
      if (version.isDeleteMarker) continue;
      if (version.versionId === versionId) return;
      const owner = (await store.head(version))?.owner?.artifactId ?? null;
      if (owner !== id)
        throw new ArtifactError(
          'wrong_state',
          `the bytes of ${owner === null ? 'something else' : `artifact ${owner}`} lie above those of ${path}: purge that one first`,
          { details: { artifactId: owner } },
        );
    }
  }

  async function writeDeleted(
    marked: ArtifactRecord,
    { reason, actor, requestId, executionDeletionId, purgeAtMs }: Deletion & { purgeAtMs: number | null },
    evidence: Evidence,
  ): Promise<ArtifactRecord> {
    // Another attempt may have been faster: one deletion is one row of the audit.
    const row = await records.get(marked.id);
    if (row?.status === 'DELETED') {
      await announceChanges(deps, row, marked.revision);
      return row;
    }
    const nowMs = Date.now();
    const counted = executionDeletionId === undefined ? {} : { executionDeletionId };
    return changeRecord(deps, {
      artifactId: marked.id,
      changeNumber: marked.revision + 1,
      // The clock of this machine may be behind that of the server which dated the mark.
      atMs: Math.max(nowMs, marked.updatedAtMs),
      ...byRequest(deleted({ reason, actor, purgeAtMs, evidence: { ...counted, ...evidence } }, nowMs), requestId),
    });
  }

  async function removeAll(
    record: ArtifactRecord,
    signal: AbortSignal,
    isOurs: (upload: PendingUpload) => boolean,
  ): Promise<Evidence> {
    const abortedUploads: string[] = [];
    for (const upload of (await store.listUploads(record.key)).filter(isOurs)) {
      signal.throwIfAborted();
      await store.abortUpload(upload.key, upload.uploadId);
      abortedUploads.push(upload.uploadId);
    }
    const removedVersions = await removeVersions(record, signal);
    const uploadsLeft = (await store.listUploads(record.key)).filter(isOurs);
    const versionsLeft = await ownVersions(store, record);
    const left = uploadsLeft.length + versionsLeft.length;
    if (left > 0)
      throw new ArtifactError('storage_unavailable', `${left} versions or uploads of ${record.key} are still there`, {
        details: { key: record.key },
      });
    return { removedVersions, abortedUploads, provenAbsentAt: new Date().toISOString() };
  }

  async function removeVersions(record: ArtifactRecord, signal: AbortSignal): Promise<string[]> {
    const removed: string[] = [];
    for (const versionId of await ownVersions(store, record)) {
      signal.throwIfAborted();
      await store.deleteVersion(record.key, versionId, { signal });
      removed.push(versionId ?? NULL_VERSION);
    }
    return removed;
  }
}
