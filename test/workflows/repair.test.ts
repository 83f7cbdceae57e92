import { describe, expect, it } from 'vitest';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/units.js';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import {
  expectHealed,
  lastOf,
  message,
  removeBytes,
  repair,
  repairSlowly,
  RUN,
  twoDaysOld,
} from '../support/repairs.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { BYTES, START_MS, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/* What an artifact does about a store and a row that are not as they should be. */

const { start, active } = useArtifacts();

const aged = (options?: Parameters<typeof active>[0]): Promise<VirtualArtifact> => twoDaysOld(active(options));

describe('a repair of what is as it should be', () => {
  it('changes nothing, writes nothing, and says so', async () => {
    const artifact = await aged();
    const before = await artifact.row();
    expect(await repair(artifact)).toEqual({ outcome: 'nothing', note: 'all is as it should be' });
    expect(await artifact.row()).toEqual(before);
    expect(await artifact.audit()).toEqual(['upload_begun', 'upload_completed']);
  });

  it.each(['UPLOADING', 'ARCHIVED', 'RESTORING', 'KEPT', 'TAGGED', 'DELETED', 'HIDDEN'])(
    'finds nothing in one that is %s',
    async (state) => {
      const artifact = await start();
      if (state !== 'UPLOADING') {
        await artifact.send(BYTES);
        await artifact.complete();
      }
      const { run } = artifact;
      if (state === 'ARCHIVED' || state === 'RESTORING') await run.mustUpdate('archiveArtifact', { actor: 'ann' });
      if (state === 'RESTORING') await run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
      if (state === 'KEPT') await run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
      if (state === 'TAGGED') await run.mustUpdate('setTags', { tags: { a: 'b' }, merge: false, actor: 'ann' });
      if (state === 'DELETED') await run.mustUpdate('purgeArtifact', { actor: 'ann' });
      if (state === 'HIDDEN') await run.mustUpdate('deleteArtifact', { actor: 'ann' });
      const before = await artifact.row();
      expect(await repair(artifact)).toMatchObject({ outcome: 'nothing' });
      expect(await artifact.row()).toEqual(before);
      await run.advance(2 * HOUR_MS);
      if (run.ending === null) expect(await repair(artifact)).toMatchObject({ outcome: 'nothing' });
      expect((await artifact.audit()).filter((kind) => kind === 'repaired')).toEqual([]);
    },
  );

  it('finds nothing in a logical archive, nor in a bucket without versions', async () => {
    const world = {
      store: new MemoryObjectStore({ versioning: false, storageClasses: false }),
      records: new MemoryArtifactRecords(),
    };
    const artifact = await aged({ world, capabilities: { versioning: false, storageClasses: false, restore: false } });
    expect(await repair(artifact)).toMatchObject({ outcome: 'nothing' });
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    expect(await repair(artifact)).toMatchObject({ outcome: 'nothing' });
  });

  it('is a signal too', async () => {
    const artifact = await aged();
    const { key } = await artifact.row();
    await artifact.world.store.addDeleteMarker(key);
    await artifact.run.signal('repairArtifact', {});
    expect(await artifact.world.store.head({ key })).not.toBeNull();
    expect(await lastOf(artifact)).toMatchObject({ kind: 'repaired', actor: 'signal' });
  });
});

describe('an object that is hidden', () => {
  it('comes to light again', async () => {
    const artifact = await aged();
    const { key } = await artifact.row();
    await artifact.world.store.addDeleteMarker(key);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'hidden' });
    expect(await artifact.world.store.head({ key })).toMatchObject({ owner: { artifactId: artifact.id } });
    expect(await lastOf(artifact)).toMatchObject({
      kind: 'repaired',
      actor: 'reconcile',
      detail: { wrong: 'hidden', runId: RUN },
    });
    await expectHealed(artifact);
  });

  it('stays hidden when bytes of somebody else would come to light', async () => {
    const artifact = await aged();
    const row = await artifact.row();
    const { store } = artifact.world;
    const foreign = { ...objectAtCreation(row), owner: { ...objectAtCreation(row).owner, artifactId: 'somebody' } };
    await store.put(foreign, BYTES);
    await store.addDeleteMarker(row.key);
    expect(await repair(artifact)).toMatchObject({
      outcome: 'failed',
      note: expect.stringContaining('somebody else') as string,
    });
    expect(await store.head({ key: row.key })).toBeNull();
    expect(await store.head(row)).not.toBeNull();
  });

  it('is hidden again when it is deleted and somebody has shown it', async () => {
    const artifact = await aged();
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    const { key, versionId } = await artifact.row();
    const { store } = artifact.world;
    const [marker] = await store.listVersions(key);
    await store.deleteVersion(key, marker?.versionId ?? null);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'deleted and not hidden' });
    expect(await store.head({ key })).toBeNull();
    expect(await store.head({ key, versionId })).not.toBeNull();
    await expectHealed(artifact);
    expect(await artifact.run.mustUpdate('undeleteArtifact', { actor: 'ann' })).toMatchObject({ status: 'ACTIVE' });
  });
});

