import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ArtifactError, type Artifact, type ArtifactClient } from '../../src/sdk/index.js';
import { aFile, bucketOf, clientOf, sha256Of } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const PER_VERB = 4;
const KILLS = 5;
const TRIES = 60;

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());

/** As any caller would: what fails while servers are being killed is asked for again. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ArtifactError) || !error.retryable || tries === TRIES) throw error;
      await sleep(500);
    }
  }
}

async function killAtRandom(): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(200 + Math.random() * 600);
    const worker = kill % 2 === 0;
    await (worker ? stack.kill9Worker() : stack.kill9Api());
    await (worker ? stack.startWorker() : stack.startApi());
  }
}

async function bytesOf(client: ArtifactClient, id: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await client.downloadArtifact(id)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

it('keeping, archiving, restoring and deleting survive kills of API and worker at any moment', async () => {
  const client = clientOf(stack, await stack.token());
  const executionId = randomUUID();
  const upload = (name: string): Promise<Artifact[]> =>
    Promise.all(
      Array.from({ length: PER_VERB }, (_, index) =>
        client.uploadArtifact(executionId, aFile(3_000).bytes, { fileName: `${name}-${index}` }),
      ),
    );
  const [kept, archived, restored, deleted] = await Promise.all([upload('k'), upload('a'), upload('r'), upload('d')]);

  await Promise.all([
    killAtRandom(),
    ...kept.map(({ id }) => insist(() => client.keepForever(id, 'chaos'))),
    ...archived.map(({ id }) => insist(() => client.archiveArtifact(id))),
    ...restored.map(async ({ id }) => {
      await insist(() => client.archiveArtifact(id));
      await insist(() => client.restoreArtifact(id));
    }),
    ...deleted.map(({ id }) => insist(() => client.deleteArtifact(id))),
  ]);

  const bucket = bucketOf(stack);
  for (const { id, checksum } of [...kept, ...restored]) {
    expect(await client.getArtifact(id)).toMatchObject({ status: 'ACTIVE', checksum });
    expect(sha256Of(await bytesOf(client, id))).toBe(checksum);
  }
  for (const { id, filePath } of kept) {
    expect(await client.getArtifact(id)).toMatchObject({ retention: { rule: 'permanent', reason: 'chaos' } });
    expect(await bucket.getTags({ key: filePath })).toMatchObject({ 'artifact-retention': 'permanent' });
  }
  for (const { id } of archived) expect(await client.getArtifact(id)).toMatchObject({ status: 'ARCHIVED' });
  for (const { id, filePath } of deleted) {
    expect(await client.getArtifact(id)).toMatchObject({ status: 'DELETED', deletionReason: 'requested' });
    expect(await bucket.head({ key: filePath })).toBeNull();
    // Hidden once, and whole: it can be brought back.
    expect((await bucket.listVersions(filePath)).map(({ isDeleteMarker }) => isDeleteMarker)).toEqual([true, false]);
  }
  // Each verb was asked for many times and done once.
  for (const { id } of [...kept, ...archived, ...deleted]) {
    const kinds = (await client.history(id)).map(({ kind }) => kind);
    expect(new Set(kinds).size, kinds.join(', ')).toBe(kinds.length);
  }
  bucket.close();
  client.close();
});
