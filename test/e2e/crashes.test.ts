import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aFile, begin, clientOf, put, request } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

let stack: TestStack;
let token: string;
beforeAll(async () => {
  stack = await startTestStack();
  token = await stack.token();
});
afterAll(() => stack.stop());

const complete = (id: string, claim: { sizeBytes: number; sha256: string }) =>
  request(stack, token, { method: 'POST', path: `/v1/artifacts/${id}/upload/complete`, body: claim });

describe('a worker that is killed', () => {
  it('between begin and complete is not missed: the next one completes the upload', async () => {
    const { bytes, ...claim } = aFile(4096);
    const begun = await begin(stack, token, { executionId: randomUUID(), fileName: 'a.bin', ...claim });
    await stack.kill9Worker();
    expect(await put(begun, bytes)).toBe(200);
    await stack.startWorker();
    const client = clientOf(stack, token);
    await expect.poll(async () => (await complete(begun.artifact.id, claim)).status, { interval: 1_000 }).toBe(200);
    expect(await client.getArtifact(begun.artifact.id)).toMatchObject({ status: 'ACTIVE', checksum: claim.sha256 });
    client.close();
  });
});

describe('a complete that is sent twice', () => {
  it('at the same moment is done once and answered twice', async () => {
    const { bytes, ...claim } = aFile(4096);
    const begun = await begin(stack, token, { executionId: randomUUID(), fileName: 'c.bin', ...claim });
    await put(begun, bytes);
    const answers = await Promise.all([complete(begun.artifact.id, claim), complete(begun.artifact.id, claim)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]?.body).toEqual(answers[1]?.body);
    const history = await request(stack, token, { method: 'GET', path: `/v1/artifacts/${begun.artifact.id}/history` });
    expect((history.body['items'] as { kind: string }[]).map(({ kind }) => kind)).toEqual([
      'upload_begun',
      'upload_completed',
    ]);
  });

  it('with another checksum is refused', async () => {
    const { bytes, ...claim } = aFile(4096);
    const begun = await begin(stack, token, { executionId: randomUUID(), fileName: 'd.bin', ...claim });
    await put(begun, bytes);
    await complete(begun.artifact.id, claim);
    const again = await complete(begun.artifact.id, { ...claim, sha256: 'b'.repeat(64) });
    expect(again).toMatchObject({ status: 409, body: { code: 'complete_conflict' } });
  });
});
