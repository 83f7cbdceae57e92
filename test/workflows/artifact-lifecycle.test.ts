import { describe, expect, it } from 'vitest';
import { ArtifactError } from '../../src/domain/errors.js';
import { planOf } from '../../src/domain/plan.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/units.js';
import { toFailure } from '../../src/activities/boundary.js';
import type { Description } from '../../src/workflows/messages.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { BYTES, sha256, START_MS } from '../support/virtual-time/virtual-artifact.js';
import type { UpdateOutcome } from '../support/virtual-time/virtual-run.js';

const { start, active } = useArtifacts();

const failing = (code: 'storage_unavailable' | 'storage_rejected') => () =>
  toFailure(new ArtifactError(code, 'the store is in a bad mood'));
const typeOf = (outcome: UpdateOutcome): unknown => outcome.rejected ?? outcome.failed ?? outcome;

describe('a default artifact', () => {
  it('lives 30 days from its creation to the second, and is then proven to be gone', async () => {
    const artifact = await active();
    expect(await artifact.row()).toMatchObject({
      status: 'ACTIVE',
      checksumState: 'verified',
      expiresAtMs: START_MS + 30 * DAY_MS,
    });

    await artifact.run.advance(30 * DAY_MS - 1);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
    await artifact.run.advance(1);

    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired', expiresAtMs: null });
    expect(await artifact.remains()).toBe(0);
    expect(artifact.run.ending).toEqual({ completed: { artifactId: artifact.id, ended: 'expired' } });
    expect(await artifact.audit()).toEqual([
      ...['upload_begun', 'upload_completed', 'expiry_warned', 'deletion_begun', 'deleted'],
    ]);
  });

  it('shows operators what it is and what comes next', async () => {
    const artifact = await active();
    expect(Object.fromEntries(artifact.run.searchAttributes)).toMatchObject({
      ArtifactState: 'ACTIVE',
      ArtifactTier: 'HOT',
      ArtifactPermanent: false,
      ArtifactSizeBytes: BYTES.length,
    });
    const { next } = await artifact.run.query<Description>('describe');
    expect(next).toEqual({ kind: 'warn', atMs: START_MS + 27 * DAY_MS, rule: 'expiry_warning' });
  });
});

