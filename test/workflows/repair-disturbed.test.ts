import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/units.js';
import { expectHealed, message, removeBytes, repair, repairSlowly, twoDaysOld } from '../support/repairs.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { BYTES, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

const { start, active } = useArtifacts();
const aged = (): Promise<VirtualArtifact> => twoDaysOld(active());

describe('a repair that is disturbed', () => {
  const lost = () => toFailure(new ArtifactError('storage_unavailable', 'the answer was lost'));

  it.each(['examineArtifact', 'bringBack', 'recordChange', 'tagObject', 'removeSuperfluous'])(
    'by a lost answer of %s is done in the end, once',
    async (name) => {
      const artifact = await aged();
      const { store } = artifact.world;
      const row = await artifact.row();
      await artifact.send(BYTES);
      await artifact.run.advance(2 * HOUR_MS);
      await store.addDeleteMarker(row.key);
      await store.putTags(row, {});
      artifact.losses.set(name, () => {
        artifact.losses.clear();
        return lost();
      });
      await repairSlowly(artifact);
      await artifact.run.advance(2 * MINUTE_MS);
      await repairSlowly(artifact);
      expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', versionId: row.versionId });
      expect((await store.listVersions(row.key)).map(({ versionId }) => versionId)).toEqual([row.versionId]);
      expect(await store.getTags(row)).toMatchObject({ team: 'blue' });
      await expectHealed(artifact);
    },
  );

  it('by a keep that comes while it looks for lost bytes makes it DELETED all the same', async () => {
    const artifact = await aged();
    await removeBytes(artifact, (await artifact.row()).key);
    const asked = await artifact.run.send('repairArtifact', message);
    await artifact.run.signal('addHold', { reason: 'case 17' });
    await artifact.run.advance(10 * SECOND_MS);
    expect(artifact.run.outcomeOf(asked)).toMatchObject({ completed: { outcome: 'repaired' } });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'bytes_lost', holds: [] });
    expect(artifact.run.ending).toMatchObject({ failed: { type: 'ArtifactLost' } });
  });

  it('by two who ask at once is done once', async () => {
    const artifact = await aged();
    await artifact.world.store.addDeleteMarker((await artifact.row()).key);
    const ids = [
      await artifact.run.send('repairArtifact', message),
      await artifact.run.send('repairArtifact', message),
    ];
    await artifact.run.advance(SECOND_MS);
    expect(ids.map((id) => artifact.run.outcomeOf(id))).toMatchObject([
      { completed: { outcome: 'repaired' } },
      { completed: { outcome: 'nothing' } },
    ]);
  });

  it('by the reading back of a large file leaves it to read', async () => {
    const artifact = await start({ upload: { sizeBytes: null, sha256: null } });
    await artifact.sendInParts(BYTES);
    await artifact.complete();
    expect(await repair(artifact)).toMatchObject({ outcome: 'nothing' });
    await artifact.run.advance(MINUTE_MS);
    expect(await artifact.row()).toMatchObject({ checksumState: 'verified' });
    await expectHealed(artifact);
  });
});
