import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { MINUTE_MS } from '../../src/domain/units.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import type { VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/*
 * How an artifact bears the id of the deletion of its execution, by which that is counted: in the audit, in the transaction that makes
 * its row DELETED.
 */

const { start, active } = useArtifacts();

const away = () => toFailure(new ArtifactError('storage_unavailable', 'no answer'));
const told = (executionDeletionId: string) => ({ actor: 'ann', executionDeletionId });

/** Of its audit, what speaks of deletions: kind and id. */
async function counted(artifact: VirtualArtifact): Promise<unknown[]> {
  const events = await artifact.world.records.history(artifact.id);
  return events
    .filter(({ kind }) => kind === 'deleted' || kind === 'deletion_revoked')
    .map(({ kind, detail }) => [kind, detail['executionDeletionId']]);
}

describe('an artifact that is told by the deletion of its execution', () => {
  it('says so in its audit, also while it is uploaded', async () => {
    for (const artifact of [await active(), await start()]) {
      await artifact.run.signal('deleteArtifact', told('one'));
      expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'requested' });
      expect(await counted(artifact)).toEqual([['deleted', 'one']]);
    }
  });

  it('names the request that asked for it, and so does what it inherits', async () => {
    const artifact = await active();
    await artifact.run.signal('inheritRetention', { days: 90, actor: 'ann', requestId: 'request-1' });
    await artifact.run.signal('deleteArtifact', { ...told('one'), requestId: 'request-2' });
    const events = await artifact.world.records.history(artifact.id);
    const said = events.filter(({ kind }) => kind !== 'deletion_begun').slice(-2);
    expect(said.map(({ kind, actor, detail }) => [kind, actor, detail['requestId']])).toEqual([
      ['retention_changed', 'ann', 'request-1'],
      ['deleted', 'ann', 'request-2'],
    ]);
  });

  it('says so once when the answer of what deleted it was lost, and when it is told again', async () => {
    const artifact = await active();
    artifact.losses.set('eraseArtifact', away);
    await artifact.run.signal('deleteArtifact', told('one'));
    artifact.losses.clear();
    await artifact.run.advance(MINUTE_MS);
    await artifact.run.signal('deleteArtifact', told('two'));
    expect(await counted(artifact)).toEqual([['deleted', 'one']]);
  });

  it('is counted by the last one that asked before it was deleted', async () => {
    const artifact = await active();
    artifact.faults.set('eraseArtifact', away);
    await artifact.run.signal('deleteArtifact', { actor: 'bob' });
    await artifact.run.signal('deleteArtifact', told('one'));
    await artifact.run.signal('deleteArtifact', told('two'));
    artifact.faults.clear();
    await artifact.run.signal('deleteArtifact', { actor: 'bob' });
    expect(await counted(artifact)).toEqual([['deleted', 'two']]);
    expect((await artifact.world.records.history(artifact.id)).at(-1)?.actor).toBe('bob');
  });

  it('says as well that somebody wanted it back', async () => {
    const artifact = await active();
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.signal('deleteArtifact', told('one'));
    artifact.world.store.outage = null;
    const undeleting = artifact.run.update('undeleteArtifact', { actor: 'bob' });
    await undeleting;
    await artifact.run.advance(MINUTE_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', deletionReason: null });
    expect(await counted(artifact)).toEqual([['deletion_revoked', 'one']]);
  });

  it('stays when it is held', async () => {
    const artifact = await active();
    await artifact.run.signal('addHold', { reason: 'case 17' });
    await artifact.run.signal('deleteArtifact', told('one'));
    expect((await artifact.row()).status).toBe('ACTIVE');
  });
});
