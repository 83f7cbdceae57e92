import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError } from '../../src/domain/errors.js';
import type { Tags } from '../../src/domain/artifact.js';
import { DAY_MS, MINUTE_MS } from '../../src/domain/units.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import type { VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/* Tags that change after the upload: in the row at once, and in the bucket as soon as it answers. */

const lives = useArtifacts();
const start = () => lives.start({ upload: { tags: {} } });
const active = () => lives.active({ upload: { tags: {} } });
const away = () => toFailure(new ArtifactError('storage_unavailable', 'no answer'));

const setTags = (tags: Record<string, string | null>, merge = true) => ({ tags, merge, actor: 'ann' });

/** As the bucket has them. */
async function objectTags(artifact: VirtualArtifact): Promise<Tags | null> {
  const { key, versionId } = await artifact.row();
  return artifact.world.store.getTags({ key, versionId });
}

describe('tags', () => {
  it('change in the row, its audit and its object, whose other tags stay', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('setTags', setTags({ step: '3', draft: 'yes' }));
    const row = await artifact.run.mustUpdate('setTags', setTags({ draft: null, agent: 'plotter' }));
    expect(row).toMatchObject({ tags: { step: '3', agent: 'plotter' } });
    expect(await objectTags(artifact)).toEqual({ step: '3', agent: 'plotter', 'artifact-retention': 'expiring' });
    expect((await artifact.world.records.history(artifact.id)).at(-1)).toMatchObject({
      kind: 'tags_changed',
      actor: 'ann',
      detail: { from: { step: '3', draft: 'yes' }, to: { step: '3', agent: 'plotter' } },
    });
    await artifact.run.mustUpdate('setTags', setTags({ only: '1' }, false));
    expect(await objectTags(artifact)).toEqual({ only: '1', 'artifact-retention': 'expiring' });
  });

  it('that it has already are no change', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('setTags', setTags({ a: '1', b: '2' }));
    const { revision } = await artifact.row();
    await artifact.run.mustUpdate('setTags', setTags({ b: '2', a: '1' }, false));
    await artifact.run.mustUpdate('setTags', setTags({ gone: null }));
    expect(await artifact.row()).toMatchObject({ revision });
  });

  it('follow when the store is back, the last ones and only those', async () => {
    const artifact = await active();
    artifact.world.store.outage = 'storage_unavailable';
    expect(await artifact.run.mustUpdate('setTags', setTags({ a: '1' }))).toMatchObject({ tags: { a: '1' } });
    await artifact.run.mustUpdate('setTags', setTags({ b: '2' }));
    await artifact.run.advance(30 * MINUTE_MS);
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBe('storage_unavailable');
    artifact.world.store.outage = null;
    await artifact.run.advance(60 * MINUTE_MS);
    expect(await objectTags(artifact)).toEqual({ a: '1', b: '2', 'artifact-retention': 'expiring' });
    expect(artifact.run.searchAttributes.get('ArtifactProblem') ?? null).toBeNull();
  });

  it('that wait for the store are not forgotten by a deletion that is undone', async () => {
    const artifact = await active();
    artifact.faults.set('tagObject', away);
    await artifact.run.mustUpdate('setTags', setTags({ a: '1' }));
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'bob' });
    artifact.faults.clear();
    await artifact.run.advance(DAY_MS);
    await artifact.run.mustUpdate('undeleteArtifact', { actor: 'bob' });
    await artifact.run.advance(MINUTE_MS);
    expect(await objectTags(artifact)).toMatchObject({ a: '1' });
  });

  it('reach the object although nobody heard that they are in the row', async () => {
    const artifact = await active();
    artifact.losses.set('recordChange', away);
    await artifact.run.update('setTags', setTags({ a: '1' }));
    expect(await artifact.row()).toMatchObject({ tags: { a: '1' } });
    artifact.losses.clear();
    await artifact.run.advance(DAY_MS);
    expect(await objectTags(artifact)).toMatchObject({ a: '1' });
    expect((await artifact.audit()).filter((kind) => kind === 'tags_changed')).toHaveLength(1);
  });

  it('of what is in the archive can change, and come back with it', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('setTags', setTags({ a: '1' }));
    expect(await objectTags(artifact)).toMatchObject({ a: '1' });
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', tags: { a: '1' } });
  });

  it('of what uploads or is deleted are refused, and so are too many and reserved ones', async () => {
    const uploading = await start();
    expect((await uploading.run.update('setTags', setTags({ a: '1' }))).rejected).toMatchObject({
      type: 'wrong_state',
    });
    const artifact = await active();
    const nine = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`t${index}`, '1']));
    for (const tags of [nine, { 'artifact-retention': 'permanent' }])
      expect((await artifact.run.update('setTags', setTags(tags))).rejected).toMatchObject({ type: 'invalid_tags' });
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'bob' });
    expect((await artifact.run.update('setTags', setTags({ a: '1' }))).rejected).toMatchObject({
      type: 'artifact_deleted',
    });
  });

  it('can be sent to many artifacts as a signal, which leaves the others as they are', async () => {
    const artifact = await active();
    await artifact.run.mustUpdate('setTags', setTags({ a: '1' }));
    await artifact.run.signal('setTags', { tags: { b: 2 } });
    await artifact.run.signal('setTags', undefined);
    expect(await artifact.row()).toMatchObject({ tags: { a: '1', b: '2' } });
  });
});
