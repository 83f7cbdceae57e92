import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { BucketSettings } from '../../../src/storage/bucket/bucket-settings.js';
import { createS3BucketSettings } from '../../../src/storage/s3/bucket-settings.js';

/** No store at hand tells what its rules will do; this is how Amazon S3 answers (S3 API, HeadObject and CreateMultipartUpload). */
const EXPIRY = 'expiry-date="Fri, 21 Dec 2029 00:00:00 GMT", rule-id="ExpireOldArtifacts"';

let server: Server | undefined;
let settings: BucketSettings | undefined;
afterEach(async () => {
  settings?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

const calls: string[] = [];
async function answering(headers: Record<string, string>): Promise<BucketSettings> {
  calls.length = 0;
  server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url?.replace(/x-id=\w+/, '').replace(/[?&]$/, '')}`);
    request.resume();
    const body =
      request.method === 'POST'
        ? '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>'
        : '';
    response.writeHead(request.method === 'DELETE' ? 204 : 200, headers).end(body);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  settings = createS3BucketSettings({ bucket: 'artifacts', region: 'us-east-1', endpoint, credentials });
  return settings;
}

describe('what a bucket says that it will do', () => {
  it('with an object', async () => {
    expect(await (await answering({ 'x-amz-expiration': EXPIRY })).expiryOf('artifacts/x')).toEqual({
      ruleId: 'ExpireOldArtifacts',
      atMs: Date.UTC(2029, 11, 21),
    });
  });

  it('by a rule whose name has other characters', async () => {
    const header = 'expiry-date="Fri, 21 Dec 2029 00:00:00 GMT", rule-id="tidy%20logs%2Fold"';
    expect(await (await answering({ 'x-amz-expiration': header })).expiryOf('x')).toMatchObject({
      ruleId: 'tidy logs/old',
    });
  });

  it('with nothing, or in words that nobody can read', async () => {
    expect(await (await answering({})).expiryOf('x')).toBeNull();
    settings?.close();
    await new Promise((resolve) => server?.close(resolve));
    const unreadable = (await answering({ 'x-amz-expiration': 'soon' })).expiryOf('x');
    await expect(unreadable).rejects.toMatchObject({ code: 'storage_rejected' });
  });

  it('with an upload, which is dropped again', async () => {
    const headers = {
      'x-amz-abort-date': 'Fri, 21 Dec 2029 00:00:00 GMT',
      'x-amz-abort-rule-id': 'durable-artifacts/abort-incomplete-uploads',
    };
    expect(await (await answering(headers)).abortOf('artifacts/x')).toEqual({
      ruleId: 'durable-artifacts/abort-incomplete-uploads',
      atMs: Date.UTC(2029, 11, 21),
    });
    expect(calls).toEqual(['POST /artifacts/artifacts/x?uploads=', 'DELETE /artifacts/artifacts/x?uploadId=u1']);
  });
});
