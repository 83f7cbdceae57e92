import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import type { Deletion, Erasure, Purge } from '../../../src/activities/deletion.js';
import { createActivities } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { undeleted, type StoredBytes } from '../../../src/domain/changes.js';
import { DEFAULT_POLICY } from '../../../src/domain/policy.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { MINUTE_MS } from '../../../src/domain/units.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { newArtifact } from '../../support/new-artifact.js';
import { NO_OTHERS } from '../../support/virtual-time/virtual-artifact.js';

function world() {
  const store = new MemoryObjectStore();
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
  const change = (record: ArtifactRecord, patch: Partial<ArtifactRecord>) =>
    records.change({
      ...{ artifactId: record.id, changeNumber: record.revision + 1, atMs: Date.now(), patch },
      event: { kind: 'upload_completed', actor: 'ann', detail: {} },
    });
  const by = { actor: 'ann', atMs: Date.now() };
  return {
    store,
    /** ACTIVE, with bytes of its own. */
    stored: async (given: Partial<ArtifactRecord> = {}): Promise<ArtifactRecord> => {
      const { executionId, path } = given;
      const place = executionId === undefined || path === undefined ? {} : { executionId, path };
      const record = await records.register(newArtifact({ createdAtMs: Date.now(), ...place }));
      const { versionId } = await store.put(objectAtCreation(record), Buffer.from(record.id));
      return change(record, { status: 'ACTIVE', versionId });
    },
    erase: async (record: ArtifactRecord): Promise<ArtifactRecord> => {
      let erasure: Erasure | undefined;
      await new MockActivityEnvironment().run(
        async (deletion: Deletion) => {
          erasure = await activities.eraseArtifact(deletion);
        },
        { record, reason: 'requested' as const, ...by },
      );
      if (erasure?.outcome !== 'erased') throw new Error(erasure?.outcome);
      return erasure.record;
    },
    purge: (record: ArtifactRecord) =>
      new MockActivityEnvironment().run((purge: Purge) => activities.purgeVersions(purge), { record, ...by }),
    undelete: async (record: ArtifactRecord): Promise<ArtifactRecord> => {
      let stored: StoredBytes | undefined;
      await new MockActivityEnvironment().run(async () => {
        stored = await activities.bringBack(record);
      });
      if (stored === undefined) throw new Error('nothing was brought back');
      return change(record, undeleted(record, record.retention, stored, 'ann').patch);
    },
    /** Whose bytes a GET without a version would answer with. */
    seen: async ({ key }: ArtifactRecord) => (await store.head({ key }))?.owner?.artifactId ?? null,
  };
}

describe('bringing back what was deleted', () => {
  it('takes every marker off its bytes', async () => {
    const { store, stored, erase, undelete, seen } = world();
    const a = await stored();
    const deleted = await erase(a);
    await store.addDeleteMarker(a.key);
    expect(await seen(a)).toBeNull();
    await undelete(deleted);
    expect(await seen(a)).toBe(a.id);
    expect(await store.listVersions(a.key)).toHaveLength(1);
  });

  it('is refused while another one has the path, or has had it since, and shows nobody’s bytes meanwhile', async () => {
    const { stored, erase, purge, undelete, seen } = world();
    const a = await stored();
    const deletedA = await erase(a);
    const b = await stored({ executionId: a.executionId, path: a.path });
    await expect(undelete(deletedA)).rejects.toMatchObject({ type: 'path_taken', details: [{ artifactId: b.id }] });
    expect(await seen(a)).toBe(b.id);

    const deletedB = await erase(b);
    await expect(undelete(deletedA)).rejects.toMatchObject({ type: 'wrong_state', details: [{ artifactId: b.id }] });
    expect(await seen(a)).toBeNull();

    await purge(deletedB);
    await undelete(deletedA);
    expect(await seen(a)).toBe(a.id);
  });

  it('leaves the bytes of an older one under the same path hidden', async () => {
    const { stored, erase, purge, undelete, seen } = world();
    const a = await stored();
    await erase(a);
    const b = await stored({ executionId: a.executionId, path: a.path });
    const back = await undelete(await erase(b));
    expect(await seen(a)).toBe(b.id);
    await purge(await erase(back));
    expect(await seen(a)).toBeNull();
  });
});
