import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/units.js';
import type { Description } from '../../src/workflows/messages.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { BYTES, sha256, START_MS, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

const { start } = useArtifacts();

type Options = Parameters<typeof start>[0];

/** A stream of unknown length, which is uploaded in parts however short it is; all sent. */
async function sentInParts(options: Options = {}, bytes = BYTES): Promise<VirtualArtifact> {
  const artifact = await start({ ...options, upload: { sizeBytes: null, sha256: null, ...options.upload } });
  await artifact.sendInParts(bytes);
  return artifact;
}

const OTHER_BYTES = Buffer.from('wrong data');
const READING_MS = 10 * MINUTE_MS;
/** Reading back takes a while. */
const slow = { activityMs: (name: string) => (name === 'hashStored' ? READING_MS : 0) };

/** ACTIVE, and being read back for ten minutes. */
async function beingReadBack(options: Options = {}, bytes = BYTES): Promise<VirtualArtifact> {
  const artifact = await sentInParts({ ...options, run: { ...slow, ...options.run } }, bytes);
  expect(await artifact.complete()).toMatchObject({ status: 'ACTIVE', checksumState: 'claimed' });
  return artifact;
}

const problemOf = ({ run }: VirtualArtifact): unknown => run.searchAttributes.get('ArtifactProblem') ?? null;
const timesReadBack = ({ run }: VirtualArtifact): number =>
  run.activities.filter((name) => name === 'hashStored').length;