describe('bytes that are gone', () => {
  it('are looked for twice, and then it is deleted, says why, and the run ends red', async () => {
    const artifact = await aged();
    const { key, versionId } = await artifact.row();
    await removeBytes(artifact, key);
    const asked = await artifact.run.send('repairArtifact', message);
    await artifact.run.advance(SECOND_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
    await artifact.run.advance(10 * SECOND_MS);
    expect(artifact.run.outcomeOf(asked)).toMatchObject({ completed: { outcome: 'repaired' } });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'bytes_lost', purgeAtMs: null });
    expect(await lastOf(artifact)).toMatchObject({
      kind: 'deleted',
      actor: 'reconcile',
      detail: { reason: 'bytes_lost', versionId, runId: RUN, missingAt: [expect.any(String), expect.any(String)] },
    });
    expect(artifact.run.ending).toMatchObject({
      failed: { type: 'ArtifactLost', message: 'output/report.txt ended as bytes_lost' },
    });
  });

  it('are not gone when they are back at the second look', async () => {
    const artifact = await aged();
    const row = await artifact.row();
    await removeBytes(artifact, row.key);
    const asked = await artifact.run.send('repairArtifact', message);
    await artifact.run.advance(SECOND_MS);
    await artifact.send(BYTES);
    await artifact.run.advance(10 * SECOND_MS);
    expect(artifact.run.outcomeOf(asked)).toMatchObject({ completed: { outcome: 'repaired', note: 'version gone' } });
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', checksumState: 'verified' });
    await expectHealed(artifact);
  });

  it('are never gone for a store that does not answer, or refuses to', async () => {
    for (const outage of ['storage_unavailable', 'storage_rejected', 'bucket_not_found'] as const) {
      const artifact = await aged();
      artifact.world.store.outage = outage;
      expect(await repairSlowly(artifact)).toMatchObject({ completed: { outcome: 'failed' } });
      artifact.world.store.outage = null;
      expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
      await expectHealed(artifact);
    }
  });

  it('of one that is held and permanent make it DELETED too, which is told', async () => {
    const artifact = await aged();
    const hold = { id: RUN, reason: 'case 17', untilMs: null };
    await artifact.run.mustUpdate('addHold', { hold, actor: 'ann' });
    await artifact.run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
    await removeBytes(artifact, (await artifact.row()).key);
    await repairSlowly(artifact);
    expect(await lastOf(artifact)).toMatchObject({ kind: 'deleted', detail: { wasHeld: true, wasPermanent: true } });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', holds: [{ id: RUN }] });
  });

  it('close the window in which it could have been brought back', async () => {
    const artifact = await aged();
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    await removeBytes(artifact, (await artifact.row()).key);
    expect(await repairSlowly(artifact)).toMatchObject({ completed: { outcome: 'repaired' } });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'requested', purgeAtMs: null });
    expect(artifact.run.ending).toMatchObject({ completed: { ended: 'requested' } });
  });

  it('are replaced by another whole version of its own, which the row names then', async () => {
    const artifact = await aged();
    const row = await artifact.row();
    await artifact.send(BYTES);
    await artifact.world.store.deleteVersion(row.key, row.versionId);
    const [other] = await artifact.world.store.listVersions(row.key);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'version gone' });
    expect(await artifact.row()).toMatchObject({ versionId: other?.versionId, checksumState: 'verified' });
    await expectHealed(artifact);
  });

  it('are no reason to wait for, when its time is over anyway', async () => {
    const artifact = await active();
    await removeBytes(artifact, (await artifact.row()).key);
    await artifact.run.advance(31 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  });
});

