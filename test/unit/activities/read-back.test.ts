import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import { uploadCompleted } from '../../../src/domain/changes.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import {
  aNewUpload,
  BYTES,
  CAPABLE_OF_ALL,
  NO_OTHERS,
  QUIET,
  sendParts,
  SETTINGS,
  sha256,
  START_MS,
} from '../../support/virtual-time/virtual-artifact.js';

describe('reading an artifact back', () => {
  it('also removes uploads to its path that lead nowhere', async () => {
    const store = new MemoryObjectStore({});
    const records = new MemoryArtifactRecords();
    const deps = { store, records, lives: NO_OTHERS, capabilities: CAPABLE_OF_ALL, settings: SETTINGS };
    const activities = createActivities(deps);
    const run = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment({}, { logger: QUIET }).run(work);
    const upload = { ...aNewUpload({ sizeBytes: null, sha256: null }), createdAtMs: START_MS };
    const row = await run(() => activities.registerUpload(upload));
    await sendParts(store, row, BYTES);
    const claim = { sizeBytes: BYTES.length, sha256: sha256(BYTES), actor: 'agent' };
    const { stored } = await run(() => activities.joinUpload(row, claim));
    await store.createUpload(objectAtCreation(row));

    // While its row does not say that it lives, it may be the upload of another one.
    expect(await run(() => activities.hashStored({ ...row, ...stored }))).toBe(claim.sha256);
    expect(await store.listUploads(row.key)).toHaveLength(1);

    const change = uploadCompleted(row, claim, { ...stored, verifiedBy: null });
    const active = await records.change({
      artifactId: row.id,
      changeNumber: row.revision + 1,
      atMs: START_MS,
      ...change,
    });
    expect(await run(() => activities.hashStored(active))).toBe(claim.sha256);
    expect(await store.listUploads(row.key)).toEqual([]);
  });
});
