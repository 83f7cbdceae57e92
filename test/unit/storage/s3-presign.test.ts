import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, test } from 'vitest';
import { createS3ObjectStore } from '../../../src/storage/s3/index.js';
import { presign } from '../../../src/storage/s3/presign.js';

const keys = { accessKeyId: 'key', secretAccessKey: 'secret' };
const command = new PutObjectCommand({ Bucket: 'artifacts', Key: 'a', ContentLength: 3, ContentType: 'text/plain' });
const headers = { 'content-length': '3', 'content-type': 'text/plain' };

/** Signs with credentials that end then; null: never. */
function signWith(expiration: Date | null, signed: Record<string, string> = headers): ReturnType<typeof presign> {
  const presigner = new S3Client({
    region: 'eu-central-1',
    credentials: expiration === null ? keys : { ...keys, sessionToken: 'token', expiration },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const context = { bucket: 'artifacts', client: presigner, presigner };
  return presign(context, (options) => getSignedUrl(presigner, command, options), signed, 3_600);
}

describe('a signed URL', () => {
  test('ends with the credentials that signed it when those end first', async () => {
    const soon = new Date(Date.now() + 60_000);
    const late = new Date(Date.now() + 86_400_000);
    expect((await signWith(soon)).expiresAtMs).toBe(soon.getTime());
    expect((await signWith(late)).expiresAtMs).toBeLessThan(late.getTime());
    expect((await signWith(null)).expiresAtMs).toBeLessThanOrEqual(Date.now() + 3_600_000);
  });

  test('is not handed out when its signature does not cover exactly the headers that are listed', async () => {
    await expect(signWith(null, { 'content-length': '3' })).resolves.toBeDefined();
    await expect(signWith(null, { ...headers, 'x-amz-meta-forgotten': '1' })).rejects.toThrow(/signature covers/);
  });

  test('names the endpoint that clients reach', async () => {
    const store = createS3ObjectStore({
      ...{ bucket: 'artifacts', region: 'us-east-1', credentials: keys },
      ...{ endpoint: 'http://s3.internal:7070', publicEndpoint: 'https://files.example.com' },
    });
    const { url } = await store.presignGet({ key: 'a/b c.txt', fileName: 'b c.txt' }, 60);
    expect(url).toMatch(/^https:\/\/files\.example\.com\/artifacts\/a\/b%20c\.txt\?/);
    store.close();
  });

  test('of AWS names the bucket in the host and carries no checksum of an empty body', async () => {
    const store = createS3ObjectStore({ bucket: 'artifacts', region: 'eu-central-1', credentials: keys });
    const owner = { artifactId: '1', executionId: '2', type: 'other' };
    const object = { key: 'a', mimeType: 'text/plain', owner, tags: {}, sizeBytes: 3, sha256: 'ab'.repeat(32) };
    const { url, headers: signed } = await store.presignPut(object, 60);
    expect(url).toMatch(/^https:\/\/artifacts\.s3\.eu-central-1\.amazonaws\.com\/a\?/);
    expect(url).not.toMatch(/crc32|sdk-checksum/i);
    expect(Object.keys(signed).sort()).toEqual([
      'content-length',
      'content-type',
      'x-amz-checksum-sha256',
      'x-amz-meta-artifact-id',
      'x-amz-meta-artifact-type',
      'x-amz-meta-execution-id',
      'x-amz-meta-sha256',
    ]);
    store.close();
  });
});
