import { conflictOf } from '../domain/bucket-databases.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import { manifestObject } from '../domain/manifest.js';
import type { StoredObject } from '../domain/stored-object.js';
import type { Page } from '../db/artifact-records.js';
import type { ObjectInfo } from '../storage/object-store.js';
import { withHeartbeat, type HeartbeatDetails } from './boundary.js';
import type { ActivityDeps } from './deps.js';
import { ManifestBody, readListed } from './manifest-body.js';
import { ownVersions } from './own-object.js';

/** So many artifacts are in memory at a time. */
const PAGE = 200;

interface Attempt {
  executionId: string;
  object: StoredObject;
  signal: AbortSignal;
  tell: (details: HeartbeatDetails) => void;
}

/** So that it counts as listed: the manifest of a database that is lost, or of another one, stays as it is. */
const KEPT = 1;

type Listed = Page<ArtifactRecord>;
type VersionId = string | null;

/*
 * An attempt that was taken for dead may wake up at any point beside a later one, and must not undo it. So each first looks at what is
 * in the bucket, then reads the rows, and then replaces or removes only what it saw: whatever it touches was made from older rows than
 * its own. The store enforces that: a write names the object it replaces, and what is removed is named by its version.
 * Two deeds have no such name: creating a manifest where none was seen (one may have come and gone since), and removing one from
 * a bucket without versions. After these the rows are looked at again.
 * The rows are read page by page and may change meanwhile: such a change makes its workflow write once more.
 */
export function manifestActivities({ records, store, capabilities, databases }: ActivityDeps) {
  return {
    /**
     * Writes the manifest of an execution from its rows, or removes it when there is nothing to list. One version of it stays. Safe to
     * repeat, and beside a late attempt. An object of somebody else under its key is replaced in a bucket with versions, where it stays below.
     * @returns how many artifacts are listed.
     * @throws `storage_unavailable` when another attempt came in between; `storage_rejected` when the object there is somebody else's, and
     * would be lost.
     */
    async writeManifest(executionId: string): Promise<number> {
      return withHeartbeat('writing the manifest', async (context) => {
        const attempt: Attempt = { executionId, object: manifestObject(executionId), ...context };
        for (;;) {
          const { wasThere, listed } = await bringUpToDate(attempt);
          const isThere = listed > 0;
          if (wasThere === isThere || isThere === (await readRows(executionId, 1)).items.length > 0) return listed;
        }
      });
    },
  };

  async function bringUpToDate(attempt: Attempt): Promise<{ wasThere: boolean; listed: number }> {
    const { executionId, object } = attempt;
    if (await isPerhapsAnothers(executionId)) return { wasThere: true, listed: KEPT };
    const { current, isOwn, versions } = await look(attempt);
    // What is listed there is needed to make its rows again.
    if (current !== null && isOwn && (await records.isYoungerThan(current.lastModifiedMs)))
      return { wasThere: true, listed: KEPT };
    const execution = await records.getExecution(executionId);
    const generatedAt = new Date().toISOString();
    const rows = await readRows(executionId, PAGE);
    // What lies below a delete marker has to go before anything can be created.
    if (current === null || rows.items.length === 0) await remove(attempt, versions);
    if (execution === null || rows.items.length === 0) return { wasThere: isOwn, listed: 0 };

    const { key } = object;
    if (current !== null && !isOwn && !capabilities.versioning)
      throw new ArtifactError('storage_rejected', `${key} is an object of somebody else`, { details: { key } });
    const { tenantId, retentionDays } = execution;
    const body = new ManifestBody({ version: 1, executionId, tenantId, retentionDays, generatedAt });
    const written = await store.putStream(object, body.chunks(allPages(attempt, rows)), current?.etag ?? null);
    if (written === null)
      throw new ArtifactError('storage_unavailable', `another attempt to write ${key} came in between`);
    const older = versions.filter((versionId) => versionId !== written.versionId);
    if (current !== null) await remove(attempt, older);
    return { wasThere: isOwn, listed: body.artifactCount };
  }

  /** This database knows nothing of the execution, and is not the only one that works with the bucket. */
  async function isPerhapsAnothers(executionId: string): Promise<boolean> {
    if (databases === undefined || (await records.getExecution(executionId)) !== null) return false;
    return conflictOf(await databases.look()) !== null;
  }

  /** What is in the bucket of the manifest's own; parts that an attempt has left behind are dropped. */
  async function look({
    executionId,
    object: { key },
  }: Attempt): Promise<{ current: ObjectInfo | null; isOwn: boolean; versions: VersionId[] }> {
    for (const { uploadId } of await store.listUploads(key)) await store.abortUpload(key, uploadId);
    const current = await store.head({ key });
    const isOwn = current?.owner?.artifactId === executionId;
    return { current, isOwn, versions: await ownVersions(store, { id: executionId, key }) };
  }

  async function remove({ object, signal }: Attempt, versions: VersionId[]): Promise<void> {
    for (const versionId of versions) {
      signal.throwIfAborted();
      await store.deleteVersion(object.key, versionId, { signal });
    }
  }

  function readRows(executionId: string, limit: number, cursor?: string): Promise<Listed> {
    return readListed(records, { executionId, limit, ...(cursor === undefined ? {} : { cursor }) });
  }

  async function* allPages({ executionId, signal, tell }: Attempt, first: Listed): AsyncGenerator<ArtifactRecord[]> {
    let read = 0;
    for (let page = first; ; page = await readRows(executionId, PAGE, page.nextCursor)) {
      signal.throwIfAborted();
      yield page.items;
      read += page.items.length;
      tell({ phase: `writing the manifest, ${read} artifacts so far` });
      if (page.nextCursor === null) return;
    }
  }
}
