import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { sha256Of } from '../support/e2e.js';
import { anArtifact, look, openLifeWorld, problemOf, type LifeWorld } from '../support/life-world.js';
import { startTestStack } from '../support/stack.js';
import type { StoreCall } from '../support/gates/store-gate.js';

const actor = 'ann';
const UPLOADED = ['upload_begun', 'upload_completed'];
const SOME_TIME = { interval: 500 };
/** An attempt has 7 seconds; the SDK would wait for 20, and then send it again. */
const GIVEN_UP = { timeout: 16_000 };

let world: LifeWorld;
beforeAll(async () => {
  world = await openLifeWorld(await startTestStack());
});
afterAll(async () => {
  await world.close();
  await world.stack.stop();
});

const expire = ({ id, createdAtMs }: ArtifactRecord) =>
  world.lifecycle.setRetention(id, { expiresAtMs: createdAtMs, confirm: true, actor });
const keep = ({ id }: ArtifactRecord) => world.lifecycle.keepForever(id, { reason: 'evidence', actor });
const kept = {
  row: { status: 'ACTIVE', deletionReason: null, expiresAtMs: null },
  versions: ['STANDARD'],
  retentionTag: 'permanent',
  audit: [...UPLOADED, 'retention_changed', 'deletion_begun', 'deletion_revoked', 'retention_changed'],
};

async function expectWhole({ key, sha256 }: ArtifactRecord): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await world.bucket.read({ key })) ?? []) chunks.push(chunk as Buffer);
  expect(sha256Of(Buffer.concat(chunks))).toBe(sha256);
}

describe('while the store answers 503', () => {
  let deleted: ArtifactRecord;
  let expired: ArtifactRecord;
  beforeAll(async () => {
    deleted = await anArtifact(world);
    expired = await anArtifact(world);
    world.stack.gates.store.outage = 503;
    await expire(expired);
  });
  afterAll(() => {
    world.stack.gates.store.outage = null;
  });

  it('a deletion fails visibly, and nobody is given the bytes', async () => {
    const asked = world.lifecycle.deleteArtifact(deleted.id, { actor });
    await expect(asked).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect.poll(() => problemOf(world, deleted.id), SOME_TIME).toBe('storage_unavailable');
    expect(await look(world, deleted.id)).toMatchObject({
      row: { status: 'ACTIVE', deletionReason: 'requested' },
      next: 'delete',
      versions: ['STANDARD'],
      audit: [...UPLOADED, 'deletion_begun'],
    });
  });

  it('an expiry that cannot be carried out is visible, and a keep is accepted', async () => {
    await expect.poll(() => problemOf(world, expired.id), SOME_TIME).toBe('storage_unavailable');
    await expect(keep(expired)).rejects.toMatchObject({ code: 'not_yet_answered' });
  });

  it('both end by themselves once the store is back: one is deleted, the other one kept', async () => {
    world.stack.gates.store.outage = null;
    await expect.poll(() => look(world, expired.id), SOME_TIME).toMatchObject(kept);
    await expectWhole(expired);
    await expect
      .poll(() => look(world, deleted.id), SOME_TIME)
      .toMatchObject({
        row: { status: 'DELETED', deletionReason: 'requested' },
        versions: ['marker', 'STANDARD'],
        audit: [...UPLOADED, 'deletion_begun', 'deleted'],
      });
    for (const { id } of [expired, deleted]) await expect.poll(() => problemOf(world, id), SOME_TIME).toBeNull();
  });
});

describe('a store that hangs in the middle of an expiry', () => {
  it('is sent nothing more once the attempt is given up, so that a keep is safe', async () => {
    const { store } = world.stack.gates;
    const artifact = await anArtifact(world);
    const isDeletion = ({ verb, key }: StoreCall): boolean => verb === 'DeleteVersion' && key === artifact.key;
    const held = store.held.hold({ when: 'before', name: 'the deletion' }, isDeletion);
    await expire(artifact);
    await held.reached();
    await expect.poll(() => store.dropped.filter(isDeletion).length, GIVEN_UP).toBeGreaterThan(0);
    await expect.poll(() => problemOf(world, artifact.id), SOME_TIME).toBe('storage_unavailable');
    store.held.open();
    const before = store.calls.filter(isDeletion).length;
    await keep(artifact).catch(() => undefined);
    await expect.poll(() => look(world, artifact.id), SOME_TIME).toMatchObject(kept);
    await expectWhole(artifact);
    expect(store.calls.filter(isDeletion)).toHaveLength(before);
    expect(store.dropped.filter(isDeletion)).toHaveLength(before);
  });
});
