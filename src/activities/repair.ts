import { cancellationSignal } from '@temporalio/activity';
import type { RowRestoration } from '../db/artifact-records.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { Tags } from '../domain/artifact.js';
import { ArtifactError } from '../domain/errors.js';
import type { Seen, SeenVersion } from '../domain/seen.js';
import { tierOfClass } from '../domain/tiers.js';
import type { ObjectInfo } from '../storage/object-store.js';
import { withHeartbeat } from './boundary.js';
import { announceChanges } from './change-record.js';
import type { ActivityDeps } from './deps.js';
import { headOfVersion } from './own-object.js';

export interface RowToRestore extends Pick<RowRestoration, 'actor' | 'detail'> {
  record: ArtifactRecord;
}

export interface SuperfluousVersions {
  record: ArtifactRecord;
  versionIds: (string | null)[];
}

/** A path that has more has been used again and again; what is left of its older lives is nothing to decide by. */
const MOST_VERSIONS = 50;

type Bytes = Pick<Seen, 'others' | 'isHidden' | 'isCovered' | 'isUnclear'>;
const NO_BYTES: Bytes = { others: [], isHidden: false, isCovered: false, isUnclear: false };

export function repairActivities(deps: ActivityDeps) {
  const { records, store, capabilities } = deps;
  return {
    /** Looks at what store and database have of an artifact, and changes nothing. What could not be looked at is thrown, never absent. */
    async examineArtifact(record: ArtifactRecord): Promise<Seen> {
      const row = await records.get(record.id);
      const facts = {
        row,
        hasExecution: row === null && (await records.getExecution(record.executionId)) !== null,
        hasClasses: capabilities.storageClasses && capabilities.restore,
      };
      const known = row !== null && row.revision > record.revision ? row : record;
      if (known.status === 'UPLOADING') return { ...facts, ...NO_BYTES, named: null, tags: null };
      const named = ownBytes(known, await store.head(known));
      return {
        ...facts,
        ...(await lookAround(known, named)),
        named: named === null ? null : seenVersion(named),
        tags: named === null || known.status === 'DELETED' ? null : await tagsOf(named),
      };
    },

    /** Writes a row again that is lost, as its workflow knows it. Safe to repeat. @throws `path_taken`. */
    async restoreRow({ record, ...restoration }: RowToRestore): Promise<ArtifactRecord> {
      const row = await records.restoreRow(record, restoration);
      await announceChanges(deps, row, record.revision);
      return row;
    },

    /**
     * Hides what is deleted and can be brought back behind a delete marker, unless something else is on top by now. Safe to repeat.
     */
    async hideDeleted(record: ArtifactRecord): Promise<void> {
      const row = await records.get(record.id);
      if (row?.status !== 'DELETED' || row.purgeAtMs === null) return;
      const onTop = ownBytes(record, await store.head({ key: record.key }));
      // What has no version, a marker would not hide but replace.
      if (onTop !== null && onTop.versionId !== null)
        await store.addDeleteMarker(record.key, { signal: cancellationSignal() });
    },

    /** Removes versions of the artifact's object that it does not need; never the one that its row names. Safe to repeat. */
    async removeSuperfluous({ record, versionIds }: SuperfluousVersions): Promise<void> {
      await withHeartbeat('removing superfluous versions', async ({ signal }) => {
        const row = await records.get(record.id);
        const named = row === null ? null : ownBytes(row, await store.head(row));
        if (named === null || named.versionId !== record.versionId) return;
        for (const versionId of versionIds) {
          signal.throwIfAborted();
          const isOwn = ownBytes(record, await store.head({ key: record.key, versionId })) !== null;
          if (isOwn && versionId !== null && versionId !== named.versionId)
            await store.deleteVersion(record.key, versionId, { signal });
        }
      });
    },
  };

  /** What else is under its key, from the newest on. */
  async function lookAround(record: ArtifactRecord, named: ObjectInfo | null): Promise<Bytes> {
    const versions = await store.listVersions(record.key);
    const bytes: Bytes = { ...NO_BYTES, others: [], isHidden: versions[0]?.isDeleteMarker === true };
    const objects = versions.filter(({ isDeleteMarker }) => !isDeleteMarker);
    // Whose the rest is, nobody has looked.
    bytes.isUnclear = objects.length > MOST_VERSIONS;
    let hasMetOwn = false;
    for (const version of objects.slice(0, MOST_VERSIONS)) {
      const isNamed = named !== null && version.versionId === named.versionId;
      const info = isNamed ? named : await headOfVersion(store, version);
      const own = ownBytes(record, info);
      if (info === null) bytes.isUnclear = true;
      else if (own === null) bytes.isCovered ||= !hasMetOwn;
      else {
        hasMetOwn = true;
        if (!isNamed) bytes.others.push(seenVersion(own));
      }
    }
    return bytes;
  }

  /** Null: the store does not tell; some do not of what is in an archive class. */
  async function tagsOf(object: ObjectInfo): Promise<Tags | null> {
    try {
      return await store.getTags(object);
    } catch (error) {
      const isArchived = tierOfClass(object.storageClass) === 'COLD';
      if (isArchived && error instanceof ArtifactError && !error.retryable) return null;
      throw error;
    }
  }

  function seenVersion(info: ObjectInfo): SeenVersion {
    const { versionId, sizeBytes, etag, storageClass, sha256, owner, lastModifiedMs: modifiedMs } = info;
    return {
      ...{ versionId, sizeBytes, etag, storageClass, modifiedMs },
      sha256: capabilities.enforcesChecksums ? sha256 : null,
      bornWithHash: owner?.sha256 !== undefined,
    };
  }
}

const ownBytes = ({ id }: ArtifactRecord, info: ObjectInfo | null): ObjectInfo | null =>
  info?.owner?.artifactId === id ? info : null;