describe('an upload in parts by a client, on a store that checks every part', () => {
  it('is ACTIVE at once, and verified when it was read back', async () => {
    const artifact = await beingReadBack();
    await artifact.run.advance(READING_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', checksumState: 'verified' });
    expect((await artifact.world.records.history(artifact.id)).slice(1)).toMatchObject([
      { kind: 'upload_completed', actor: 'agent', detail: { verifiedBy: null } },
      { kind: 'checksum_verified', actor: 'worker', atMs: START_MS + READING_MS, detail: { sha256: sha256(BYTES) } },
    ]);
    expect(problemOf(artifact)).toBeNull();
    await artifact.run.advance(30 * DAY_MS);
    expect(timesReadBack(artifact)).toBe(1);
  });

  it('with other bytes than claimed stays, with a problem that is not over before it is deleted', async () => {
    const artifact = await beingReadBack({}, OTHER_BYTES);
    await artifact.run.advance(READING_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', checksumState: 'mismatch' });
    expect((await artifact.world.records.history(artifact.id)).at(-1)).toMatchObject({
      kind: 'checksum_mismatched',
      detail: { claimedSha256: sha256(BYTES), storedSha256: sha256(OTHER_BYTES) },
    });
    await artifact.run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
    expect(problemOf(artifact)).toBe('content_mismatch');
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', checksumState: 'mismatch' });
    expect(problemOf(artifact)).toBeNull();
  });

  it('is kept, held and archived while it is read back, as at any other time', async () => {
    const artifact = await beingReadBack();
    await artifact.run.advance(MINUTE_MS);
    await artifact.run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
    const hold = { id: '7d2f1d0e-6c39-4a8c-8a51-0d3a4ac3a001', reason: 'case 17', untilMs: null };
    await artifact.run.mustUpdate('addHold', { hold, actor: 'ann' });
    expect(artifact.run.nowMs).toBe(START_MS + MINUTE_MS);
    await artifact.run.advance(READING_MS);
    expect(await artifact.row()).toMatchObject({ checksumState: 'verified', retention: { rule: 'permanent' } });
    expect(timesReadBack(artifact)).toBe(1);
  });

  it('is deleted while it is read back without waiting for that, and nothing comes of it', async () => {
    const artifact = await beingReadBack();
    await artifact.run.advance(MINUTE_MS);
    await artifact.run.mustUpdate('deleteArtifact', { actor: 'ann' });
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletedAtMs: START_MS + MINUTE_MS });
    await artifact.run.advance(DAY_MS);
    expect(await artifact.audit()).toEqual(['upload_begun', 'upload_completed', 'deletion_begun', 'deleted']);
    await artifact.run.mustUpdate('undeleteArtifact', { actor: 'ann' });
    await artifact.run.advance(READING_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', checksumState: 'verified' });
  });

  it('expires at its time although it is being read back', async () => {
    const expiresAtMs = START_MS + 5 * MINUTE_MS;
    const artifact = await beingReadBack({ upload: { expiresAtMs } });
    await artifact.run.advance(5 * MINUTE_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', deletedAtMs: expiresAtMs });
    await artifact.run.advance(DAY_MS);
    expect(await artifact.audit()).not.toContain('checksum_verified');
  });

  it('expires rather than being found right in the same moment', async () => {
    const artifact = await beingReadBack({ upload: { expiresAtMs: START_MS + READING_MS } });
    await artifact.run.advance(READING_MS);
    expect(await artifact.row()).toMatchObject({ status: 'DELETED', checksumState: 'claimed' });
  });

  it('is read back again every hour while the store is away, which operators see', async () => {
    const artifact = await sentInParts();
    artifact.faults.set('hashStored', () => toFailure(new ArtifactError('storage_unavailable', 'no answer')));
    await artifact.complete();
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', checksumState: 'claimed' });
    const { next } = await artifact.run.query<Description>('describe');
    expect(next).toEqual({ kind: 'verify', atMs: START_MS + HOUR_MS, rule: 'unverified_checksum' });
    await artifact.run.advance(5 * HOUR_MS - 1);
    expect([timesReadBack(artifact), problemOf(artifact)]).toEqual([5, 'storage_unavailable']);
    artifact.faults.clear();
    await artifact.run.advance(1);
    expect(await artifact.row()).toMatchObject({ checksumState: 'verified' });
    expect(problemOf(artifact)).toBeNull();
  });

  it('is read back anew by the run that takes over', async () => {
    let isLong = false;
    const run = { followsRuns: true, continueAsNewSuggested: () => isLong && artifact.run.runs === 1 };
    const artifact: VirtualArtifact = await beingReadBack({ run });
    await artifact.run.advance(MINUTE_MS);
    isLong = true;
    await artifact.run.mustUpdate('keepForever', { reason: 'evidence', actor: 'ann' });
    expect(artifact.run.runs).toBe(2);
    await artifact.run.advance(READING_MS);
    expect(await artifact.row()).toMatchObject({ checksumState: 'verified' });
    expect(timesReadBack(artifact)).toBe(2);
  });

  it('is verified by the bytes that its row names: those that were moved meanwhile are read anew', async () => {
    const artifact = await beingReadBack({ policy: { warmAfterDays: 0 } });
    expect(await artifact.row()).toMatchObject({ tier: 'WARM', checksumState: 'claimed' });
    const { versionId } = await artifact.row();
    await artifact.run.advance(2 * READING_MS);
    const verified = (await artifact.world.records.history(artifact.id)).at(-1);
    expect(verified).toMatchObject({ kind: 'checksum_verified', detail: { versionId } });
    expect(timesReadBack(artifact)).toBe(2);
  });

  it('in the archive is read back once it was restored', async () => {
    const artifact = await beingReadBack();
    await artifact.run.mustUpdate('archiveArtifact', { actor: 'ann' });
    await artifact.run.advance(DAY_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ARCHIVED', checksumState: 'claimed' });
    await artifact.run.mustUpdate('restoreArtifact', { tier: 'Standard', actor: 'ann' });
    artifact.world.store.finishRestores();
    await artifact.run.advance(2 * HOUR_MS);
    expect(await artifact.row()).toMatchObject({ status: 'ACTIVE', checksumState: 'verified' });
  });
});

describe('an upload in parts on a store that checks nothing', () => {
  it('is read back before it is ACTIVE, and wrong bytes are refused and deleted', async () => {
    const capabilities = { enforcesChecksums: false };
    const right = await sentInParts({ capabilities });
    expect(await right.complete()).toMatchObject({ status: 'ACTIVE', checksumState: 'verified' });
    expect(timesReadBack(right)).toBe(0);
    const wrong = await sentInParts({ capabilities }, OTHER_BYTES);
    await expect(wrong.complete()).rejects.toMatchObject({ type: 'checksum_mismatch' });
    expect(await wrong.row()).toMatchObject({ status: 'DELETED', checksumState: 'mismatch' });
  });
});
