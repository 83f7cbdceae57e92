import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/units.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { START_MS, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/*
 * What keeps an artifact: holds, warnings that come in time, and a keep that arrives before the bytes go, also when their deletion was
 * decided already.
 */

const { start, active } = useArtifacts();

const day = (days: number): number => START_MS + days * DAY_MS;
const away = () => toFailure(new ArtifactError('storage_unavailable', 'no answer'));
const hold = (id: string, untilMs: number | null = null) => ({
  hold: { id, reason: `case ${id}`, untilMs },
  actor: 'ann',
});

async function times(artifact: VirtualArtifact, kind: string): Promise<number[]> {
  return (await artifact.world.records.history(artifact.id)).filter((event) => event.kind === kind).map((e) => e.atMs);
}

/** Its time is up, and the store does not answer: its deletion is decided and fails. */
async function expiring(options: Parameters<typeof active>[0] = {}): Promise<VirtualArtifact> {
  const artifact = await active(options);
  await artifact.run.advance(30 * DAY_MS - MINUTE_MS);
  artifact.world.store.outage = 'storage_unavailable';
  await artifact.run.advance(2 * MINUTE_MS);
  expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', deletionReason: 'expired' });
  return artifact;
}

describe('a hold', () => {
  it('keeps from expiry and from deletion until it is ended; then the old deadline counts', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('addHold', hold('17'));
    await artifact.run.advance(400 * DAY_MS);
    for (const verb of ['deleteArtifact', 'purgeArtifact'])
      expect((await artifact.run.update(verb, { actor: 'bob' })).rejected).toMatchObject({ type: 'held' });
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', holds: [{ id: '17', by: 'ann' }] });
    await artifact.run.mustUpdate('endHold', { holdId: '17', actor: 'ann' });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
    expect(await times(artifact, 'deletion_begun')).toEqual([day(400)]);
  });

  it('that ends before the deadline changes nothing about it', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('addHold', hold('17', day(20)));
    await artifact.run.advance(31 * DAY_MS);
    expect(await times(artifact, 'hold_ended')).toEqual([day(20)]);
    expect(await times(artifact, 'expiry_warned')).toEqual([day(27)]);
    expect(await times(artifact, 'deletion_begun')).toEqual([day(30)]);
  });

  it('that ends exactly at the deadline lets it expire then', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('addHold', hold('17', day(30)));
    await artifact.run.advance(31 * DAY_MS);
    expect(await times(artifact, 'hold_ended')).toEqual([day(30)]);
    expect(await times(artifact, 'deletion_begun')).toEqual([day(30)]);
  });

  it('is waited for, the last of two, and warned of before the end of that', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('addHold', hold('a', day(50)));
    await artifact.run.mustUpdate('addHold', hold('b', day(60)));
    await artifact.run.advance(90 * DAY_MS);
    expect(await times(artifact, 'hold_ended')).toEqual([day(50), day(60)]);
    expect(await times(artifact, 'expiry_warned')).toEqual([day(57)]);
    expect(await times(artifact, 'deletion_begun')).toEqual([day(60)]);
  });

  it('asked for twice is one', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('addHold', hold('17'));
    await artifact.run.mustUpdate('addHold', hold('17'));
    expect((await artifact.row()).holds).toHaveLength(1);
  });

  it('is on the object before it is in the row, so that the bucket cannot expire it', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('addHold', hold('17'));
    const { key } = await artifact.row();
    expect(await artifact.world.store.getTags({ key })).toMatchObject({ 'artifact-retention': 'held' });
    await artifact.run.mustUpdate('endHold', { holdId: '17', actor: 'ann' });
    expect(await artifact.world.store.getTags({ key })).toMatchObject({ 'artifact-retention': 'expiring' });
  });

  it('that waits for the store is ended before it is placed', async () => {
    const artifact = await active();
    artifact.world.store.outage = 'storage_unavailable';
    const asked = await artifact.run.update('addHold', hold('17'));
    expect(asked.failed).toMatchObject({ type: 'not_yet_answered' });
    expect((await artifact.run.update('deleteArtifact', { actor: 'bob' })).rejected).toMatchObject({ type: 'held' });
    await artifact.run.mustUpdate('endHold', { holdId: '17', actor: 'ann' });
    artifact.world.store.outage = null;
    await artifact.run.advance(DAY_MS);
    expect((await artifact.row()).holds).toEqual([]);
    expect(artifact.run.searchAttributes.get('ArtifactProblem') ?? null).toBeNull();
  });

  it('ends also when the row went with its execution: the bytes go at the deadline', async () => {
    const artifact = await active();
    const { key, executionId } = await artifact.row();
    await artifact.run.mustUpdate('addHold', hold('17', day(40)));
    artifact.world.records.deleteExecution(executionId);
    await artifact.run.advance(39 * DAY_MS);
    expect(await artifact.world.store.listVersions(key)).toHaveLength(1);
    await artifact.run.advance(2 * DAY_MS);
    expect(await artifact.world.store.listVersions(key)).toEqual([]);
    expect(artifact.run.ending).toMatchObject({ completed: { ended: 'expired' } });
  });
});

