import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aFile, begin, bucketOf, clientOf } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const DEADLINE_SECONDS = 60;
const FILES = 12;
const KILLS = 4;

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({
    env: { UPLOAD_DEADLINE_SECONDS: String(DEADLINE_SECONDS), PRESIGN_UPLOAD_SECONDS: '5', UNDELETE_DAYS: '0' },
  });
});
afterAll(() => stack.stop());

it('API and worker may be killed at any moment: nothing is lost, and nothing is left behind', async () => {
  const token = await stack.token();
  const client = clientOf(stack, token);
  const executionId = randomUUID();
  const files = Array.from({ length: FILES }, (_, index) => ({
    name: `f${index}`,
    ...aFile(index % 4 === 0 ? 20 * 1024 ** 2 : 5_000),
  }));

  // Somebody begins a large upload and is never heard of again.
  const dead = await begin(stack, token, {
    executionId,
    fileName: 'dead.bin',
    sizeBytes: 64 * 1024 ** 2,
    sha256: 'c'.repeat(64),
  });

  let killing = true;
  const uploads = Promise.all(
    files.map(async ({ name, bytes }) => {
      for (;;) {
        const isDisturbed = killing;
        try {
          return await client.uploadArtifact(executionId, bytes, { fileName: name });
        } catch (error) {
          // As any caller would: what fails while servers are being killed is done again.
          if (!isDisturbed) throw error;
          await sleep(500);
        }
      }
    }),
  );
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(400 + kill * 300);
    await (kill % 2 === 0 ? stack.kill9Worker() : stack.kill9Api());
    await sleep(200);
    await (kill % 2 === 0 ? stack.startWorker() : stack.startApi());
  }
  killing = false;
  await uploads;

  const rows = await client.listArtifacts(executionId, { status: 'ACTIVE' });
  const expected = new Map(files.map(({ name, sha256 }) => [name, sha256]));
  expect(new Map(rows.map(({ fileName, checksum }) => [fileName, checksum]))).toEqual(expected);

  const bucket = bucketOf(stack);
  const prefix = `artifacts/${executionId}/`;
  for (const row of rows) {
    const info = await bucket.head({ key: row.filePath });
    expect(info?.owner?.artifactId).toBe(row.id);
    expect(info?.sizeBytes).toBe(row.fileSize);
  }
  await expect.poll(() => bucket.listUploads(prefix), { interval: 1_000 }).toEqual([]);
  await expect
    .poll(async () => (await client.getArtifact(dead.artifact.id)).deletionReason, { interval: 500 })
    .toBe('upload_abandoned');

  expect(await client.deleteExecutionArtifacts(executionId)).toBe(FILES);
  for (const row of rows) expect(await bucket.head({ key: row.filePath })).toBeNull();
  bucket.close();
  client.close();
});