describe('an upload', () => {
  it('is answered with its row, again and again', async () => {
    const artifact = await start();
    const first = await artifact.run.mustUpdate('beginUpload');
    expect(await artifact.run.mustUpdate('beginUpload')).toEqual(first);
    expect(first).toMatchObject({ status: 'UPLOADING', expiresAtMs: null });
  });

  it('that is never completed is abandoned at its deadline and leaves nothing, not even parts', async () => {
    const artifact = await start({ upload: { sizeBytes: 40 * 1024 ** 2 } });
    const { key } = await artifact.row();
    expect(await artifact.world.store.listUploads(key)).toHaveLength(1);
    await artifact.run.advance(DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_abandoned' });
    expect(await artifact.remains()).toBe(0);
    expect(artifact.run.ending).toMatchObject({ failed: { type: 'ArtifactUploadFailed' } });
  });

  it('completed before its bytes arrived says so and can be completed later', async () => {
    const artifact = await start();
    const outcome = await artifact.run.update('completeUpload', {
      sizeBytes: 10,
      sha256: sha256(BYTES),
      actor: 'agent',
    });
    expect(typeOf(outcome)).toMatchObject({ type: 'upload_incomplete' });
    await artifact.send(BYTES);
    expect(await artifact.complete()).toMatchObject({ status: 'ACTIVE' });
  });

  it('completed twice changes nothing the second time, and refuses another checksum', async () => {
    const artifact = await active();
    const row = await artifact.row();
    expect(await artifact.complete()).toEqual(row);
    const other = await artifact.run.update('completeUpload', {
      sizeBytes: 10,
      sha256: 'b'.repeat(64),
      actor: 'agent',
    });
    expect(other.rejected).toMatchObject({ type: 'complete_conflict' });
    expect(await artifact.audit()).toEqual(['upload_begun', 'upload_completed']);
  });

  it('whose bytes are not those claimed is found by reading back, refused and removed', async () => {
    const artifact = await start({ capabilities: { enforcesChecksums: false } });
    await artifact.send(Buffer.from('evil bytes'));
    const outcome = await artifact.run.update('completeUpload', {
      sizeBytes: 10,
      sha256: sha256(BYTES),
      actor: 'agent',
    });
    expect(typeOf(outcome)).toMatchObject({ type: 'checksum_mismatch' });
    expect(await artifact.row()).toMatchObject({
      status: 'DELETED',
      deletionReason: 'checksum_mismatch',
      checksumState: 'mismatch',
    });
    expect(await artifact.remains()).toBe(0);
  });

  it('on a store that checks nothing is read back before it becomes ACTIVE', async () => {
    const artifact = await active({ capabilities: { enforcesChecksums: false } });
    expect(artifact.run.activities).toContain('verifyBytes');
    const [, completed] = await artifact.world.records.history(artifact.id);
    expect(completed?.detail).toMatchObject({ verifiedBy: 'read_back' });
  });

  it('that is aborted leaves nothing', async () => {
    const artifact = await start({ upload: { sizeBytes: 40 * 1024 ** 2 } });
    const row = await artifact.run.mustUpdate('abortUpload', { actor: 'agent' });
    expect(row).toMatchObject({ status: 'DELETED', deletionReason: 'upload_aborted' });
    expect(await artifact.remains()).toBe(0);
  });

  it('under a path that is taken is refused without a trace', async () => {
    const first = await active();
    const { executionId } = await first.row();
    const second = await start({ world: first.world, upload: { executionId } });
    expect(typeOf(await second.run.update('beginUpload'))).toMatchObject({ type: 'path_taken' });
    expect(second.run.ending).toEqual({ completed: { artifactId: second.id, ended: 'refused' } });
    expect(await first.row()).toMatchObject({ status: 'ACTIVE' });
  });

  it('that fails half-way through its registration is cleaned up', async () => {
    const artifact = await start({
      upload: { sizeBytes: 40 * 1024 ** 2 },
      outageAtStart: true,
    });
    expect(typeOf(await artifact.run.update('beginUpload'))).toMatchObject({ type: 'storage_unavailable' });
    artifact.world.store.outage = null;
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_failed' });
    expect(artifact.run.ending).toMatchObject({ failed: { type: 'ArtifactUploadFailed' } });
  });
});

describe('the plan that the row tells', () => {
  it('is what the life does, whatever was asked of it', async () => {
    const artifact = await active();
    const asked: [string, object][] = [
      ['setRetention', { days: 90, confirm: false, actor: 'ann' }],
      ['archiveArtifact', { actor: 'ann' }],
      ['keepForever', { reason: '', actor: 'ann' }],
      ['setRetention', { days: 60, confirm: false, actor: 'ann' }],
    ];
    for (const [verb, message] of asked) {
      await artifact.run.mustUpdate(verb, message);
      const { next } = await artifact.run.query<Description>('describe');
      const { action, atMs, rule } = planOf(await artifact.row(), artifact.run.nowMs);
      expect({ kind: action, atMs, rule }).toEqual(next);
    }
  });
});

describe('keepForever', () => {
  it('as an update makes the artifact outlive everything, with who and why', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
    await artifact.run.advance(3650 * DAY_MS);
    expect(await artifact.row()).toMatchObject({
      status: 'ACTIVE',
      expiresAtMs: null,
      retention: { rule: 'permanent', by: 'ann', reason: 'evidence', atMs: START_MS },
    });
    expect(artifact.run.searchAttributes.get('ArtifactPermanent')).toBe(true);
  });

  it('as a signal with nothing in it does the same, and the bucket’s expiry rule stops matching', async () => {
    const artifact = await active();
    await artifact.run.signal('keepForever');
    expect(await artifact.row()).toMatchObject({ retention: { rule: 'permanent', by: 'signal' } });
    const { key } = await artifact.row();
    expect(await artifact.world.store.getTags({ key })).toMatchObject({
      'artifact-retention': 'permanent',
      team: 'blue',
    });
  });

  it('during the upload counts from the moment the artifact is ACTIVE', async () => {
    const artifact = await start();
    await artifact.run.signal('keepForever');
    await artifact.send(BYTES);
    await artifact.complete();
    const { key } = await artifact.row();
    expect(await artifact.world.store.getTags({ key })).toMatchObject({ 'artifact-retention': 'permanent' });
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', expiresAtMs: null });
  });

  it('can be taken back: the days count from creation again', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('keepForever', { reason: '', actor: 'ann' });
    await artifact.run.mustUpdate('setRetention', { days: 90, confirm: false, actor: 'ann' });
    await artifact.run.advance(90 * DAY_MS - 1);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
    await artifact.run.advance(1);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  });
});

describe('a database that is away', () => {
  it('delays a change, and never lets the row and the life disagree', async () => {
    const artifact = await active();
    artifact.faults.set('recordChange', () => {
      artifact.faults.clear();
      return toFailure(new ArtifactError('database_unavailable', 'no answer'));
    });
    await artifact.run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
    const writes = artifact.run.activities.filter((name) => name === 'recordChange');
    expect(writes).toHaveLength(2);
    expect(await artifact.run.query('describe')).toMatchObject({
      record: await artifact.row(),
      next: { rule: 'permanent' },
    });
    expect(await artifact.audit()).toEqual(['upload_begun', 'upload_completed', 'retention_changed']);
  });
});