describe('a warning', () => {
  it('comes half-way when the life is short', async () => {
    const artifact = await active({ upload: { retentionDays: 2 } });
    await artifact.run.advance(3 * DAY_MS);
    expect(await times(artifact, 'expiry_warned')).toEqual([day(1)]);
    expect(await times(artifact, 'deletion_begun')).toEqual([day(2)]);
  });

  it('comes again when the deadline was moved', async () => {
    const artifact = await active();
    await artifact.run.advance(28 * DAY_MS);
    await artifact.run.mustUpdate('setRetention', { days: 60, confirm: false, actor: 'ann' });
    await artifact.run.advance(40 * DAY_MS);
    expect(await times(artifact, 'expiry_warned')).toEqual([day(27), day(57)]);
    expect(await times(artifact, 'deletion_begun')).toEqual([day(60)]);
  });

  it('comes at once when the new deadline is nearer than that', async () => {
    const artifact = await active();
    await artifact.run.advance(10 * DAY_MS);
    await artifact.run.mustUpdate('setRetention', { days: 11, confirm: false, actor: 'ann' });
    expect(await times(artifact, 'expiry_warned')).toEqual([day(10)]);
  });

  it('is not given for what is kept', async () => {
    const artifact = await active();
    await artifact.run.signal('keepForever');
    await artifact.run.advance(400 * DAY_MS);
    expect(await times(artifact, 'expiry_warned')).toEqual([]);
  });

  it('that cannot be written because the row went with its execution does not end the life: the bytes go at the deadline', async () => {
    const artifact = await active();
    const { key, executionId } = await artifact.row();
    artifact.world.records.deleteExecution(executionId);
    await artifact.run.advance(31 * DAY_MS);
    expect(await artifact.world.store.listVersions(key)).toEqual([]);
    expect(artifact.run.ending).toMatchObject({ completed: { ended: 'expired' } });
  });
});

