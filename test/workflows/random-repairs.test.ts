import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { previewOf } from '../../src/domain/preview.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { MINUTE_MS, SECOND_MS } from '../../src/domain/units.js';
import { liveUntilTheLastWord, randomLives } from '../support/random-life.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { BYTES, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/* Any life at any moment: what is whole is left alone, and what somebody injures heals to what it was. */

const { start } = useArtifacts();

const LIVES = 300;
const SEED = 20_261_129;

/** Long enough for a second look, too short for what else may happen. */
async function repair({ run }: VirtualArtifact): Promise<unknown> {
  const id = await run.send('repairArtifact', { actor: 'reconcile' });
  await run.advance(6 * SECOND_MS);
  return run.outcomeOf(id);
}

const isLiving = ({ status }: ArtifactRecord): boolean => status === 'ACTIVE' || status === 'ARCHIVED';
const isInWindow = ({ status, purgeAtMs }: ArtifactRecord): boolean => status === 'DELETED' && purgeAtMs !== null;

type Injury = (artifact: VirtualArtifact, row: ArtifactRecord) => Promise<unknown>;
interface Kind {
  appliesTo: (row: ArtifactRecord) => boolean;
  injure: Injury;
}

const removeAll: Injury = async ({ world }, { key }) => {
  for (const { versionId } of await world.store.listVersions(key)) await world.store.deleteVersion(key, versionId);
};
const INJURIES: Record<string, Kind> = {
  hidden: {
    appliesTo: (row) => isLiving(row) && row.versionId !== null,
    injure: ({ world }, { key }) => world.store.addDeleteMarker(key),
  },
  shown: {
    appliesTo: isInWindow,
    injure: async ({ world }, { key }) => {
      const [marker] = await world.store.listVersions(key);
      await world.store.deleteVersion(key, marker?.versionId ?? null);
    },
  },
  tagged: { appliesTo: isLiving, injure: ({ world }, row) => world.store.putTags(row, { stray: 'tag' }) },
  'row changed': {
    appliesTo: (row) => isLiving(row) || isInWindow(row),
    injure: ({ world, id }, row) => {
      const wrong = { storageClass: 'ONEZONE_IA', etag: 'other', sizeBytes: 1, holds: [], tier: 'WARM' } as const;
      world.records.injure(id, { ...wrong, holds: [], tags: { ...row.tags, stray: 'tag' }, warnedAtMs: 1 });
      return Promise.resolve();
    },
  },
  'row set back': {
    appliesTo: (row) => row.revision > 0,
    injure: ({ world, id }, row) => {
      world.records.injure(id, { revision: row.revision - 1, sha256: 'c'.repeat(64), tags: {}, holds: [] });
      return Promise.resolve();
    },
  },
  'row gone': {
    appliesTo: () => true,
    injure: async ({ world }, { executionId }) => {
      const execution = await world.records.getExecution(executionId);
      world.records.deleteExecution(executionId);
      if (execution !== null) world.records.putExecution(execution);
    },
  },
  'another version': {
    appliesTo: (row) => isLiving(row) && row.versionId !== null && row.storageClass === 'STANDARD',
    injure: async (artifact, row) => {
      const tags = (await artifact.world.store.getTags(row)) ?? {};
      await removeAll(artifact, row);
      await artifact.world.store.put({ ...objectAtCreation(row), tags }, BYTES);
    },
  },
  gone: { appliesTo: (row) => isLiving(row) || isInWindow(row), injure: removeAll },
};

/** What a repair may have changed although nothing of it was wrong. */
function comparable(row: ArtifactRecord): Partial<ArtifactRecord> {
  const { revision: _revision, updatedAtMs: _updatedAtMs, versionId: _versionId, etag, ...rest } = row;
  return { ...rest, etag: etag === null ? null : 'known', checksumState: 'claimed' };
}

it(
  `heals any of ${LIVES} random lives of any injury, and never sees one where there is none (seed ${SEED})`,
  {},
  async () => {
    const counts = new Map<string, number>();
    const heals = fc.asyncProperty(randomLives, fc.nat(), async (life, chance) => {
      await new Promise(setImmediate);
      const artifact = await liveUntilTheLastWord(start, life);
      const { run } = artifact;
      const before = await artifact.row();
      if (run.ending !== null || previewOf(before, run.nowMs, run.nowMs + MINUTE_MS).length > 0) return;
      const audit = await artifact.audit();
      expect(await repair(artifact)).toMatchObject({ completed: { outcome: 'nothing' } });
      expect(await artifact.row()).toEqual(before);
      expect(await artifact.audit()).toEqual(audit);

      const kinds = Object.keys(INJURIES).filter((kind) => INJURIES[kind]?.appliesTo(before));
      const kind = kinds[chance % kinds.length] ?? '';
      await INJURIES[kind]?.injure(artifact, before);
      expect([kind, await repair(artifact)]).toMatchObject([kind, { completed: { outcome: 'repaired' } }]);
      const after = await artifact.row();
      if (kind !== 'gone') expect([kind, comparable(after)]).toEqual([kind, comparable(before)]);
      else if (isInWindow(before)) expect(after).toMatchObject({ status: 'DELETED', purgeAtMs: null });
      else expect(after).toMatchObject({ status: 'DELETED', deletionReason: 'bytes_lost', holds: before.holds });
      if (run.ending === null) expect(await repair(artifact)).toMatchObject({ completed: { outcome: 'nothing' } });
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    });
    await fc.assert(heals, {
      numRuns: LIVES,
      seed: SEED,
      interruptAfterTimeLimit: 90_000,
      markInterruptAsFailure: true,
    });
    console.log(`healed: ${[...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
    for (const kind of Object.keys(INJURIES)) expect([kind, counts.get(kind) ?? 0]).not.toEqual([kind, 0]);
  },
);
