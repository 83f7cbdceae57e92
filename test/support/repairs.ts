import { expect } from 'vitest';
import type { RecordedEvent } from '../../src/db/artifact-records.js';
import type { Repair } from '../../src/domain/repair.js';
import { DAY_MS, SECOND_MS } from '../../src/domain/units.js';
import type { VirtualArtifact } from './virtual-time/virtual-artifact.js';

export const RUN = 'a5d0b7de-0b1c-4b6e-8c1b-1f0e1f0e1f0e';
export const message = { actor: 'reconcile', runId: RUN };

export const repair = (artifact: VirtualArtifact): Promise<Repair> =>
  artifact.run.mustUpdate<Repair>('repairArtifact', message);

/** Of what may have to look twice. */
export async function repairSlowly({ run }: VirtualArtifact): Promise<unknown> {
  const id = await run.send('repairArtifact', message);
  await run.advance(10 * SECOND_MS);
  return run.outcomeOf(id);
}

/** Nothing of it is young. */
export async function twoDaysOld(begun: Promise<VirtualArtifact>): Promise<VirtualArtifact> {
  const artifact = await begun;
  await artifact.run.advance(2 * DAY_MS);
  return artifact;
}

/** The last of its audit. */
export const lastOf = async ({ world, id }: VirtualArtifact): Promise<RecordedEvent | undefined> =>
  (await world.records.history(id)).at(-1);

/** Healed means that another look finds nothing, and leaves no trace. */
export async function expectHealed(artifact: VirtualArtifact): Promise<void> {
  const before = await artifact.audit();
  expect(await repair(artifact)).toMatchObject({ outcome: 'nothing' });
  expect(await artifact.audit()).toEqual(before);
}

/** All versions and markers. */
export async function removeBytes({ world }: VirtualArtifact, key: string): Promise<void> {
  for (const { versionId } of await world.store.listVersions(key)) await world.store.deleteVersion(key, versionId);
}