describe('a keep after the deletion was decided, while the store is away', () => {
  it('as an update is accepted, says so, and wins once the store is back', async () => {
    const artifact = await expiring();
    const asked = await artifact.run.update('keepForever', { reason: 'evidence', actor: 'bob' });
    await artifact.run.advance(MINUTE_MS);
    expect(asked).toEqual({});
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBe('storage_unavailable');
    artifact.world.store.outage = null;
    await artifact.run.advance(400 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', deletionReason: null, expiresAtMs: null });
    expect(await artifact.audit()).toEqual([
      ...['upload_begun', 'upload_completed', 'expiry_warned', 'deletion_begun', 'deletion_revoked'],
      'retention_changed',
    ]);
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBeNull();
    const { key } = await artifact.row();
    expect(await artifact.world.store.getTags({ key })).toMatchObject({ 'artifact-retention': 'permanent' });
  });

  it('tells its caller that it is not answered yet', async () => {
    const artifact = await expiring();
    const id = await artifact.run.send('keepForever', { reason: 'evidence', actor: 'bob' });
    await artifact.run.advance(MINUTE_MS);
    expect(artifact.run.outcomeOf(id).failed).toMatchObject({ type: 'not_yet_answered' });
  });

  it('as a signal wins as well', async () => {
    const artifact = await expiring();
    await artifact.run.signal('keepForever', { actor: 'bob' });
    await artifact.run.advance(DAY_MS);
    artifact.world.store.outage = null;
    await artifact.run.advance(400 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'permanent', by: 'bob' } });
  });

  it('as a hold wins as well, and the deadline counts when it ends', async () => {
    const artifact = await expiring();
    await artifact.run.send('addHold', hold('17', day(50)));
    await artifact.run.advance(HOUR_MS);
    artifact.world.store.outage = null;
    await artifact.run.advance(10 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', deletionReason: null, holds: [{ id: '17' }] });
    await artifact.run.advance(15 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
    expect(await times(artifact, 'deletion_begun')).toEqual([day(30), day(50)]);
  });

  it('as an undelete gives it another while', async () => {
    const artifact = await expiring();
    await artifact.run.send('undeleteArtifact', { actor: 'bob' });
    await artifact.run.advance(MINUTE_MS);
    artifact.world.store.outage = null;
    await artifact.run.advance(2 * HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', deletionReason: null, retention: { rule: 'date' } });
    await artifact.run.advance(8 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  });

  it('goes on with the restore that ran', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.advance(30 * DAY_MS - HOUR_MS);
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.advance(2 * HOUR_MS);
    artifact.world.store.outage = null;
    artifact.world.store.finishRestores();
    await artifact.run.mustUpdate('keepForever', { reason: '', actor: 'bob' });
    await artifact.run.advance(DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', restoreState: null, tier: 'HOT' });
  });

  it.each([
    ['keepForever', { reason: '', actor: 'bob' }],
    ['addHold', hold('17')],
  ])('%s comes too late when the bytes have gone, and says so', async (verb, message) => {
    const artifact = await active();
    await artifact.run.advance(30 * DAY_MS - MINUTE_MS);
    // The bytes are deleted, and neither the row nor the workflow hears of it.
    artifact.losses.set('eraseArtifact', away);
    const change = artifact.world.records.change.bind(artifact.world.records);
    artifact.world.records.change = (asked) =>
      asked.event.kind === 'deleted'
        ? Promise.reject(new ArtifactError('database_unavailable', 'no answer'))
        : change(asked);
    await artifact.run.advance(2 * MINUTE_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', deletionReason: 'expired' });
    const id = await artifact.run.send(verb, message);
    await artifact.run.advance(MINUTE_MS);
    expect(artifact.run.outcomeOf(id).failed).toMatchObject({ type: 'artifact_deleted' });
    artifact.losses.clear();
    artifact.world.records.change = change;
    await artifact.run.advance(DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
    expect(artifact.run.ending).not.toBeNull();
  });

  it('does not stop a purge that somebody asked for', async () => {
    const artifact = await expiring();
    await artifact.run.update('purgeArtifact', { actor: 'ann' });
    const kept = await artifact.run.update('keepForever', { reason: '', actor: 'bob' });
    expect(kept.rejected).toMatchObject({ type: 'artifact_deleted' });
  });
});

describe('words about the retention that wait for the store', () => {
  const YEARS = { days: 400, confirm: false };

  it('are overruled by a later one that waits as well, whichever is tried first', async () => {
    const artifact = await active();
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.update('setRetention', { ...YEARS, actor: 'ann' });
    await artifact.run.advance(MINUTE_MS / 2);
    await artifact.run.update('keepForever', { reason: '', actor: 'bob' });
    artifact.world.store.outage = null;
    await artifact.run.advance(1200 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'permanent', by: 'bob' } });
  });

  it('are overruled by a later one that changes nothing', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('setRetention', { days: 60, confirm: false, actor: 'ann' });
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.update('keepForever', { reason: '', actor: 'bob' });
    await artifact.run.mustUpdate('setRetention', { days: 60, confirm: false, actor: 'ann' });
    artifact.world.store.outage = null;
    await artifact.run.advance(DAY_MS);
    expect(await artifact.row()).toMatchObject({ retention: { rule: 'artifact', days: 60 } });
  });

  it('are not overruled by the retention of the execution', async () => {
    const artifact = await active();
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.update('keepForever', { reason: '', actor: 'bob' });
    await artifact.run.signal('inheritRetention', { days: 10, actor: 'ann' });
    artifact.world.store.outage = null;
    await artifact.run.advance(400 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'permanent', by: 'bob' } });
  });
});

describe('the retention of an execution', () => {
  it('that is nonsense is ignored, as is a signal with nothing in it', async () => {
    const artifact = await active();
    for (const message of [undefined, {}, { days: 0, actor: 'ann' }, { days: -1 }, { days: 'soon' }])
      await artifact.run.signal('inheritRetention', message);
    await artifact.run.advance(DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', retention: { rule: 'default' } });
  });
});

describe('an upload that is complete although nobody heard of it', () => {
  it('has its deadline and its tag when its retention is changed then', async () => {
    const artifact = await start();
    await artifact.send(Buffer.from('ten bytes!'));
    artifact.losses.set('activateUpload', away);
    await expect(artifact.complete()).rejects.toMatchObject({ type: 'storage_unavailable' });
    artifact.losses.clear();
    await artifact.run.mustUpdate('setRetention', { days: 400, confirm: false, actor: 'ann' });
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', expiresAtMs: day(400) });
    const { key } = await artifact.row();
    expect(await artifact.world.store.getTags({ key })).toMatchObject({ 'artifact-retention': 'long' });
  });
});
