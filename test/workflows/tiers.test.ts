import { describe, expect, it } from 'vitest';
import { ArtifactError } from '../../src/domain/errors.js';
import { DAY_MS, HOUR_MS } from '../../src/domain/units.js';
import type { StoreCapabilities } from '../../src/storage/object-store.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { START_MS, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/* HOT, WARM after 30 days, COLD after 90, and back: by age, by hand, and on stores that have no such thing. */

const { active } = useArtifacts();

const day = (days: number): number => START_MS + days * DAY_MS;
const TIERS = { policy: { warmAfterDays: 30, coldAfterDays: 90 }, upload: { retentionDays: 1000 } };
const WITHOUT_CLASSES = { storageClasses: false, restore: false };
const problem = (artifact: VirtualArtifact): unknown => artifact.run.searchAttributes.get('ArtifactProblem') ?? null;

interface Case {
  capabilities?: Partial<StoreCapabilities>;
  refuses?: boolean;
}

/** Audit as `kind day`, of what moves it. */
async function moves(artifact: VirtualArtifact): Promise<string[]> {
  const events = await artifact.world.records.history(artifact.id);
  return events
    .filter(({ kind }) => kind === 'tier_changed' || kind === 'archived' || kind === 'restored')
    .map(({ kind, atMs }) => `${kind} ${(atMs - START_MS) / DAY_MS}`);
}

