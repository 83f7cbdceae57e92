import { describe, expect, it } from 'vitest';
import { ArtifactError } from '../../src/domain/errors.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/units.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';

const { start, active } = useArtifacts();

const WITHOUT_CLASSES = { storageClasses: false, restore: false };

describe('archiveArtifact', () => {
  it('moves the object to the archive class and leaves no older version behind', async () => {
    const artifact = await active();
    const row = await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    expect(row).toMatchObject({ status: 'ARCHIVED', tier: 'COLD', storageClass: 'GLACIER' });
    expect(await artifact.remains()).toBe(1);
    expect(artifact.run.searchAttributes.get('ArtifactTier')).toBe('COLD');
    const { key, versionId } = await artifact.row();
    await expect(artifact.world.store.read({ key, versionId })).rejects.toMatchObject({ code: 'not_downloadable' });
  });

  it('is logical where the store has no classes', async () => {
    const artifact = await active({ capabilities: WITHOUT_CLASSES });
    const row = await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    expect(row).toMatchObject({ status: 'ARCHIVED', tier: 'COLD', storageClass: 'STANDARD' });
  });

  it('asked for twice does it once', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    expect(await artifact.audit()).toEqual(['upload_begun', 'upload_completed', 'archived']);
  });

  it('does not stop the expiry', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.advance(30 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
    expect(await artifact.remains()).toBe(0);
  });
});

describe('restoreArtifact', () => {
  it('asks, waits for hours, copies back, and is ACTIVE again', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    const asked = await artifact.run.mustUpdate('restoreArtifact', { tier: 'Standard', actor: 'ann' });
    expect(asked).toMatchObject({ status: 'ARCHIVED', restoreState: 'in_progress' });

    await artifact.run.advance(3 * HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', restoreState: 'in_progress' });
    artifact.world.store.finishRestores();
    await artifact.run.advance(HOUR_MS);

    expect(await artifact.row()).toMatchObject({
      status: 'ACTIVE',
      tier: 'HOT',
      storageClass: 'STANDARD',
      restoreState: null,
      archivedAtMs: null,
    });
    expect(await artifact.remains()).toBe(1);
    expect(await artifact.audit()).toEqual([
      'upload_begun',
      'upload_completed',
      'archived',
      'restore_requested',
      'restored',
    ]);
  });

  it('asked for again joins the one that runs', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'bob' });
    expect((await artifact.audit()).filter((kind) => kind === 'restore_requested')).toHaveLength(1);
  });

  it('asked for again looks at once whether S3 has it, as after an event of the bucket', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
    await artifact.run.advance(MINUTE_MS);
    await artifact.run.signal('restoreArtifact', { actor: 'the bucket' });
    await artifact.run.advance(0);
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', restoreState: 'in_progress' });
    artifact.world.store.finishRestores();
    await artifact.run.signal('restoreArtifact', { actor: 'the bucket' });
    await artifact.run.advance(0);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', tier: 'HOT', restoreState: null });
    // Once more, when it is over, is nothing.
    await artifact.run.signal('restoreArtifact', { actor: 'the bucket' });
    expect(await artifact.audit()).toEqual([
      'upload_begun',
      'upload_completed',
      'archived',
      'restore_requested',
      'restored',
    ]);
  });

  it('of a logical archive is immediate', async () => {
    const artifact = await active({ capabilities: WITHOUT_CLASSES });
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    const row = await artifact.run.mustUpdate('restoreArtifact', { tier: 'Standard', actor: 'ann' });
    expect(row).toMatchObject({ status: 'ACTIVE', tier: 'HOT', restoreState: null });
  });

  it('ends when the artifact expires first', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
    await artifact.run.advance(31 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired', restoreState: null });
  });

  it('shows what stands in its way and goes on looking', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Standard', actor: 'ann' });
    artifact.faults.set('pollRestore', () => new ArtifactError('storage_unavailable', 'no answer'));
    await artifact.run.advance(HOUR_MS);
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).not.toBeNull();
    artifact.faults.clear();
    artifact.world.store.finishRestores();
    await artifact.run.advance(2 * HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE' });
  });
});

describe('a long life', () => {
  it('hands its state over to a new run when the history grows long, and goes on', async () => {
    let long = false;
    const first = await active({ run: { continueAsNewSuggested: () => long } });
    await first.run.mustUpdate('keepForever', { reason: 'r', actor: 'ann' });
    long = true;
    await first.run.mustUpdate('setRetention', { days: 60, confirm: false, actor: 'ann' });
    const ending = first.run.ending;
    if (ending === null || !('continuedAsNew' in ending)) throw new Error('the run did not continue as new');
    const { state } = ending.continuedAsNew as { state: unknown };

    const second = await start({
      world: first.world,
      state,
      upload: { artifactId: first.id },
    });
    expect(await second.run.query('describe')).toMatchObject({
      record: { status: 'ACTIVE', retention: { rule: 'artifact', days: 60 } },
    });
    await second.run.advance(60 * DAY_MS);
    expect(await second.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  });

  it('is not handed over while somebody waits for its deletion', async () => {
    let long = false;
    const artifact = await active({ run: { continueAsNewSuggested: () => long } });
    long = true;
    expect(await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' })).toMatchObject({ status: 'DELETED' });
  });

  it('carries its state as plain JSON', async () => {
    const artifact = await active({ run: { continueAsNewSuggested: () => true } });
    await artifact.run.signal('keepForever');
    const ending = artifact.run.ending as { continuedAsNew: unknown };
    expect(JSON.parse(JSON.stringify(ending.continuedAsNew))).toEqual(ending.continuedAsNew);
  });
});
