import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/units.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { BYTES, START_MS, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/* What was deleted in a versioned bucket: hidden, brought back, and gone for good. */

const { active } = useArtifacts();

const day = (days: number): number => START_MS + days * DAY_MS;
const problem = (artifact: VirtualArtifact): unknown => artifact.run.searchAttributes.get('ArtifactProblem') ?? null;

async function deleted(options: Parameters<typeof active>[0] = {}): Promise<VirtualArtifact> {
  const artifact = await active(options);
  await artifact.run.advance(2 * DAY_MS);
  await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
  return artifact;
}

describe('a deletion within its window', () => {
  it('hides the bytes, and removes them for good when the window is over', async () => {
    const artifact = await deleted();
    const { key } = await artifact.row();
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', purgeAtMs: day(9) });
    expect(await artifact.world.store.head({ key })).toBeNull();
    expect(await artifact.remains()).toBe(2);
    await artifact.run.advance(7 * DAY_MS - 1);
    expect(artifact.run.ending).toBeNull();
    await artifact.run.advance(1);
    expect(await artifact.remains()).toBe(0);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', purgeAtMs: null });
    expect(artifact.run.ending).toMatchObject({ completed: { ended: 'requested' } });
    const [last] = (await artifact.world.records.history(artifact.id)).slice(-1);
    expect(last).toMatchObject({ kind: 'purged', actor: 'worker', atMs: day(9) });
  });

  it('can be undone: the bytes are back, and the old deadline counts', async () => {
    const artifact = await deleted();
    const row = await artifact.run.mustUpdate('undeleteArtifact', { actor: 'bob' });
    expect(row).toMatchObject({ status: 'ACTIVE', deletionReason: null, purgeAtMs: null, expiresAtMs: day(30) });
    const { key } = await artifact.row();
    expect(await artifact.world.store.head({ key })).toMatchObject({ owner: { artifactId: artifact.id } });
    expect(await artifact.remains()).toBe(1);
    await artifact.run.advance(28 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  });

  it('cannot be undone after it', async () => {
    const artifact = await deleted();
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.advance(7 * DAY_MS + MINUTE_MS);
    artifact.world.store.outage = null;
    expect(await artifact.row()).toMatchObject({ purgeAtMs: day(9) });
    await artifact.run.advance(HOUR_MS);
    expect(artifact.run.ending).not.toBeNull();
    expect(await artifact.remains()).toBe(0);
    expect(problem(artifact)).toBeNull();
  });

  it('of an archived artifact brings it back archived', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    const row = await artifact.run.mustUpdate('undeleteArtifact', { actor: 'bob' });
    expect(row).toMatchObject({ status: 'ARCHIVED', tier: 'COLD', storageClass: 'GLACIER' });
  });

  it('during a restore ends the restore', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    artifact.world.store.finishRestores();
    await artifact.run.advance(DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', restoreState: null });
    const row = await artifact.run.mustUpdate('undeleteArtifact', { actor: 'bob' });
    expect(row).toMatchObject({ status: 'ARCHIVED', restoreState: null });
  });

  it('has no window when the bucket keeps no versions, or the deletion is for good', async () => {
    const unversioned = await deleted({ capabilities: { versioning: false } });
    expect(await unversioned.row()).toMatchObject({ purgeAtMs: null });
    const purged = await active();
    const row = await purged.run.mustUpdate('purgeArtifact', { actor: 'ann' });
    expect(row).toMatchObject({ status: 'DELETED', deletionReason: 'requested', purgeAtMs: null });
    expect(await purged.remains()).toBe(0);
  });

  it('removes what a signed PUT brought back after it', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    await artifact.run.advance(30 * MINUTE_MS);
    await artifact.send(BYTES);
    await artifact.run.advance(7 * DAY_MS);
    expect(await artifact.remains()).toBe(0);
    expect(artifact.run.activities).not.toContain('sweepArtifact');
    expect(artifact.run.ending).not.toBeNull();
  });
});

