import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import type { ObjectInfo, ObjectStore, ObjectVersion } from '../storage/object-store.js';

/*
 * What under a key is an artifact's own. A path is free again once its row is DELETED, so a predecessor's or a successor's bytes may
 * stand under the same key: every object names its artifact in its metadata, and nothing else is ever touched.
 */

type Reads = Pick<ObjectStore, 'head' | 'listVersions'>;
type Owned = Pick<ArtifactRecord, 'id' | 'key'>;

/** The version that the row names. @throws `storage_rejected` when it is gone. */
export async function storedVersion(store: ObjectStore, record: ArtifactRecord): Promise<ObjectInfo> {
  const { id, key, versionId } = record;
  const info = await store.head({ key, versionId });
  if (info?.owner?.artifactId === id) return info;
  throw new ArtifactError('storage_rejected', `${key} is not in the store any more`, { details: { key, versionId } });
}

/** The newest version that is the artifact's, also below somebody else's; null when there is none. */
export async function newestOwnVersion(store: ObjectStore, { id, key }: Owned): Promise<ObjectInfo | null> {
  const current = await store.head({ key });
  if (current?.owner?.artifactId === id) return current;
  for (const version of await store.listVersions(key)) {
    if (version.isDeleteMarker) continue;
    const info = await headOfVersion(store, version);
    if (info?.owner?.artifactId === id) return info;
  }
  return null;
}

/**
 * Null when it is gone, or cannot be asked for: what was there before its bucket kept versions has no id, and below others they are what
 * answers for it.
 */
export async function headOfVersion(
  store: Pick<Reads, 'head'>,
  { key, versionId }: Pick<ObjectVersion, 'key' | 'versionId'>,
): Promise<ObjectInfo | null> {
  const info = await store.head({ key, versionId });
  return versionId === null && info !== null && info.versionId !== null ? null : info;
}

/** Ids of all versions that are the artifact's; markers too, once they hide nobody else's bytes. */
export async function ownVersions(store: Reads, { id, key }: Owned): Promise<(string | null)[]> {
  const own: (string | null)[] = [];
  const markers: (string | null)[] = [];
  let foreign = 0;
  for (const version of await store.listVersions(key)) {
    if (version.isDeleteMarker) markers.push(version.versionId);
    else if ((await headOfVersion(store, version))?.owner?.artifactId === id) own.push(version.versionId);
    else foreign += 1;
  }
  return foreign === 0 ? [...own, ...markers] : own;
}
