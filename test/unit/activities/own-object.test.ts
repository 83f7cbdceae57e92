import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { newestOwnVersion, ownVersions } from '../../../src/activities/own-object.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { newArtifact } from '../../support/new-artifact.js';

/** Below what is there now lies what was written before the bucket kept versions: it has no id, and who asks without one gets the newest. */
class OnceUnversionedStore extends MemoryObjectStore {
  override async listVersions(key: string) {
    const versions = await super.listVersions(key);
    const old = {
      key,
      versionId: null,
      isLatest: false,
      isDeleteMarker: false,
      sizeBytes: 5,
      storageClass: 'STANDARD',
    };
    return versions.length === 0 ? [] : [...versions, { ...old, etag: randomUUID(), lastModifiedMs: 0 }];
  }
}

it('what has no id below an artifact’s own bytes is not taken for its own: it may be what an older artifact can be brought back from', async () => {
  const store = new OnceUnversionedStore();
  const record = await new MemoryArtifactRecords().register(newArtifact());
  const { versionId } = await store.put(objectAtCreation(record), Buffer.from('bytes'));
  expect(await ownVersions(store, record)).toEqual([versionId]);
  await store.put(
    { ...objectAtCreation(record), owner: { ...objectAtCreation(record).owner, artifactId: randomUUID() } },
    Buffer.from('x'),
  );
  expect(await newestOwnVersion(store, record)).toMatchObject({ versionId });
});