describe('an undelete', () => {
  it('of what expired keeps it for another while', async () => {
    const artifact = await active({ policy: { undeleteExpiredDays: 7 } });
    await artifact.run.advance(33 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired', purgeAtMs: day(37) });
    const row = await artifact.run.mustUpdate('undeleteArtifact', { actor: 'bob' });
    expect(row).toMatchObject({ status: 'ACTIVE', retention: { rule: 'date' }, expiresAtMs: day(40) });
    await artifact.run.advance(8 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired', purgeAtMs: day(47) });
  });

  it('past the age at which the bucket removes what expires takes it out of that rule first', async () => {
    const artifact = await active({ policy: { undeleteExpiredDays: 7 }, upload: { retentionDays: 364 } });
    await artifact.run.advance(366 * DAY_MS);
    await artifact.run.mustUpdate('undeleteArtifact', { actor: 'bob' });
    const { key } = await artifact.row();
    expect(await artifact.world.store.getTags({ key })).toMatchObject({ 'artifact-retention': 'long' });
  });

  it('that was accepted while the store was away comes before the purge', async () => {
    const artifact = await deleted();
    await artifact.run.advance(7 * DAY_MS - MINUTE_MS);
    artifact.world.store.outage = 'storage_unavailable';
    const asked = await artifact.run.update('undeleteArtifact', { actor: 'bob' });
    expect(asked.failed).toMatchObject({ type: 'not_yet_answered' });
    await artifact.run.advance(DAY_MS);
    artifact.world.store.outage = null;
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', deletionReason: null, purgeAtMs: null });
    expect(problem(artifact)).toBeNull();
  });

  it('after a purge that failed leaves no problem behind', async () => {
    const artifact = await deleted();
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.advance(7 * DAY_MS);
    expect(problem(artifact)).toBe('storage_unavailable');
    artifact.world.store.outage = null;
    await artifact.run.update('undeleteArtifact', { actor: 'bob' });
    await artifact.run.advance(MINUTE_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
    expect(problem(artifact)).toBeNull();
  });

  it('is not undone by a purge that had been asked for before and waited', async () => {
    const artifact = await deleted();
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.signal('purgeArtifact');
    artifact.world.store.outage = null;
    await artifact.run.mustUpdate('undeleteArtifact', { actor: 'bob' });
    await artifact.run.advance(DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
  });

  it('is refused while another artifact has the path, or its bytes lie above, and then changes nothing', async () => {
    const first = await deleted();
    const { executionId, key } = await first.row();
    const second = await active({ world: first.world, upload: { executionId } });
    const taken = await first.run.update('undeleteArtifact', { actor: 'bob' });
    expect(taken.failed).toMatchObject({ type: 'path_taken' });
    await second.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    const before = await first.world.store.listVersions(key);
    const above = await first.run.update('undeleteArtifact', { actor: 'bob' });
    expect(above.failed).toMatchObject({ type: 'wrong_state' });
    expect(await first.world.store.listVersions(key)).toEqual(before);
    await second.run.mustUpdate('purgeArtifact', { actor: 'ann' });
    expect(await first.run.mustUpdate('undeleteArtifact', { actor: 'bob' })).toMatchObject({ status: 'ACTIVE' });
  });
});

describe('a purge', () => {
  it('within the window removes the bytes at once, and asked for twice does nothing the second time', async () => {
    const artifact = await deleted();
    const row = await artifact.run.mustUpdate('purgeArtifact', { actor: 'bob' });
    expect(row).toMatchObject({ status: 'DELETED', purgeAtMs: null });
    expect(await artifact.remains()).toBe(0);
    expect(artifact.run.ending).toMatchObject({ completed: { ended: 'requested' } });
    const two = await active();
    await two.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    await two.run.mustUpdate('purgeArtifact', { actor: 'bob' });
    await two.run.mustUpdate('purgeArtifact', { actor: 'bob' });
    expect((await two.audit()).filter((kind) => kind === 'purged')).toHaveLength(1);
  });

  it('while a signed PUT may still live is followed by the sweep', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('purgeArtifact', { actor: 'ann' });
    expect(artifact.run.ending).toBeNull();
    await artifact.send(BYTES);
    await artifact.run.advance(2 * HOUR_MS);
    expect(await artifact.remains()).toBe(0);
    expect(artifact.run.ending).not.toBeNull();
  });

  it('as a signal while the store is away is carried out once it is back', async () => {
    const artifact = await deleted();
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.signal('purgeArtifact');
    expect(problem(artifact)).toBe('storage_unavailable');
    artifact.world.store.outage = null;
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.remains()).toBe(0);
    expect(artifact.run.ending).not.toBeNull();
  });
});

describe('a deletion that is not proven yet', () => {
  it('can be undone while the store is away, unless it is for good', async () => {
    const artifact = await active();
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.update('deleteArtifact', { actor: 'ann' });
    await artifact.run.send('undeleteArtifact', { actor: 'bob' });
    await artifact.run.advance(MINUTE_MS);
    artifact.world.store.outage = null;
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', deletionReason: null, expiresAtMs: day(30) });
    expect(problem(artifact)).toBeNull();

    const purged = await active();
    purged.world.store.outage = 'storage_unavailable';
    await purged.run.update('purgeArtifact', { actor: 'ann' });
    const refused = await purged.run.update('undeleteArtifact', { actor: 'bob' });
    expect(refused.rejected).toMatchObject({ type: 'artifact_deleted' });
  });
});
