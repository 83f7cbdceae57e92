import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import type { RecordChange } from '../../src/db/artifact-records.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/units.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import type { VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';
import { BYTES, sha256, START_MS } from '../support/virtual-time/virtual-artifact.js';

/*
 * Work that was done although nobody heard of it: a worker that died before it could answer, an answer that was lost, an attempt that
 * comes late. What is done again must know it.
 */

const { start, active } = useArtifacts();

const away = () => toFailure(new ArtifactError('storage_unavailable', 'no answer'));
const PART_BYTES = 16 * 1024 ** 2;

/** A multipart upload of one full part and one byte, all sent. */
async function sentInParts(options: Parameters<typeof start>[0] = {}): Promise<{
  artifact: VirtualArtifact;
  bytes: Buffer;
}> {
  const bytes = Buffer.alloc(PART_BYTES + 1, 'x');
  const artifact = await start({ ...options, upload: { sizeBytes: bytes.length, sha256: sha256(bytes) } });
  await artifact.sendInParts(bytes);
  return { artifact, bytes };
}

describe('a multipart upload whose parts were joined', () => {
  it('before the answer was lost can be completed again', async () => {
    const { artifact, bytes } = await sentInParts();
    artifact.losses.set('joinUpload', away);
    const claim = { sizeBytes: bytes.length, sha256: sha256(bytes), actor: 'agent' };
    await expect(artifact.run.mustUpdate('completeUpload', claim)).rejects.toMatchObject({
      type: 'storage_unavailable',
    });
    artifact.losses.clear();
    expect(await artifact.complete(bytes)).toMatchObject({ status: 'ACTIVE', checksumState: 'claimed' });
    expect(await artifact.row()).toMatchObject({ checksumState: 'verified' });
    expect(await artifact.remains()).toBe(1);
  });

  it('before its bytes could be read back can be completed again', async () => {
    const { artifact, bytes } = await sentInParts({ capabilities: { enforcesChecksums: false } });
    artifact.faults.set('verifyBytes', away);
    await artifact.run.update('completeUpload', { sizeBytes: bytes.length, sha256: sha256(bytes), actor: 'agent' });
    artifact.faults.clear();
    expect(await artifact.complete(bytes)).toMatchObject({ status: 'ACTIVE', checksumState: 'verified' });
  });

  it('and then abandoned leaves nothing', async () => {
    const { artifact, bytes } = await sentInParts();
    artifact.losses.set('joinUpload', away);
    await artifact.run.update('completeUpload', { sizeBytes: bytes.length, sha256: sha256(bytes), actor: 'agent' });
    await artifact.run.advance(DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_abandoned' });
    expect(await artifact.remains()).toBe(0);
  });
});

describe('a change of the row', () => {
  it('that a dying worker wrote does not swallow the keep that comes next', async () => {
    const artifact = await active();
    const { revision } = await artifact.row();
    // The task of this one was never completed: neither update nor marker is in the history.
    await artifact.world.records.change({
      artifactId: artifact.id,
      changeNumber: revision + 1,
      atMs: START_MS,
      patch: { retention: { rule: 'artifact', days: 60 }, expiresAtMs: START_MS + 60 * DAY_MS },
      event: { kind: 'retention_changed', actor: 'bob', detail: { days: 60 } },
    });
    await artifact.run.signal('keepForever', { actor: 'ann', reason: 'evidence' });
    await artifact.run.advance(400 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'permanent', by: 'ann' } });
  });

  it('whose answer was lost is not written twice', async () => {
    const artifact = await active();
    artifact.losses.set('recordChange', () => {
      artifact.losses.clear();
      return toFailure(new ArtifactError('database_unavailable', 'no answer'));
    });
    await artifact.run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
    expect(await artifact.audit()).toEqual(['upload_begun', 'upload_completed', 'retention_changed']);
  });
});

