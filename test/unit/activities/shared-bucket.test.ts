import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { openDatabasesOfBucket } from '../../../src/bucket-databases.js';
import { MemoryDatabaseIdentity } from '../../../src/db/memory/memory-database-identity.js';
import { NOTHING_INSPECTED } from '../../../src/domain/drift.js';
import { manifestKey } from '../../../src/domain/keys.js';
import { manifestObject } from '../../../src/domain/manifest.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { newArtifact } from '../../support/new-artifact.js';
import { about, aFinding, AT_MS, objectOf, settlingWorld } from '../../support/settling-world.js';
import { aRecord } from '../../support/records.js';
import { QUIET } from '../../support/virtual-time/virtual-artifact.js';

/** A world whose bucket is that of another database too, from when it has entered. */
function world() {
  const ours = settlingWorld();
  const theirs = openDatabasesOfBucket({ store: ours.store, identity: new MemoryDatabaseIdentity(), name: 'theirs' });
  const run = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment({}, { logger: QUIET }).run(work);
  return { ...ours, run, enterTheirs: () => theirs.enter(), theirId: async () => (await theirs.look()).id };
}

const WITHHELD = { outcome: 'withheld', note: expect.stringContaining('(theirs)') as string };

describe('while a bucket is that of another database too, a repair', () => {
  it('removes no object that it does not know, also one whose quarantine is over', async () => {
    const { settle, stray, store, clock, enterTheirs } = world();
    const finding = await stray();
    expect(await settle([finding])).toMatchObject([{ outcome: 'quarantined' }]);
    await enterTheirs();
    clock.nowMs += 8 * DAY_MS;
    expect(await settle([finding])).toMatchObject([WITHHELD]);
    expect(await store.listVersions(finding.key!)).toHaveLength(1);
  });

  it('does not even begin to count the days of quarantine, which begin anew once the other is gone', async () => {
    const { settle, stray, activities, databases, quarantine, clock, enterTheirs, theirId } = world();
    const finding = await stray();
    await settle([finding]);
    await enterTheirs();
    clock.nowMs += 8 * DAY_MS;
    const startedAtMs = clock.nowMs;
    const runId = randomUUID();
    await settle([finding], { runId });
    const end = { finishedAtMs: startedAtMs, inspected: NOTHING_INSPECTED, failure: null };
    await activities.finishReconciliation({ runId, mode: 'repair', startedAtMs, ...end });
    expect(await quarantine.countQuarantined(startedAtMs + 1)).toBe(0);
    await databases.forget(await theirId());
    expect(await settle([finding])).toMatchObject([{ outcome: 'quarantined' }]);
    clock.nowMs += 8 * DAY_MS;
    expect(await settle([finding])).toMatchObject([{ outcome: 'repaired' }]);
  });

  it('aborts no upload, and lets what it has deleted lie', async () => {
    const { settle, stored, store, clock, enterTheirs } = world();
    const { key } = newArtifact();
    const uploadId = await store.createUpload(objectOf(key));
    const deleted = await stored({
      ...{ status: 'DELETED', deletedAtMs: AT_MS, deletionReason: 'requested', purgeAtMs: null },
    });
    clock.nowMs += DAY_MS;
    await enterTheirs();
    const findings = [aFinding({ kind: 'upload_unknown', key, uploadId }), about(deleted, 'object_left')];
    expect(await settle(findings)).toMatchObject([WITHHELD, WITHHELD]);
    expect(await store.listUploads(key)).toHaveLength(1);
    expect(await store.listVersions(deleted.key)).toHaveLength(1);
  });

  it.each([true, false])('leaves manifests as they are, with a row for them: %s', async (hasRow) => {
    const { settle, stored, store, enterTheirs } = world();
    const executionId = hasRow ? (await stored()).executionId : randomUUID();
    await store.put(manifestObject(executionId), Buffer.from('{}'));
    await enterTheirs();
    const finding = aFinding({ kind: 'manifest_differs', executionId, key: manifestKey(executionId) });
    expect(await settle([finding])).toMatchObject([WITHHELD]);
    expect(await store.head({ key: manifestKey(executionId) })).not.toBeNull();
  });

  it('is told of by a dry run', async () => {
    const { settle, stray, enterTheirs } = world();
    await enterTheirs();
    expect(await settle([await stray()], { mode: 'dry-run' })).toMatchObject([WITHHELD]);
  });

  it.each(['expired_present', 'tags_differ', 'life_missing'] as const)(
    'starts no life from a row, of which this one may be a copy: %s',
    async (kind) => {
      const { settle, stored, told, enterTheirs } = world();
      const record = await stored();
      await enterTheirs();
      expect(await settle([about(record, kind)])).toMatchObject([WITHHELD]);
      expect(told.filter((one) => one.startsWith('revive'))).toEqual([]);
    },
  );

  it('heals what workflows of its own lead', async () => {
    const { settle, stored, answers, enterTheirs } = world();
    const record = await stored();
    await enterTheirs();
    // As after a backup was restored, when this one takes itself for another.
    for (const kind of ['tags_differ', 'row_differs', 'row_missing', 'object_missing'] as const) {
      answers.set(record.id, [{ outcome: 'repaired', note: 'by its workflow' }]);
      expect(await settle([about(record, kind)])).toMatchObject([{ outcome: 'repaired' }]);
    }
  });
});

describe('while a bucket is that of another database too, a deletion without a row', () => {
  it.each(['eraseArtifact', 'purgeVersions'] as const)('waits, and says for whom: %s', async (verb) => {
    const { activities, store, run, enterTheirs } = world();
    const record = aRecord({ createdAtMs: AT_MS });
    await store.put(objectAtCreation(record), Buffer.from('ten bytes!'));
    await enterTheirs();
    const deletion = { record, reason: 'expired' as const, actor: 'worker', atMs: AT_MS };
    await expect(run<unknown>(() => activities[verb](deletion))).rejects.toMatchObject({
      type: 'database_unavailable',
      message: expect.stringContaining('(theirs)') as string,
    });
    expect(await store.listVersions(record.key)).toHaveLength(1);
  });
});

describe('while a bucket is that of another database too, a manifest', () => {
  it('of an execution that this one does not know stays as it is, with its uploads', async () => {
    const { activities, store, run, enterTheirs, databases, theirId } = world();
    const executionId = randomUUID();
    const object = manifestObject(executionId);
    await store.put(object, Buffer.from('{}'));
    await store.createUpload(object);
    await enterTheirs();
    await run(() => activities.writeManifest(executionId));
    expect(await store.listVersions(object.key)).toHaveLength(1);
    expect(await store.listUploads(object.key)).toHaveLength(1);
    await databases.forget(await theirId());
    await run(() => activities.writeManifest(executionId));
    expect(await store.listVersions(object.key)).toEqual([]);
  });

  it('of its own is written as ever', async () => {
    const { activities, stored, store, run, enterTheirs } = world();
    const { executionId } = await stored();
    await enterTheirs();
    expect(await run(() => activities.writeManifest(executionId))).toBe(1);
    expect(await store.head({ key: manifestKey(executionId) })).not.toBeNull();
  });
});
