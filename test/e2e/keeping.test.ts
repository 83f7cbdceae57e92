import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Artifact, ArtifactClient } from '../../src/sdk/index.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { aFile, bucketOf, clientOf, request } from '../support/e2e.js';
import { errorOf } from '../support/sdk.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const DAY_MS = 86_400_000;

let stack: TestStack;
let token: string;
let client: ArtifactClient;
let bucket: ObjectStore;
beforeAll(async () => {
  stack = await startTestStack();
  token = await stack.token();
  client = clientOf(stack, token);
  bucket = bucketOf(stack);
});
afterAll(async () => {
  client.close();
  bucket.close();
  await stack.stop();
});

const upload = (bytes: Buffer, executionId = randomUUID()): Promise<Artifact> =>
  client.uploadArtifact(executionId, bytes, { fileName: 'report.bin' });
const bytesNow = async (id: string): Promise<Buffer> => buffer(await client.downloadArtifact(id));
const get = (path: string): ReturnType<typeof request> => request(stack, token, { method: 'GET', path });

/** What the store answers to a link. */
async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url);
  await answer.arrayBuffer();
  return answer.status;
}

describe('a hold', () => {
  it('keeps an artifact from being deleted until it ends', async () => {
    const { bytes } = aFile(1_000);
    const { id, executionId, path } = await upload(bytes);
    const holdId = randomUUID();
    await client.addHold(id, { reason: 'case 17', id: holdId });
    await client.addHold(id, { reason: 'case 17', id: holdId });
    expect(await client.listHolds(id)).toMatchObject([{ id: holdId, by: 'agent-7', reason: 'case 17' }]);
    for (const purge of [false, true]) {
      const refused = await errorOf(client.deleteArtifact(id, { purge }));
      expect(refused).toMatchObject({
        code: 'held',
        message: `${path} is held (${holdId} by agent-7: case 17)`,
        details: { artifactId: id, holds: [holdId] },
      });
    }
    expect(await client.deleteExecutionArtifactsWithReport(executionId)).toMatchObject({ deleted: 0, held: 1 });
    expect((await bytesNow(id)).equals(bytes)).toBe(true);
    expect(await client.endHold(id, holdId)).toMatchObject({ holds: [] });
    expect(await client.endHold(id, holdId)).toMatchObject({ id });
    await client.deleteArtifact(id);
    expect((await client.history(id)).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['hold_added', 'hold_ended', 'deleted']),
    );
  });

  it('keeps one whose time is up, and its end lets it go', async () => {
    const { id } = await upload(aFile(10).bytes);
    const hold = await client.addHold(id, { reason: 'case 17' });
    await client.setRetention(id, { expiresAt: new Date(Date.now() - 1_000) }, { confirm: true });
    expect(await client.getPlan(id)).toMatchObject({ action: 'changeTier' });
    await client.endHold(id, hold.id);
    await expect.poll(() => client.getArtifact(id)).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
    expect(await client.getArtifact(id)).not.toHaveProperty('purgeAt');
  });
});

describe('a deletion', () => {
  it('hides the bytes from everybody, and undelete brings the same ones back', async () => {
    const { bytes, sha256 } = aFile(100_000);
    const before = await upload(bytes);
    const { id, filePath: key } = before;
    const link = await client.getPresignedUrl(id);
    expect(await statusOf(link)).toBe(200);

    await client.deleteArtifact(id);
    const deleted = await client.getArtifact(id);
    expect(deleted).toMatchObject({ status: 'DELETED', deletionReason: 'requested' });
    expect(((deleted.purgeAt?.getTime() ?? 0) - Date.now()) / DAY_MS).toBeCloseTo(7, 2);
    expect(await statusOf(link)).toBe(404);
    expect(await bucket.head({ key })).toBeNull();
    expect(await errorOf(client.downloadArtifact(id))).toMatchObject({
      code: 'artifact_deleted',
      details: { purgeAt: deleted.purgeAt?.toISOString() },
    });
    expect(await client.getPlan(id)).toMatchObject({ action: 'purge', at: deleted.purgeAt });
    expect((await client.history(id)).at(-1)).toMatchObject({ kind: 'deleted' });

    const back = await client.undeleteArtifact(id);
    expect(back).toEqual({ ...before, updatedAt: back.updatedAt });
    expect((await bytesNow(id)).equals(bytes)).toBe(true);
    expect(back.checksum).toBe(sha256);
    expect(await statusOf(link)).toBe(200);
    expect(await bucket.listVersions(key)).toHaveLength(1);
  });

  it('with purge leaves no version, at once or within the window', async () => {
    const [now, later] = [await upload(aFile(10).bytes), await upload(aFile(10).bytes)];
    await client.deleteArtifact(now.id, { purge: true });
    await client.deleteArtifact(later.id);
    expect(await bucket.listVersions(later.filePath)).toHaveLength(2);
    await client.deleteArtifact(later.id, { purge: true });
    for (const { id, filePath } of [now, later]) {
      expect(await bucket.listVersions(filePath)).toEqual([]);
      expect(await client.getArtifact(id)).not.toHaveProperty('purgeAt');
      await client.deleteArtifact(id, { purge: true });
      const refused = await errorOf(client.undeleteArtifact(id));
      expect(refused).toMatchObject({ code: 'artifact_deleted', message: expect.stringContaining('purged') as string });
    }
  });

  it('frees the path, and what was there comes back only when nobody else’s bytes are', async () => {
    const executionId = randomUUID();
    const [bytesA, bytesB] = [aFile(500).bytes, aFile(500).bytes];
    const a = await upload(bytesA, executionId);
    await client.deleteArtifact(a.id);
    const b = await upload(bytesB, executionId);
    expect(await errorOf(client.undeleteArtifact(a.id))).toMatchObject({
      code: 'path_taken',
      details: { artifactId: b.id },
    });
    expect((await bytesNow(b.id)).equals(bytesB)).toBe(true);

    await client.deleteArtifact(b.id);
    expect(await errorOf(client.undeleteArtifact(a.id))).toMatchObject({
      code: 'wrong_state',
      details: { artifactId: b.id },
    });
    expect(await bucket.head({ key: a.filePath })).toBeNull();

    await client.deleteArtifact(b.id, { purge: true });
    expect((await client.undeleteArtifact(a.id)).status).toBe('ACTIVE');
    expect((await bytesNow(a.id)).equals(bytesA)).toBe(true);
  });
});

describe('an upload', () => {
  it('says until when it lives and when it moves', async () => {
    const expiresAt = new Date(Date.now() + 400 * DAY_MS);
    const artifact = await client.uploadArtifact(randomUUID(), aFile(10).bytes, {
      fileName: 'a',
      expiresAt,
      tiering: { warmAfterDays: null, coldAfterDays: 7 },
    });
    expect(artifact).toMatchObject({
      ...{ expiresAt, retention: { rule: 'date', expiresAt } },
      tiering: { warmAfterDays: null, coldAfterDays: 7 },
    });
    expect(await client.getPlan(artifact.id)).toMatchObject({ action: 'changeTier', rule: 'cold_age' });
    // What lives for longer than the rule of the bucket must not be matched by it.
    expect(await bucket.getTags({ key: artifact.filePath })).toMatchObject({ 'artifact-retention': 'long' });
    const until = await client.setRetention(artifact.id, { expiresAt: new Date(Date.now() + DAY_MS) });
    expect(until.retention.rule).toBe('date');
    expect((await get(`/v1/artifacts/${artifact.id}/holds`)).body).toEqual({ items: [] });
  });
});
