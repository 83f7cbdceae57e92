import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import { manifestKey } from '../../../src/domain/keys.js';
import { manifestObject } from '../../../src/domain/manifest.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { aRecord, EXECUTION_ID } from '../../support/records.js';
import { CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from '../../support/virtual-time/virtual-artifact.js';

/** An artifact and its manifest in the bucket, and rows of which none is left. */
async function world({ bornAtMs }: { bornAtMs: number }) {
  const records = new MemoryArtifactRecords();
  records.bornAtMs = bornAtMs;
  const store = new MemoryObjectStore({});
  const activities = createActivities({
    ...{ records, store, lives: NO_OTHERS, settings: SETTINGS },
    capabilities: CAPABLE_OF_ALL,
  });
  const run = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment({}, { logger: QUIET }).run(work);
  const record = aRecord({ createdAtMs: Date.now() - DAY_MS });
  await store.put(objectAtCreation(record), Buffer.from('ten bytes!'));
  await store.put(manifestObject(EXECUTION_ID), Buffer.from('{}'));
  const deletion = { record, reason: 'expired' as const, actor: 'worker', atMs: Date.now() };
  return {
    isThere: async () => (await store.head({ key: record.key })) !== null,
    hasManifest: async () => (await store.head({ key: manifestKey(EXECUTION_ID) })) !== null,
    erase: () => run(() => activities.eraseArtifact(deletion)),
    purge: () => run(() => activities.purgeVersions({ record, actor: 'worker', atMs: Date.now() })),
    writeManifest: () => run(() => activities.writeManifest(EXECUTION_ID)),
  };
}

describe('a database that is younger than an artifact it does not know', () => {
  it('lets nothing be deleted, and says what it waits for', async () => {
    const { erase, purge, isThere } = await world({ bornAtMs: Date.now() });
    for (const remove of [erase, purge])
      await expect(remove()).rejects.toMatchObject({
        type: 'database_unavailable',
        message: expect.stringContaining('artifacts rebuild') as string,
      });
    expect(await isThere()).toBe(true);
  });

  it('leaves a manifest that is older than it as it is', async () => {
    const { writeManifest, hasManifest } = await world({ bornAtMs: Date.now() + DAY_MS });
    await writeManifest();
    expect(await hasManifest()).toBe(true);
  });

  it('is not meant when the row went with its execution, or the database was rebuilt', async () => {
    const { erase, isThere, writeManifest, hasManifest } = await world({ bornAtMs: 0 });
    expect(await erase()).toMatchObject({ outcome: 'rowMissing' });
    await writeManifest();
    expect([await isThere(), await hasManifest()]).toEqual([false, false]);
  });
});
