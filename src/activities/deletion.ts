import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { DeletionReason } from '../domain/artifact.js';
import { ArtifactError } from '../domain/errors.js';
import { SECOND_MS } from '../domain/units.js';
import type { PendingUpload } from '../storage/object-store.js';
import { withHeartbeat } from './boundary.js';
import { changeRecord } from './change-record.js';
import type { ActivityDeps } from './deps.js';
import { ownVersions } from './own-object.js';

export interface Deletion {
  /** As the workflow knows it: the row may be gone with its execution. */
  record: ArtifactRecord;
  reason: DeletionReason;
  actor: string;
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
}

/** The version id of an object in an unversioned bucket, as S3 calls it. */
const NULL_VERSION = 'null';
/** How far the clocks of the store and the worker may be apart. Less than it takes to notice that an attempt is dead. */
const CLOCK_SKEW_MS = 5 * SECOND_MS;

export function deletionActivities(deps: ActivityDeps) {
  const { records, store, settings } = deps;
  return {
    /**
     * Deletes an artifact for good and proves it: marks the row, removes every version and unfinished upload that is the
     * artifact's, looks again, and only then writes DELETED with the evidence. Safe to repeat at any point.
     * @throws `storage_unavailable` when something of it is still there afterwards.
     */
    async eraseArtifact(deletion: Deletion): Promise<Erasure> {
      return withHeartbeat('deleting', async ({ signal }) => {
        const { record } = deletion;
        const { putUrlMs } = settings;
        const startedAtMs = Date.now();
        const row = await records.get(record.id);
        if (row?.status === 'DELETED') return { outcome: 'erased', record: row, putUrlMs };
        if (row === null) {
          await removeAll(record, signal, ({ uploadId }) => uploadId === record.uploadId);
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
        const evidence = await removeAll(marked, signal, isOurs);
        return { outcome: 'erased', record: await writeDeleted(marked, evidence, deletion), putUrlMs };
      });
    },

    /** Removes what a signed PUT that outlived the deletion may have brought back. Safe to repeat. */
    async sweepArtifact(record: ArtifactRecord): Promise<void> {
      await withHeartbeat('sweeping', ({ signal }) => removeVersions(record, signal));
    },
  };

  /** From here on nobody is given the bytes. */
  function markDeletion(
    row: ArtifactRecord,
    { reason, actor, atMs }: Omit<Deletion, 'record'>,
  ): Promise<ArtifactRecord> {
    return changeRecord(deps, {
      artifactId: row.id,
      changeNumber: row.revision + 1,
      atMs,
      patch: { deletionReason: reason },
      event: { kind: 'deletion_begun', actor, detail: { reason } },
    });
  }

  async function writeDeleted(
    marked: ArtifactRecord,
    evidence: Evidence,
    { reason, actor }: Pick<Deletion, 'reason' | 'actor'>,
  ): Promise<ArtifactRecord> {
    // Another attempt may have been faster: one deletion is one row of the audit.
    const row = await records.get(marked.id);
    if (row?.status === 'DELETED') return row;
    const nowMs = Date.now();
    return changeRecord(deps, {
      artifactId: marked.id,
      changeNumber: marked.revision + 1,
      // The clock of this machine may be behind that of the server which dated the mark.
      atMs: Math.max(nowMs, marked.updatedAtMs),
      patch: {
        status: 'DELETED',
        deletedAtMs: nowMs,
        expiresAtMs: null,
        uploadId: null,
        restoreState: null,
        ...(reason === 'checksum_mismatch' ? { checksumState: 'mismatch' as const } : {}),
      },
      event: { kind: 'deleted', actor, detail: { reason, ...evidence } },
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
      await store.deleteVersion(record.key, versionId);
      removed.push(versionId ?? NULL_VERSION);
    }
    return removed;
  }
}