describe('setRetention', () => {
  it('moves the deadline, also after another one was slept on', async () => {
    const artifact = await active();
    await artifact.run.advance(29 * DAY_MS);
    await artifact.run.mustUpdate('setRetention', { days: 365, confirm: false, actor: 'ann' });
    await artifact.run.advance(300 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', expiresAtMs: START_MS + 365 * DAY_MS });
    await artifact.run.advance(40 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED' });
  });

  it('into the past is refused without a confirmation and deletes with one', async () => {
    const artifact = await active();
    await artifact.run.advance(10 * DAY_MS);
    const refused = await artifact.run.update('setRetention', { days: 5, confirm: false, actor: 'ann' });
    expect(refused.rejected).toMatchObject({ type: 'expiry_in_past' });
    await artifact.run.mustUpdate('setRetention', { days: 5, confirm: true, actor: 'ann' });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  });

  it('of nonsense is rejected before it enters the history, and as a signal ignored', async () => {
    const artifact = await active();
    const rejected = await artifact.run.update('setRetention', { days: -1, confirm: true, actor: 'ann' });
    expect(rejected.rejected).toMatchObject({ type: 'invalid_retention' });
    await artifact.run.signal('setRetention', { days: 1.5 });
    await artifact.run.signal('setRetention');
    expect(await artifact.row()).toMatchObject({ expiresAtMs: START_MS + 30 * DAY_MS });
  });
});

describe('the retention of its execution', () => {
  it('moves an artifact that inherits, and only that', async () => {
    const inheriting = await active();
    await inheriting.run.signal('inheritRetention', { days: 400, actor: 'ann' });
    expect(await inheriting.row()).toMatchObject({
      retention: { rule: 'execution', days: 400 },
      expiresAtMs: START_MS + 400 * DAY_MS,
    });
    const own = await active({ upload: { retentionDays: 7 } });
    await own.run.signal('inheritRetention', { days: 400, actor: 'ann' });
    expect(await own.row()).toMatchObject({ retention: { rule: 'artifact', days: 7 } });
    const kept = await active();
    await kept.run.signal('keepForever');
    await kept.run.signal('inheritRetention', { days: 1, actor: 'ann' });
    expect(await kept.row()).toMatchObject({ retention: { rule: 'permanent' }, expiresAtMs: null });
  });

  it('told twice changes it once', async () => {
    const artifact = await active();
    await artifact.run.signal('inheritRetention', { days: 400, actor: 'ann' });
    await artifact.run.signal('inheritRetention', { days: 400, actor: 'ann' });
    expect(await artifact.audit()).toEqual(['upload_begun', 'upload_completed', 'retention_changed']);
  });
});

/** The bytes of what is deleted go at once. */
const WITHOUT_WINDOW = { policy: { undeleteDays: 0 } };

describe('deleteArtifact', () => {
  it('answers when the bytes are proven to be gone', async () => {
    const artifact = await active(WITHOUT_WINDOW);
    expect(await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' })).toMatchObject({
      status: 'DELETED',
      deletionReason: 'requested',
    });
    expect(await artifact.remains()).toBe(0);
  });

  it('sweeps what a signed PUT brings back, once the last one is dead', async () => {
    const artifact = await active(WITHOUT_WINDOW);
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    expect(artifact.run.ending).toBeNull();
    await artifact.send(BYTES);
    expect(await artifact.remains()).toBe(1);
    await artifact.run.advance(2 * HOUR_MS);
    expect(await artifact.remains()).toBe(0);
    expect(artifact.run.ending).toMatchObject({ completed: { ended: 'requested' } });
  });

  it('never touches the bytes of a successor under the same path', async () => {
    const first = await active(WITHOUT_WINDOW);
    const { executionId } = await first.row();
    await first.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    const second = await active({ world: first.world, upload: { executionId } });
    await first.run.advance(2 * HOUR_MS);
    expect(first.run.activities).toContain('sweepArtifact');
    expect(await second.remains()).toBe(1);
  });

  it('on a store that fails says why, goes on trying, and succeeds', async () => {
    const artifact = await active();
    artifact.faults.set('eraseArtifact', failing('storage_unavailable'));
    const outcome = await artifact.run.update('deleteArtifact', { actor: 'ann' });
    expect(typeOf(outcome)).toMatchObject({ type: 'storage_unavailable' });
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBe('storage_unavailable');
    await artifact.run.advance(3 * MINUTE_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });

    artifact.faults.clear();
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED' });
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBeNull();
  });

  it('is final: nothing keeps an artifact whose deletion was decided', async () => {
    const artifact = await active();
    artifact.faults.set('eraseArtifact', failing('storage_rejected'));
    await artifact.run.update('deleteArtifact', { actor: 'ann' });
    const kept = await artifact.run.update('keepForever', { reason: '', actor: 'bob' });
    expect(kept.rejected).toMatchObject({ type: 'artifact_deleted' });
  });
});
