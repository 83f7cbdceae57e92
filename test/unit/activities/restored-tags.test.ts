import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { DEFAULT_POLICY } from '../../../src/domain/policy.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { SECOND_MS } from '../../../src/domain/units.js';
import { aRecord, SHA256 } from '../../support/records.js';
import { BYTES, CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from '../../support/virtual-time/virtual-artifact.js';

const run = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment({}, { logger: QUIET }).run(work);

/** An artifact whose object says by which days the bucket may move it, in this class. */
async function stored(storageClass: 'STANDARD' | 'GLACIER') {
  const store = new MemoryObjectStore();
  const policy = { ...DEFAULT_POLICY, bucketMayMove: true as const };
  const record: ArtifactRecord = aRecord({ policy, status: 'ARCHIVED', tier: 'COLD', tags: { team: 'blue' } });
  const made = await store.put(
    { ...objectAtCreation(record), owner: { ...objectAtCreation(record).owner, sha256: SHA256 } },
    BYTES,
  );
  expect(await store.getTags(made)).toMatchObject({ 'artifact-tiers': '30-90' });
  const { versionId } = storageClass === 'STANDARD' ? made : await store.copyToClass(made, storageClass);
  const deps = {
    store,
    records: new MemoryArtifactRecords(),
    lives: NO_OTHERS,
    capabilities: CAPABLE_OF_ALL,
    settings: SETTINGS,
  };
  return { store, activities: createActivities(deps), row: { ...record, versionId } };
}

const TAGS = { team: 'blue', 'artifact-retention': 'expiring' };

describe('what was restored is not moved by the bucket any more, which counts from another day', () => {
  it('when it comes from the archive', async () => {
    const { store, activities, row } = await stored('GLACIER');
    await run(() => activities.requestRestore(row, 'Expedited'));
    store.finishRestores();
    const progress = await run(() => activities.pollRestore(row));
    expect(progress).toMatchObject({ done: true, stored: { storageClass: 'STANDARD' } });
    expect(await store.getTags({ key: row.key })).toEqual(TAGS);
  });

  it('when it was archived by its row alone', async () => {
    const { store, activities, row } = await stored('STANDARD');
    expect(await run(() => activities.requestRestore(row, 'Standard'))).toMatchObject({ done: true });
    expect(await store.getTags({ key: row.key })).toEqual(TAGS);
  });
});

it('a restore is looked at again within the minutes that it was promised in', async () => {
  const { activities, row } = await stored('GLACIER');
  const begun = await run(() => activities.requestRestore(row, 'Expedited'));
  expect(begun).toEqual({ done: false, pollAgainMs: 75 * SECOND_MS });
  const restoreEtaMs = Date.now() + 30 * SECOND_MS;
  const progress = await run(() => activities.pollRestore({ ...row, restoreState: 'in_progress', restoreEtaMs }));
  if (progress.done) throw new Error('it cannot be over');
  expect(progress.pollAgainMs).toBeLessThanOrEqual(30 * SECOND_MS);
  const unknown = await run(() => activities.pollRestore({ ...row, restoreEtaMs: null }));
  expect(unknown).toEqual({ done: false, pollAgainMs: SETTINGS.restorePollMs });
});
