import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/domain/units.js';
import { expectHealed, repair, twoDaysOld } from '../support/repairs.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import type { VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/* A row of an older backup, below a workflow that has gone on since. */

const { start, active } = useArtifacts();

const aged = (): Promise<VirtualArtifact> => twoDaysOld(active());

const keep = ({ run }: VirtualArtifact) => run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
const remove = ({ run }: VirtualArtifact) => run.mustUpdate('deleteArtifact', { actor: 'ann' });

/** Does something, and sets the row back to what it was before. */
async function setBackAfter(artifact: VirtualArtifact, change: (of: VirtualArtifact) => Promise<unknown>) {
  const old = await artifact.row();
  await change(artifact);
  const known = await artifact.row();
  artifact.world.records.injure(artifact.id, old);
  return { old, known };
}

describe('a repair of a row that was set back', () => {
  it.each([true, false])('makes it what the workflow knows (all of it was set back: %s)', async (isAll) => {
    const artifact = await aged();
    const { old, known } = await setBackAfter(artifact, keep);
    if (!isAll) artifact.world.records.injure(artifact.id, { ...known, revision: old.revision });
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'row behind' });
    expect(await artifact.row()).toMatchObject({ retention: known.retention, expiresAtMs: null });
    expect((await artifact.row()).revision).toBeGreaterThan(known.revision);
    await expectHealed(artifact);
  });

  it('does so for an upload that has not ended', async () => {
    const artifact = await start();
    await setBackAfter(artifact, ({ run }) =>
      run.mustUpdate('setRetention', { days: 90, confirm: false, actor: 'ann' }),
    );
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'row behind' });
    expect(await artifact.row()).toMatchObject({ status: 'UPLOADING', retention: { rule: 'artifact', days: 90 } });
    await expectHealed(artifact);
  });

  it('does so for one that is deleted and can be brought back', async () => {
    const artifact = await aged();
    const { known } = await setBackAfter(artifact, remove);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'row behind' });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', purgeAtMs: known.purgeAtMs });
    await expectHealed(artifact);
    expect(await artifact.run.mustUpdate('undeleteArtifact', { actor: 'ann' })).toMatchObject({ status: 'ACTIVE' });
  });

  it('looks for the bytes afterwards, and says what it finds', async () => {
    const artifact = await aged();
    const { known } = await setBackAfter(artifact, keep);
    await artifact.world.store.addDeleteMarker(known.key);
    expect(await repair(artifact)).toEqual({ outcome: 'repaired', note: 'row behind, hidden' });
    await expectHealed(artifact);
  });
});

describe('a row that was set back, and that nobody has repaired', () => {
  it('is not believed by the next change', async () => {
    const artifact = await aged();
    await setBackAfter(artifact, keep);
    await artifact.run.mustUpdate('setTags', { tags: { a: 'b' }, merge: true, actor: 'ann' });
    expect(await artifact.row()).toMatchObject({
      retention: { rule: 'permanent' },
      expiresAtMs: null,
      tags: { a: 'b' },
    });
    expect((await artifact.audit()).slice(-2)).toEqual(['repaired', 'tags_changed']);
    await expectHealed(artifact);
  });

  it('is not believed by the purge at the end of a window', async () => {
    const artifact = await aged();
    await setBackAfter(artifact, remove);
    await artifact.run.advance(8 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', purgeAtMs: null, deletionReason: 'requested' });
    expect(artifact.run.ending).toMatchObject({ completed: { ended: 'requested' } });
    expect(await artifact.remains()).toBe(0);
  });

  it('is not believed by a deletion, which has a window of its own', async () => {
    const artifact = await aged();
    await remove(artifact);
    const { old } = await setBackAfter(artifact, ({ run }) => run.mustUpdate('undeleteArtifact', { actor: 'ann' }));
    await artifact.run.advance(DAY_MS);
    await remove(artifact);
    expect((await artifact.row()).purgeAtMs).toBe((old.purgeAtMs ?? 0) + DAY_MS);
    expect(await artifact.world.store.head({ key: old.key })).toBeNull();
  });

  it('is not believed by who takes back a deletion that was tried', async () => {
    const artifact = await aged();
    await setBackAfter(artifact, ({ run }) =>
      run.mustUpdate('setTags', { tags: { a: 'b' }, merge: true, actor: 'ann' }),
    );
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.send('deleteArtifact', { actor: 'ann' });
    await artifact.run.advance(DAY_MS / 24);
    artifact.world.store.outage = null;
    const asked = await artifact.run.send('undeleteArtifact', { actor: 'bob' });
    await artifact.run.advance(DAY_MS / 24);
    expect(artifact.run.outcomeOf(asked)).toMatchObject({ completed: { status: 'ACTIVE' } });
    expect(await artifact.row()).toMatchObject({ tags: { a: 'b' }, deletionReason: null, status: 'ACTIVE' });
    await expectHealed(artifact);
  });
});