describe('a row that knows more than its workflow', () => {
  /** As a task that was lost with its worker, before it could enter the history, leaves the row. */
  const writeLost = async (artifact: VirtualArtifact, change: Pick<RecordChange, 'patch' | 'event'>): Promise<void> => {
    const { id: artifactId, revision } = await artifact.row();
    await artifact.world.records.change({ artifactId, changeNumber: revision + 1, atMs: START_MS, ...change });
  };

  it('is believed before the artifact expires', async () => {
    const artifact = await active();
    await writeLost(artifact, {
      patch: { retention: { rule: 'permanent', by: 'ann', reason: '', atMs: START_MS }, expiresAtMs: null },
      event: { kind: 'retention_changed', actor: 'ann', detail: {} },
    });
    await artifact.run.advance(400 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'permanent' } });
    expect(await artifact.run.query('describe')).toMatchObject({ next: { rule: 'permanent' } });
  });

  it('is believed before an upload is abandoned', async () => {
    const artifact = await start();
    await artifact.send(BYTES);
    await writeLost(artifact, {
      patch: { status: 'ACTIVE', expiresAtMs: START_MS + 30 * DAY_MS },
      event: { kind: 'upload_completed', actor: 'agent', detail: {} },
    });
    await artifact.run.advance(2 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
    await artifact.run.advance(29 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  });

  describe('of a deletion that its worker did not survive', () => {
    const begin = {
      patch: { deletionReason: 'expired' },
      event: { kind: 'deletion_begun', actor: 'worker', detail: {} },
    } as const;
    const end = { patch: { status: 'DELETED' }, event: { kind: 'deleted', actor: 'worker', detail: {} } } as const;

    it('lets a keep win that comes before the bytes go, and makes it wait for an attempt that may still run', async () => {
      const artifact = await active();
      const { key } = await artifact.row();
      await writeLost(artifact, begin);
      await artifact.world.store.addDeleteMarker(key);
      await artifact.run.signal('keepForever', { actor: 'ann', reason: 'evidence' });
      expect(await artifact.row()).toMatchObject({ retention: { rule: 'default' } });
      await artifact.run.advance(MINUTE_MS);
      expect(await artifact.row()).toMatchObject({
        status: 'ACTIVE',
        deletionReason: null,
        retention: { rule: 'permanent' },
      });
      expect(await artifact.world.store.head({ key })).not.toBeNull();
      expect(await artifact.audit()).toEqual([
        ...['upload_begun', 'upload_completed', 'deletion_begun', 'deletion_revoked', 'retention_changed'],
      ]);
      await artifact.run.advance(400 * DAY_MS);
      expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
    });

    it.each([
      ['keepForever', { reason: '', actor: 'ann' }],
      ['addHold', { hold: { id: 'h', reason: 'r', untilMs: null }, actor: 'ann' }],
      ['setRetention', { days: 60, confirm: false, actor: 'ann' }],
      ['archiveArtifact', { actor: 'ann' }],
    ])('refuses a %s that comes after it was proven', async (verb, message) => {
      const artifact = await active();
      await writeLost(artifact, begin);
      await writeLost(artifact, end);
      await expect(artifact.run.mustUpdate(verb, message)).rejects.toMatchObject({ type: 'artifact_deleted' });
      expect(await artifact.row()).toMatchObject({ status: 'DELETED', retention: { rule: 'default' }, holds: [] });
      expect(await artifact.audit()).toEqual(['upload_begun', 'upload_completed', 'deletion_begun', 'deleted']);
      expect(await artifact.run.query('describe')).toMatchObject({ record: { status: 'DELETED' } });
    });

    it('is not written a second time when what led to it is asked for again', async () => {
      const artifact = await active();
      const retention = { rule: 'date', expiresAtMs: START_MS } as const;
      await writeLost(artifact, {
        patch: { retention, expiresAtMs: START_MS },
        event: { kind: 'retention_changed', actor: 'ann', detail: {} },
      });
      await writeLost(artifact, begin);
      await artifact.run.update('setRetention', { expiresAtMs: START_MS, confirm: true, actor: 'ann' });
      expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
      expect(await artifact.audit()).toEqual([
        ...['upload_begun', 'upload_completed', 'retention_changed', 'deletion_begun', 'deleted'],
      ]);
    });
  });

  it('does not stop a deletion that somebody asked for', async () => {
    const artifact = await active();
    await writeLost(artifact, { patch: {}, event: { kind: 'retention_changed', actor: 'ann', detail: {} } });
    expect(await artifact.run.mustUpdate('deleteArtifact', { actor: 'bob' })).toMatchObject({ status: 'DELETED' });
  });
});

describe('a keep', () => {
  it('is not undone by an earlier word about days whose tag could not be written', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('keepForever', { reason: '', actor: 'ann' });
    artifact.faults.set('tagObject', away);
    await artifact.run.signal('setRetention', { days: 60, actor: 'bob' });
    artifact.faults.clear();
    await artifact.run.mustUpdate('keepForever', { reason: '', actor: 'ann' });
    await artifact.run.advance(400 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'permanent', by: 'ann' } });
  });

  it('is on the object also when an archive takes up the copy of an attempt that was lost', async () => {
    const artifact = await active();
    artifact.losses.set('ensureTier', away);
    await artifact.run.update('archiveArtifact', { actor: 'ann' });
    artifact.losses.clear();
    await artifact.run.mustUpdate('keepForever', { reason: '', actor: 'ann' });
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    const { key } = await artifact.row();
    expect(await artifact.world.store.getTags({ key })).toMatchObject({ 'artifact-retention': 'permanent' });
  });
});

describe('an archive', () => {
  it('whose row could not be written at once keeps the version that the row names', async () => {
    const artifact = await active();
    const before = await artifact.row();
    artifact.losses.set('ensureTier', away);
    await artifact.run.update('archiveArtifact', { actor: 'ann' });
    const read = await artifact.world.store.read({ key: before.key, versionId: before.versionId });
    expect(read).not.toBeNull();
    read?.destroy();
    artifact.losses.clear();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', storageClass: 'GLACIER' });
    expect(await artifact.remains()).toBe(1);
  });
});

