import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { DAY_MS, HOUR_MS } from '../../src/domain/units.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { START_MS, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/* Where a deployment moves by the last use: nobody tells a life of its downloads, it asks when a move is due. */

const lives = useArtifacts();
const day = (days: number): number => START_MS + days * DAY_MS;
const active = (tierBy?: 'last_access') =>
  lives.active({
    policy: { warmAfterDays: 30, coldAfterDays: 90, ...(tierBy === undefined ? {} : { tierBy }) },
    upload: { retentionDays: 1_000 },
  });

const downloaded = ({ world, id }: VirtualArtifact, onDay: number) =>
  world.records.addDownloads([{ artifactId: id, count: 1, lastAtMs: day(onDay) }]);

/** Audit as `kind day`, of what moves it. */
async function moves(artifact: VirtualArtifact): Promise<string[]> {
  const events = await artifact.world.records.history(artifact.id);
  return events
    .filter(({ kind }) => kind === 'tier_changed' || kind === 'archived')
    .map(({ kind, atMs }) => `${kind} ${(atMs - START_MS) / DAY_MS}`);
}

describe('an artifact that moves when nobody uses it', () => {
  it('moves as by its age when nobody ever does', async () => {
    const artifact = await active('last_access');
    await artifact.run.advance(100 * DAY_MS);
    expect(await moves(artifact)).toEqual(['tier_changed 30', 'archived 90']);
  });

  it('stays for as long as it is used, and moves so many days after the last time', async () => {
    const artifact = await active('last_access');
    await artifact.run.advance(29 * DAY_MS);
    await downloaded(artifact, 29);
    await artifact.run.advance(29 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ tier: 'HOT' });
    await downloaded(artifact, 50);
    await artifact.run.advance(142 * DAY_MS);
    expect(await moves(artifact)).toEqual(['tier_changed 80', 'archived 140']);
  });

  it('that is WARM goes to the archive only when it is not used there either', async () => {
    const artifact = await active('last_access');
    await artifact.run.advance(40 * DAY_MS);
    await downloaded(artifact, 40);
    await artifact.run.advance(100 * DAY_MS);
    expect(await moves(artifact)).toEqual(['tier_changed 30', 'archived 130']);
  });

  it('is put off without a change of its row, a message or an event of its own', async () => {
    const artifact = await active('last_access');
    const { revision } = await artifact.row();
    await downloaded(artifact, 20);
    await artifact.run.advance(31 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ revision, tier: 'HOT', downloads: 1 });
    expect(await artifact.run.query('describe')).toMatchObject({
      next: { kind: 'changeTier', rule: 'warm_unused', atMs: day(50) },
    });
  });

  it('is not moved while nobody can say whether it was used', async () => {
    const artifact = await active('last_access');
    await downloaded(artifact, 20);
    await artifact.run.advance(30 * DAY_MS - HOUR_MS);
    artifact.faults.set('findRow', () => toFailure(new ArtifactError('database_unavailable', 'no answer')));
    await artifact.run.advance(12 * HOUR_MS);
    expect(artifact.run.searchAttributes.get('ArtifactProblem')).toBe('database_unavailable');
    artifact.faults.clear();
    await artifact.run.advance(30 * DAY_MS);
    expect(await moves(artifact)).toEqual(['tier_changed 50']);
    expect(artifact.run.searchAttributes.get('ArtifactProblem') ?? null).toBeNull();
  });
});

it('an artifact that moves by its age does so however often it is used', async () => {
  const artifact = await active();
  await downloaded(artifact, 29);
  await artifact.run.advance(100 * DAY_MS);
  expect(await moves(artifact)).toEqual(['tier_changed 30', 'archived 90']);
});