describe('the age of an artifact', () => {
  it('makes it WARM, then COLD, with one version in the bucket each time', async () => {
    const artifact = await active(TIERS);
    await artifact.run.advance(30 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', tier: 'WARM', storageClass: 'STANDARD_IA' });
    expect(await artifact.remains()).toBe(1);
    await artifact.run.advance(60 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', tier: 'COLD', storageClass: 'GLACIER' });
    expect(await artifact.remains()).toBe(1);
    expect(await moves(artifact)).toEqual(['tier_changed 30', 'archived 90']);
  });

  it('counts from the last restore', async () => {
    const artifact = await active(TIERS);
    await artifact.run.advance(100 * DAY_MS);
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Standard', actor: 'ann' });
    artifact.world.store.finishRestores();
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', tier: 'HOT', restoredAtMs: day(100) + HOUR_MS });
    await artifact.run.advance(100 * DAY_MS);
    const hour = 1 / 24;
    expect(await moves(artifact)).toEqual([
      ...['tier_changed 30', 'archived 90', `restored ${100 + hour}`, `tier_changed ${130 + hour}`],
      `archived ${190 + hour}`,
    ]);
  });

  it('takes it to the colder tier directly when both are due', async () => {
    const artifact = await active(TIERS);
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.advance(90 * DAY_MS);
    artifact.world.store.outage = null;
    await artifact.run.advance(HOUR_MS);
    expect((await moves(artifact)).map((move) => move.split(' ')[0])).toEqual(['archived']);
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', tier: 'COLD' });
  });

  it('does not move what expires at the same moment', async () => {
    const artifact = await active({ policy: { warmAfterDays: 30 } });
    await artifact.run.advance(31 * DAY_MS);
    expect(await moves(artifact)).toEqual([]);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  });

  it('moves what is held or permanent as well, and its tag with it', async () => {
    const artifact = await active(TIERS);
    await artifact.run.signal('keepForever');
    await artifact.run.advance(91 * DAY_MS);
    const { key, tier } = await artifact.row();
    expect(tier).toBe('COLD');
    expect(await artifact.world.store.getTags({ key })).toMatchObject({ 'artifact-retention': 'permanent' });
  });

  it.each([
    ['has no classes', { capabilities: WITHOUT_CLASSES }],
    ['says that it cannot', { refuses: true }],
  ])('is a fact of the row only on a store that %s', async (_, { capabilities, refuses }: Case) => {
    const artifact = await active({ ...TIERS, ...(capabilities === undefined ? {} : { capabilities }) });
    if (refuses === true)
      artifact.world.store.copyToClass = () => Promise.reject(new ArtifactError('not_supported', 'no'));
    await artifact.run.advance(30 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', tier: 'WARM', storageClass: 'STANDARD' });
    await artifact.run.advance(60 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', tier: 'COLD', storageClass: 'STANDARD' });
    const row = await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
    expect(row).toMatchObject({ status: 'ACTIVE', tier: 'HOT', restoreState: null });
    expect(await artifact.remains()).toBe(1);
  });
});

describe('bytes that are in the archive already', () => {
  it('because the bucket moved them, or nobody heard that they were, are ARCHIVED as soon as they would be moved', async () => {
    const world = { store: new MemoryObjectStore({ versioning: false }), records: new MemoryArtifactRecords() };
    const artifact = await active({ ...TIERS, world, capabilities: { versioning: false } });
    const { key } = await artifact.row();
    await world.store.copyToClass({ key }, 'GLACIER');
    await artifact.run.advance(30 * DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', tier: 'COLD', storageClass: 'GLACIER' });
    expect(problem(artifact)).toBeNull();
  });
});

describe('a move that fails', () => {
  it('is shown, and tried again until it succeeds', async () => {
    const artifact = await active(TIERS);
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.advance(33 * DAY_MS);
    expect(problem(artifact)).toBe('storage_unavailable');
    expect(await artifact.row()).toMatchObject({ tier: 'HOT' });
    artifact.world.store.outage = null;
    await artifact.run.advance(HOUR_MS);
    expect(await artifact.row()).toMatchObject({ tier: 'WARM' });
    expect(problem(artifact)).toBeNull();
  });

  it('leaves no problem behind when somebody archives it instead', async () => {
    const artifact = await active(TIERS);
    artifact.world.store.outage = 'storage_unavailable';
    await artifact.run.advance(30 * DAY_MS);
    artifact.world.store.outage = null;
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    expect(problem(artifact)).toBeNull();
  });

  it('does not delay the warning, the end of a hold, and the expiry', async () => {
    const artifact = await active({ ...TIERS, upload: { retentionDays: 40 } });
    artifact.faults.set('ensureTier', () => new Error('no'));
    const untilMs = day(39.3);
    await artifact.run.mustUpdate('addHold', { hold: { id: 'a', reason: 'case', untilMs }, actor: 'ann' });
    await artifact.run.advance(41 * DAY_MS);
    const events = await artifact.world.records.history(artifact.id);
    const timed = events.map(({ kind, atMs }) => `${kind} ${(atMs - START_MS) / DAY_MS}`);
    expect(timed).toEqual([
      'upload_begun 0',
      'upload_completed 0',
      'hold_added 0',
      'expiry_warned 37',
      'hold_ended 39.3',
      'deletion_begun 40',
      'deleted 40',
    ]);
  });
});

describe('while a restore runs', () => {
  async function restoring(): Promise<VirtualArtifact> {
    const artifact = await active({ upload: { retentionDays: 200 } });
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'ann' });
    return artifact;
  }

  it('it says when it will be over at the latest', async () => {
    const artifact = await restoring();
    expect(await artifact.row()).toMatchObject({ restoreState: 'in_progress', restoreEtaMs: START_MS + 12 * HOUR_MS });
  });

  it('archiving is refused, and restoring joins it', async () => {
    const artifact = await restoring();
    const refused = await artifact.run.update('archiveArtifact', { actor: 'bob' });
    expect(refused.rejected).toMatchObject({ type: 'wrong_state' });
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Expedited', actor: 'bob' });
    const asked = (await artifact.world.records.history(artifact.id)).filter(
      ({ kind }) => kind === 'restore_requested',
    );
    expect(asked).toHaveLength(1);
  });

  it('restoring what is back does nothing', async () => {
    const artifact = await restoring();
    artifact.world.store.finishRestores();
    await artifact.run.advance(HOUR_MS);
    const row = await artifact.row();
    expect(await artifact.run.mustUpdate('restoreArtifact', { tier: 'Bulk', actor: 'bob' })).toEqual(row);
  });
});
