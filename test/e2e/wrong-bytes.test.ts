import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crc32Of } from '../../src/transfer/crc32.js';
import { aFile, begin, bucketOf, put, request, type Begun } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

describe.each([
  { store: 'versitygw' as const, sent: 400, completed: { status: 409, code: 'upload_incomplete' }, left: 'UPLOADING' },
  { store: 'moto' as const, sent: 200, completed: { status: 422, code: 'checksum_mismatch' }, left: 'DELETED' },
])('bytes that differ from the claim, on $store', ({ store, sent, completed, left }) => {
  let stack: TestStack;
  let token: string;
  beforeAll(async () => {
    stack = await startTestStack({ store });
    token = await stack.token();
  });
  afterAll(() => stack.stop());

  it('never become an artifact', async () => {
    const { bytes, ...claim } = aFile(4096);
    const begun = await begin(stack, token, { executionId: randomUUID(), fileName: 'x.bin', ...claim });
    const forged = Buffer.from(bytes);
    forged[100] = (forged[100] ?? 0) ^ 1;

    expect(await put(begun, forged)).toBe(sent);
    const path = `/v1/artifacts/${begun.artifact.id}`;
    const answer = await request(stack, token, { method: 'POST', path: `${path}/upload/complete`, body: claim });
    expect(answer).toMatchObject({ status: completed.status, body: { code: completed.code } });
    await expect
      .poll(async () => (await request(stack, token, { method: 'GET', path })).body)
      .toMatchObject({ artifact: { status: left } });
    const bucket = bucketOf(stack);
    expect(await bucket.listVersions(begun.artifact.filePath)).toEqual([]);
    bucket.close();
  });

  it('do not keep the right ones from being accepted', async () => {
    const { bytes, ...claim } = aFile(4096);
    const begun = await begin(stack, token, { executionId: randomUUID(), fileName: 'y.bin', ...claim });
    expect(await put(begun, bytes)).toBe(200);
    const path = `/v1/artifacts/${begun.artifact.id}/upload/complete`;
    const answer = await request(stack, token, { method: 'POST', path, body: claim });
    expect(answer).toMatchObject({ status: 200, body: { artifact: { status: 'ACTIVE', checksumState: 'verified' } } });
  });

  it('in parts are told before the artifact is ACTIVE, or found after it and given to nobody', async () => {
    const body = { fileName: 'stream.bin' };
    const { sizeBytes, bytes } = aFile(4096);
    const post = (path: string, more: object) => request(stack, token, { method: 'POST', path, body: more });
    const begun = await post(`/v1/executions/${randomUUID()}/artifacts`, body);
    const path = `/v1/artifacts/${(begun.body['artifact'] as { id: string }).id}`;
    const parts = [{ partNumber: 1, sizeBytes, crc32: crc32Of(bytes) }];
    const signed = await post(`${path}/upload/parts`, { parts });
    const [part] = signed.body['parts'] as [Pick<Begun['upload'], 'request'>];
    const { 'content-length': _length, ...headers } = part.request.headers;
    const sentPart = await fetch(part.request.url, { method: 'PUT', headers, body: new Uint8Array(bytes) });
    expect(sentPart.status).toBe(200);
    const claim = { sizeBytes, sha256: aFile(1).sha256 };
    const answer = await post(`${path}/upload/complete`, claim);
    if (store === 'moto') {
      expect(answer).toMatchObject({ status: 422, body: { code: 'checksum_mismatch' } });
      return;
    }
    expect(answer).toMatchObject({ status: 200, body: { artifact: { status: 'ACTIVE' } } });
    await expect
      .poll(async () => (await request(stack, token, { method: 'GET', path })).body)
      .toMatchObject({ artifact: { status: 'ACTIVE', checksumState: 'mismatch' } });
    const refused = await request(stack, token, { method: 'GET', path: `${path}/content` });
    expect(refused).toMatchObject({ status: 409, body: { code: 'content_mismatch' } });
    const link = await post(`${path}/download-url`, { force: true });
    expect((await fetch(String(link.body['url']))).status).toBe(200);
  });
});