describe('other bytes', () => {
  it('are read back, and are a mismatch if they are not those that were claimed', async () => {
    const artifact = await aged();
    const row = await artifact.row();
    await artifact.send(Buffer.from('9 others!'));
    await artifact.world.store.deleteVersion(row.key, row.versionId);
    expect(await repair(artifact)).toMatchObject({ outcome: 'repaired' });
    await artifact.run.advance(MINUTE_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', checksumState: 'mismatch', sizeBytes: 9 });
    await expectHealed(artifact);
  });

  it('that are the same after all are verified', async () => {
    const artifact = await aged({ capabilities: { enforcesChecksums: false } });
    artifact.world.records.injure(artifact.id, { etag: 'other', sizeBytes: 3 });
    expect(await repair(artifact)).toMatchObject({ outcome: 'repaired', note: 'row differs' });
    expect(await artifact.row()).toMatchObject({ sizeBytes: BYTES.length, checksumState: 'verified' });
    await expectHealed(artifact);
  });
});

describe('a storage class', () => {
  it('that is the archive makes an ACTIVE artifact ARCHIVED', async () => {
    const artifact = await aged();
    const row = await artifact.row();
    await artifact.world.store.copyToClass(row, 'GLACIER');
    await artifact.world.store.deleteVersion(row.key, row.versionId);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'version gone, class differs' });
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', tier: 'COLD', storageClass: 'GLACIER' });
    await expectHealed(artifact);
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
    artifact.world.store.finishRestores();
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', tier: 'HOT' });
  });

  it('that is colder is believed, one that is warmer is changed again', async () => {
    const world = { store: new MemoryObjectStore({ versioning: false }), records: new MemoryArtifactRecords() };
    const artifact = await aged({ world, capabilities: { versioning: false } });
    const { key } = await artifact.row();
    await world.store.copyToClass({ key }, 'STANDARD_IA');
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'class differs' });
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', tier: 'WARM', storageClass: 'STANDARD_IA' });
    await world.store.copyToClass({ key }, 'STANDARD');
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'class differs' });
    expect(await world.store.head({ key })).toMatchObject({ storageClass: 'STANDARD_IA' });
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await world.store.restore({ key }, { tier: 'Bulk', days: 1 });
    world.store.finishRestores();
    await world.store.copyToClass({ key }, 'STANDARD');
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'class differs' });
    expect(await world.store.head({ key })).toMatchObject({ storageClass: 'GLACIER' });
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', storageClass: 'GLACIER' });
    await expectHealed(artifact);
  });
});

describe('tags and versions', () => {
  it('that differ are given again, so that the bucket never removes what is kept', async () => {
    const artifact = await aged();
    await artifact.run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
    const row = await artifact.row();
    await artifact.world.store.putTags(row, { 'artifact-retention': 'expiring', stray: 'tag' });
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'tags differ' });
    expect(await artifact.world.store.getTags(row)).toEqual({ team: 'blue', 'artifact-retention': 'permanent' });
    await expectHealed(artifact);
  });

  it('that cannot be given yet are given later', async () => {
    const artifact = await aged();
    const row = await artifact.row();
    await artifact.world.store.putTags(row, {});
    artifact.faults.set('tagObject', () => toFailure(new ArtifactError('storage_unavailable', 'no answer')));
    expect(await repair(artifact)).toMatchObject({ outcome: 'failed' });
    artifact.faults.clear();
    await artifact.run.advance(2 * MINUTE_MS);
    expect(await artifact.world.store.getTags(row)).toMatchObject({ 'artifact-retention': 'expiring' });
    await expectHealed(artifact);
  });

  it('of its own that nothing names go when they are not young, and nobody else’s', async () => {
    const artifact = await aged();
    const row = await artifact.row();
    const { store } = artifact.world;
    await artifact.send(BYTES);
    expect(await repair(artifact)).toMatchObject({ outcome: 'nothing' });
    await artifact.run.advance(2 * HOUR_MS);
    const foreign = { ...objectAtCreation(row), owner: { ...objectAtCreation(row).owner, artifactId: 'somebody' } };
    const { versionId: foreignId } = await store.put(foreign, BYTES);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'versions left' });
    expect((await store.listVersions(row.key)).map(({ versionId }) => versionId)).toEqual([foreignId, row.versionId]);
  });

  it('of what is deleted for good go, unless they are young', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('purgeArtifact', { actor: 'ann' });
    await artifact.send(BYTES);
    expect(await repair(artifact)).toMatchObject({ outcome: 'nothing' });
    await artifact.run.advance(HOUR_MS + MINUTE_MS);
    expect(await artifact.remains()).toBe(1);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'bytes left' });
    expect(await artifact.remains()).toBe(0);
    expect(await lastOf(artifact)).toMatchObject({ kind: 'repaired', detail: { wrong: 'bytes left' } });
  });
});