describe('a signal whose work fails', () => {
  it('is visible, is tried again, and comes before the expiry', async () => {
    const artifact = await active();
    artifact.faults.set('tagObject', away);
    await artifact.run.advance(30 * DAY_MS - 2 * MINUTE_MS);
    await artifact.run.signal('keepForever', { actor: 'ops' });
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBe('storage_unavailable');
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'default' } });
    artifact.faults.clear();
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'permanent', by: 'ops' } });
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBeNull();
  });
});

describe('an archive signal that cannot be carried out', () => {
  it('does not stop the expiry, and does not leave its problem behind', async () => {
    const artifact = await active();
    artifact.faults.set('ensureTier', away);
    await artifact.run.signal('archiveArtifact');
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBe('storage_unavailable');
    await artifact.run.mustUpdate('setRetention', { days: 20, confirm: false, actor: 'ann' });
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBe('storage_unavailable');
    await artifact.run.advance(20 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  });

  it('tells operators since when, however often it was tried', async () => {
    const artifact = await active();
    artifact.faults.set('ensureTier', away);
    await artifact.run.signal('archiveArtifact');
    await artifact.run.advance(HOUR_MS);
    expect(artifact.run.activities.filter((name) => name === 'ensureTier').length).toBeGreaterThan(2);
    const shown = await artifact.run.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(shown.currentDetails).toContain(`since ${new Date(START_MS).toISOString()}`);
  });

  it('that can never be is forgotten with its problem', async () => {
    const artifact = await active();
    artifact.faults.set('ensureTier', away);
    await artifact.run.signal('archiveArtifact');
    artifact.faults.set('ensureTier', () => toFailure(new ArtifactError('storage_rejected', 'no')));
    await artifact.run.advance(HOUR_MS);
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBeNull();
    expect(await artifact.run.query('describe')).toMatchObject({ next: { kind: 'warn' } });
  });
});

describe('a deletion', () => {
  it('removes the object also when the row went with its execution', async () => {
    const artifact = await active();
    const { key } = await artifact.row();
    artifact.world.records.deleteExecution((await artifact.row()).executionId);
    await artifact.run.update('deleteArtifact', { actor: 'ann' });
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.world.store.listVersions(key)).toEqual([]);
  });

  it('asked for again is tried at once', async () => {
    const artifact = await active();
    artifact.faults.set('eraseArtifact', away);
    await artifact.run.update('deleteArtifact', { actor: 'ann' });
    artifact.faults.clear();
    expect(await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' })).toMatchObject({ status: 'DELETED' });
  });
});

describe('an undelete', () => {
  it('after a purge that was given up waits until that can do no harm', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    artifact.faults.set('purgeVersions', away);
    await artifact.run.update('purgeArtifact', { actor: 'ann' });
    artifact.faults.clear();
    await artifact.run.update('undeleteArtifact', { actor: 'ann' });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED' });
    await artifact.run.advance(MINUTE_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
  });
});

describe('a warning', () => {
  it('that is refused is visible, is tried again, and stops nothing', async () => {
    const artifact = await active();
    artifact.faults.set('recordChange', () => toFailure(new ArtifactError('wrong_state', 'no')));
    await artifact.run.advance(28 * DAY_MS);
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBe('wrong_state');
    expect(artifact.run.activities.filter((name) => name === 'recordChange').length).toBeLessThan(30);
    artifact.faults.clear();
    await artifact.run.advance(HOUR_MS);
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBeNull();
    expect(await artifact.audit()).toContain('expiry_warned');
  });
});

describe('an artifact whose row went with its execution', () => {
  it('is removed at its deadline, though nobody could be warned', async () => {
    const artifact = await active();
    const { key, executionId } = await artifact.row();
    artifact.world.records.deleteExecution(executionId);
    await artifact.run.advance(31 * DAY_MS);
    expect(await artifact.world.store.listVersions(key)).toEqual([]);
    expect(artifact.run.ending).toMatchObject({ completed: { ended: 'expired' } });
  });

  it('is removed also after a hold whose end could not be written', async () => {
    const artifact = await active();
    const { key, executionId } = await artifact.row();
    const hold = { id: 'h', reason: 'r', untilMs: START_MS + 40 * DAY_MS };
    await artifact.run.mustUpdate('addHold', { hold, actor: 'ann' });
    artifact.world.records.deleteExecution(executionId);
    await artifact.run.advance(41 * DAY_MS);
    expect(await artifact.world.store.listVersions(key)).toEqual([]);
  });
});

describe('a registration that was given up', () => {
  it('and is written after all is found and removed', async () => {
    const artifact = await start({ outageOf: 'registerUpload' });
    const record = await artifact.registerLate();
    await artifact.world.store.put(objectAtCreation(record), BYTES);
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_failed' });
    expect(await artifact.remains()).toBe(0);
  });

  it('is looked for a second time however often it is deleted', async () => {
    const artifact = await start({ outageOf: 'registerUpload' });
    await artifact.run.signal('deleteArtifact');
    await artifact.run.signal('deleteArtifact');
    await artifact.registerLate();
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED' });
  });
});
