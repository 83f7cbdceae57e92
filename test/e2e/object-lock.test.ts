import { PutObjectLegalHoldCommand, PutObjectRetentionCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { anArtifact, look, openLifeWorld, problemOf, type LifeWorld } from '../support/life-world.js';
import { s3ClientOf, startTestStack } from '../support/stack.js';

const actor = 'ann';
const UPLOADED = ['upload_begun', 'upload_completed'];
/** A deletion that failed is tried again by itself after a minute. */
const BY_ITSELF = { interval: 1_000 };

/** Long enough to look at what is locked, on any machine, and no longer than the others wait. */
const LOCKED_MS = 45_000;

// Side by side: most of the time they wait.
describe.concurrent.each(['versitygw', 'moto'] as const)('under S3 Object Lock on %s', (store) => {
  let world: LifeWorld;
  let s3: S3Client;
  beforeAll(async () => {
    // The signed PUT of what is deleted here is dead: nothing is left to be swept up.
    const env = { PRESIGN_UPLOAD_SECONDS: '1' };
    world = await openLifeWorld(await startTestStack({ store, objectLock: true, env }));
    s3 = s3ClientOf(world.stack.store);
  });
  afterAll(async () => {
    s3.destroy();
    await world.close();
    await world.stack.stop();
  });

  const versionOf = ({ key, versionId }: ArtifactRecord) => ({
    Bucket: world.stack.store.bucket,
    Key: key,
    VersionId: versionId ?? '',
  });
  const setLegalHold = (artifact: ArtifactRecord, Status: 'ON' | 'OFF') =>
    s3.send(new PutObjectLegalHoldCommand({ ...versionOf(artifact), LegalHold: { Status } }));

  it('a deletion for good fails visibly, goes on trying, and ends once the lock is lifted', async ({ expect }) => {
    const artifact = await anArtifact(world);
    const { id } = artifact;
    await setLegalHold(artifact, 'ON');
    await expect(world.lifecycle.purgeArtifact(id, { actor })).rejects.toMatchObject({ code: 'storage_rejected' });
    await expect.poll(() => problemOf(world, id), { interval: 500 }).toBe('storage_rejected');
    expect(await look(world, id)).toMatchObject({
      row: { status: 'ACTIVE', deletionReason: 'requested' },
      versions: ['STANDARD'],
      audit: [...UPLOADED, 'deletion_begun'],
      next: 'delete',
    });
    await setLegalHold(artifact, 'OFF');
    await expect
      .poll(() => look(world, id), BY_ITSELF)
      .toMatchObject({
        row: { status: 'DELETED', purgeAtMs: null },
        versions: [],
        audit: [...UPLOADED, 'deletion_begun', 'deleted'],
        workflow: 'COMPLETED',
      });
  });

  it.for(['GOVERNANCE', 'COMPLIANCE'] as const)(
    'a deletion with a window hides the bytes, and they go when the retention of mode %s is over',
    async (Mode, { expect }) => {
      const artifact = await anArtifact(world);
      const { id } = artifact;
      const RetainUntilDate = new Date(Date.now() + LOCKED_MS);
      await s3.send(new PutObjectRetentionCommand({ ...versionOf(artifact), Retention: { Mode, RetainUntilDate } }));
      await world.lifecycle.deleteArtifact(id, { actor });
      const hidden = {
        row: { status: 'DELETED', purgeAtMs: expect.any(Number) as number },
        versions: ['marker', 'STANDARD'],
        audit: [...UPLOADED, 'deletion_begun', 'deleted'],
        next: 'purge',
      };
      expect(await look(world, id)).toMatchObject(hidden);
      await expect(world.lifecycle.purgeArtifact(id, { actor })).rejects.toMatchObject({ code: 'storage_rejected' });
      expect(await look(world, id)).toMatchObject(hidden);
      const purge = async (): Promise<string> =>
        (await world.lifecycle.purgeArtifact(id, { actor }).catch(() => null))?.status ?? 'locked';
      await expect.poll(purge, { interval: 1_000 }).toBe('DELETED');
      expect(await look(world, id)).toMatchObject({
        row: { status: 'DELETED', purgeAtMs: null },
        versions: [],
        audit: [...UPLOADED, 'deletion_begun', 'deleted', 'purged'],
      });
    },
  );
});