describe('a row', () => {
  it('that somebody has changed is as the workflow knows it again', async () => {
    const artifact = await aged();
    const before = await artifact.row();
    const wrong = { status: 'DELETED', storageClass: 'GLACIER', sizeBytes: 1, expiresAtMs: START_MS } as const;
    artifact.world.records.injure(artifact.id, wrong);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'row differs' });
    expect(await artifact.row()).toEqual({ ...before, revision: before.revision + 1, updatedAtMs: artifact.run.nowMs });
    expect(await lastOf(artifact)).toMatchObject({ detail: { rowSaid: { storageClass: 'GLACIER', sizeBytes: 1 } } });
    await expectHealed(artifact);
  });

  it.each([
    ['tags', { tags: { a: 'b' } }],
    ['path', { key: 'artifacts/elsewhere', path: 'elsewhere' }],
    ['type', { type: 'log', mimeType: 'text/x-other' }],
    ['last day', { warnedAtMs: 1, uploadId: 'u1' }],
  ] as const)('whose %s somebody has changed is found by it too', async (_what, wrong) => {
    const artifact = await aged();
    const before = await artifact.row();
    artifact.world.records.injure(artifact.id, wrong);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'row differs' });
    expect(await artifact.row()).toEqual({ ...before, revision: before.revision + 1, updatedAtMs: artifact.run.nowMs });
    await expectHealed(artifact);
  });

  it('that is gone is written again, unless its execution went with it', async () => {
    const artifact = await aged();
    const before = await artifact.row();
    const execution = await artifact.world.records.getExecution(before.executionId);
    artifact.world.records.deleteExecution(before.executionId);
    if (execution !== null) artifact.world.records.putExecution(execution);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'its row was gone' });
    expect(await artifact.row()).toMatchObject({ ...before, revision: before.revision + 1 });
    expect(await lastOf(artifact)).toMatchObject({ kind: 'row_restored', detail: { from: 'workflow', runId: RUN } });
    await expectHealed(artifact);
    artifact.world.records.deleteExecution(before.executionId);
    expect(await repair(artifact)).toMatchObject({ outcome: 'nothing' });
    expect(await artifact.world.records.get(artifact.id)).toBeNull();
  });

  it('that tells of a change which the workflow never heard of is believed', async () => {
    const artifact = await aged();
    const row = await artifact.row();
    const event = { kind: 'tags_changed' as const, actor: 'ann', detail: {} };
    const patch = { tags: { late: 'yes' } };
    const change = { artifactId: row.id, changeNumber: row.revision + 1, atMs: Date.now(), patch, event };
    await artifact.world.records.change(change);
    expect(await repair(artifact)).toMatchObject({ outcome: 'repaired' });
    expect(await artifact.world.store.getTags(row)).toMatchObject({ late: 'yes' });
    await expectHealed(artifact);
  });
});

describe('what is overdue', () => {
  it('is tried at once: a deletion that is stuck', async () => {
    const artifact = await aged();
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.update('deleteArtifact', { actor: 'ann' });
    await artifact.run.advance(3 * HOUR_MS);
    expect(await repairSlowly(artifact)).toMatchObject({ completed: { outcome: 'failed' } });
    artifact.world.store.outage = null;
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'it is deleted (requested)' });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'requested' });
  });

  it('waits for a keep that was accepted', async () => {
    const artifact = await active();
    await artifact.run.advance(29 * DAY_MS);
    const fault = () => toFailure(new ArtifactError('storage_unavailable', 'no answer'));
    for (const name of ['eraseArtifact', 'findUnharmed']) artifact.faults.set(name, fault);
    await artifact.run.advance(2 * DAY_MS);
    await artifact.run.update('keepForever', { reason: 'evidence', actor: 'ann' });
    expect(await repair(artifact)).toEqual({ outcome: 'nothing', note: 'its deletion waits for a reason' });
    artifact.faults.clear();
    await artifact.run.advance(2 * HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'permanent' } });
  });

  it('is the look at a restore that nobody watches', async () => {
    const first = await aged();
    await first.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await first.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
    const { world, upload } = first;
    const record = await first.row();
    const state = { v: 2, record, nextRestorePollMs: null, unfinished: [], deletion: null, uploadEndedMs: START_MS };
    const artifact = await start({
      ...{ world, upload },
      state: { ...state, sweepAtMs: null, retriesMs: {}, problem: null },
    });
    world.store.finishRestores();
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'restore not watched' });
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', restoreState: null });
    await expectHealed(artifact);
  });
});
