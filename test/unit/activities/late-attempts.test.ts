import { randomUUID } from 'node:crypto';
import { DEFAULT_POLICY } from '../../../src/domain/policy.js';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import type { Deletion } from '../../../src/activities/deletion.js';
import { createActivities } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { MINUTE_MS } from '../../../src/domain/units.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import type { ObjectRef } from '../../../src/storage/object-store.js';
import { newArtifact } from '../../support/new-artifact.js';
import { NO_OTHERS } from '../../support/virtual-time/virtual-artifact.js';

/** A store in which an attempt to delete can be frozen before its first step. */
class HeldStore extends MemoryObjectStore {
  gate: Promise<void> | null = null;

  override async listUploads(key: string): ReturnType<MemoryObjectStore['listUploads']> {
    await this.#freeze();
    return super.listUploads(key);
  }

  override async head(object: ObjectRef): ReturnType<MemoryObjectStore['head']> {
    await this.#freeze();
    return super.head(object);
  }

  async #freeze(): Promise<void> {
    const gate = this.gate;
    this.gate = null;
    await gate;
  }
}

function world() {
  let skewMs = 0;
  const store = new HeldStore({ now: () => Date.now() + skewMs });
  const records = new MemoryArtifactRecords();
  const activities = createActivities({
    store,
    records,
    lives: NO_OTHERS,
    capabilities: { versioning: true, storageClasses: true, restore: true, enforcesChecksums: true },
    settings: {
      defaultRetentionDays: 30,
      uploadDeadlineMs: MINUTE_MS,
      putUrlMs: MINUTE_MS,
      restorePollMs: MINUTE_MS,
      policy: DEFAULT_POLICY,
    },
  });
  const erase = (record: ArtifactRecord, attempt = new MockActivityEnvironment()) =>
    attempt.run((deletion: Deletion) => activities.eraseArtifact(deletion), {
      record,
      reason: 'requested' as const,
      actor: 'ann',
      atMs: Date.now(),
    });
  return { store, records, erase, later: (ms: number) => (skewMs += ms) };
}

describe('an attempt to erase that was frozen while another one finished', () => {
  it('leaves the upload of a successor alone, and the audit as it is', async () => {
    const { store, records, erase, later } = world();
    const record = await records.register(newArtifact({ createdAtMs: Date.now() }));
    await store.put(objectAtCreation(record), Buffer.from('x'));
    let open = (): void => undefined;
    store.gate = new Promise((resolve) => (open = resolve));
    const frozen = erase(record);
    await expect.poll(() => store.gate === null).toBe(true);

    expect(await erase(record)).toMatchObject({ outcome: 'erased' });
    later(MINUTE_MS);
    const successor = await records.register(
      newArtifact({ id: randomUUID(), executionId: record.executionId, path: record.path }),
    );
    await store.createUpload(objectAtCreation(successor));
    open();
    await frozen;

    expect(await store.listUploads(record.key)).toHaveLength(1);
    const kinds = (await records.history(record.id)).map(({ kind }) => kind);
    expect(kinds).toEqual(['upload_begun', 'deletion_begun', 'deleted']);
  });

  it.each([
    ['bytes', { undeleteDays: 0 }],
    ['delete marker', { undeleteDays: 7 }],
  ])('touches no %s when it was given up meanwhile, and says nothing about it', async (_, policy) => {
    const { store, records, erase } = world();
    const registered = await records.register(newArtifact({ policy: { ...DEFAULT_POLICY, ...policy } }));
    const { versionId } = await store.put(objectAtCreation(registered), Buffer.from('x'));
    const record = await records.change({
      ...{ artifactId: registered.id, changeNumber: 1, atMs: Date.now(), patch: { status: 'ACTIVE', versionId } },
      event: { kind: 'upload_completed', actor: 'agent', detail: {} },
    });
    let open = (): void => undefined;
    store.gate = new Promise((resolve) => (open = resolve));
    const attempt = new MockActivityEnvironment();
    const frozen = erase(record, attempt);
    await expect.poll(() => store.gate === null).toBe(true);
    attempt.cancel('TIMED_OUT');
    open();
    await expect(frozen).rejects.toThrow('TIMED_OUT');

    expect(await store.listVersions(record.key)).toMatchObject([{ versionId, isDeleteMarker: false }]);
    expect(await records.get(record.id)).toMatchObject({ status: 'ACTIVE' });
  });
});
