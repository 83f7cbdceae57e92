import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createActivities, type Activities } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import type { StoreCapabilities } from '../../../src/storage/object-store.js';
import { newArtifact } from '../../support/new-artifact.js';
import { CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from '../../support/virtual-time/virtual-artifact.js';

const BYTES = Buffer.from('bytes');

function world({
  store = new MemoryObjectStore(),
  ...can
}: { store?: MemoryObjectStore } & Partial<StoreCapabilities> = {}) {
  const records = new MemoryArtifactRecords();
  const capabilities = { ...CAPABLE_OF_ALL, ...can };
  const activities = createActivities({ store, records, lives: NO_OTHERS, capabilities, settings: SETTINGS });
  const change = (record: ArtifactRecord, patch: Partial<ArtifactRecord>): Promise<ArtifactRecord> =>
    records.change({
      ...{ artifactId: record.id, changeNumber: record.revision + 1, atMs: Date.now(), patch },
      event: { kind: 'tags_changed', actor: 'ann', detail: { patch } },
    });
  return {
    ...{ store, records, change },
    run: <T>(act: (all: Activities) => Promise<T>): Promise<T> =>
      new MockActivityEnvironment({}, { logger: QUIET }).run<[], T, () => Promise<T>>(() => act(activities)),
    /** ACTIVE, with bytes of its own. */
    stored: async (): Promise<ArtifactRecord> => {
      const record = await records.register(newArtifact({ createdAtMs: Date.now() }));
      const { versionId, etag } = await store.put(objectAtCreation(record), BYTES);
      return change(record, { status: 'ACTIVE', versionId, etag, sizeBytes: BYTES.length });
    },
    put: (record: ArtifactRecord, owner = record.id) =>
      store.put(
        { ...objectAtCreation(record), owner: { ...objectAtCreation(record).owner, artifactId: owner } },
        BYTES,
      ),
  };
}

describe('a look at an artifact', () => {
  it('tells of its version, others of its own, and what lies above, and changes nothing', async () => {
    const { stored, put, store, run } = world();
    const record = await stored();
    expect(await run((all) => all.examineArtifact(record))).toMatchObject({
      ...{ named: { versionId: record.versionId, sizeBytes: BYTES.length }, others: [] },
      ...{ isHidden: false, isCovered: false, isUnclear: false },
    });
    const { versionId } = await put(record);
    await put(record, 'somebody else');
    await store.addDeleteMarker(record.key);
    const before = await store.listVersions(record.key);
    expect(await run((all) => all.examineArtifact(record))).toMatchObject({
      ...{ named: { versionId: record.versionId }, others: [{ versionId }], isHidden: true, isCovered: true },
    });
    expect(await store.listVersions(record.key)).toEqual(before);
  });

  it('goes by the row when that knows more, and by the workflow when the row was set back', async () => {
    const { stored, put, change, records, run } = world();
    const record = await stored();
    const { versionId } = await put(record);
    const row = await change(record, { versionId });
    const named = async (known: ArtifactRecord) => (await run((all) => all.examineArtifact(known))).named?.versionId;
    expect(await named(record)).toBe(versionId);
    records.injure(record.id, record);
    expect(await named(row)).toBe(versionId);
  });

  it('throws what the store or the database did not answer, and never calls it absent', async () => {
    const { stored, store, run } = world();
    const record = await stored();
    for (const code of ['storage_unavailable', 'storage_rejected', 'bucket_not_found'] as const) {
      store.outage = code;
      await expect(run((all) => all.examineArtifact(record))).rejects.toMatchObject({ type: code });
    }
  });

  it('says that it cannot tell when bytes are listed that cannot be looked at', async () => {
    // As one that was stored before its bucket kept versions, below a marker: it has no id to ask by.
    class Below extends MemoryObjectStore {
      override head(): Promise<null> {
        return Promise.resolve(null);
      }
    }
    const { stored, run } = world({ store: new Below() });
    const record = await stored();
    expect(await run((all) => all.examineArtifact(record))).toMatchObject({ named: null, others: [], isUnclear: true });
  });

  it('believes no hash of a store that does not check what it is sent', async () => {
    for (const enforcesChecksums of [true, false]) {
      const { stored, run } = world({ enforcesChecksums });
      const record = await stored();
      const { named } = await run((all) => all.examineArtifact(record));
      expect(named?.sha256 === null).toBe(!enforcesChecksums);
    }
  });

  it('knows no tags where the store does not tell those of an archived object', async () => {
    class Silent extends MemoryObjectStore {
      override getTags(): Promise<never> {
        return Promise.reject(new ArtifactError('not_downloadable', 'archived'));
      }
    }
    const { stored, store, change, run } = world({ store: new Silent() });
    const record = await stored();
    await expect(run((all) => all.examineArtifact(record))).rejects.toMatchObject({ type: 'not_downloadable' });
    const { versionId } = await store.copyToClass(record, 'GLACIER');
    const archived = await change(record, { versionId });
    expect(await run((all) => all.examineArtifact(archived))).toMatchObject({ tags: null });
  });
});

describe('the removal of superfluous versions', () => {
  it('takes those that it is told of and that are its own, and never the one that the row names', async () => {
    const { stored, put, store, run } = world();
    const record = await stored();
    const left = await put(record);
    const kept = await put(record);
    const foreign = await put(record, 'somebody else');
    const versionIds = [left.versionId, record.versionId, foreign.versionId, null];
    await run((all) => all.removeSuperfluous({ record, versionIds }));
    const ids = (await store.listVersions(record.key)).map(({ versionId }) => versionId);
    expect(ids).toEqual([foreign.versionId, kept.versionId, record.versionId]);
  });

  it('takes none when the row names another one by now, or the one that it names is gone', async () => {
    const { stored, put, store, change, run } = world();
    const record = await stored();
    const { versionId } = await put(record);
    await change(record, { versionId });
    await run((all) => all.removeSuperfluous({ record, versionIds: [versionId] }));
    expect(await store.listVersions(record.key)).toHaveLength(2);

    const other = await stored();
    const left = await put(other);
    await store.deleteVersion(other.key, other.versionId);
    await run((all) => all.removeSuperfluous({ record: other, versionIds: [left.versionId] }));
    expect(await store.listVersions(other.key)).toHaveLength(1);
  });
});

describe('a key with very many versions', () => {
  it('is not clear below those that are looked at, so nothing there is called lost', async () => {
    const { stored, put, store, run } = world();
    const record = await stored();
    await put(record);
    await store.deleteVersion(record.key, record.versionId);
    for (let count = 0; count < 49; count += 1) await put(record, 'somebody else');
    const look = () => run((all) => all.examineArtifact(record));
    expect(await look()).toMatchObject({ named: null, isUnclear: false, others: [{}] });
    await put(record, 'somebody else');
    expect(await look()).toMatchObject({ named: null, isUnclear: true, others: [] });
  });
});

describe('what is deleted', () => {
  it('stays where a delete marker would take its place, as in a bucket without versions', async () => {
    const { stored, store, change, run } = world({ store: new MemoryObjectStore({ versioning: false }) });
    const record = await stored();
    await change(record, { status: 'DELETED', purgeAtMs: Date.now() + 60_000 });
    await run((all) => all.hideDeleted(record));
    expect(await store.head({ key: record.key })).not.toBeNull();
  });

  it('is hidden once, only while it can be brought back, and not below the bytes of a successor', async () => {
    const { stored, put, store, change, run } = world();
    const record = await stored();
    const hide = () => run((all) => all.hideDeleted(record));
    await hide();
    expect(await store.head(record)).not.toBeNull();
    expect(await store.listVersions(record.key)).toHaveLength(1);
    await change(record, { status: 'DELETED', purgeAtMs: Date.now() + 1_000 });
    await hide();
    await hide();
    expect(await store.listVersions(record.key)).toHaveLength(2);
    await put(record, 'a successor');
    await hide();
    expect(await store.head({ key: record.key })).not.toBeNull();
  });
});
