import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, test } from 'vitest';
import { createS3ObjectStore } from '../../../src/storage/s3/index.js';
import { presign } from '../../../src/storage/s3/presign.js';

const keys = { accessKeyId: 'key', secretAccessKey: 'secret' };
const command = new PutObjectCommand({ Bucket: 'artifacts', Key: 'a', ContentLength: 3, ContentType: 'text/plain' });
const headers: Record<string, string> = { 'content-length': '3', 'content-type': 'text/plain' };

type Credentials = typeof keys & { sessionToken?: string; expiration?: Date };

/** Signs for an hour with what the provider gives; `renew` runs just before the signature is made. */
function signBy(provider: () => Credentials, { signed = headers, renew = () => {} } = {}): ReturnType<typeof presign> {
  const presigner = new S3Client({
    region: 'eu-central-1',
    credentials: () => Promise.resolve(provider()),
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const sign: Parameters<typeof presign>[1] = (options) => {
    renew();
    return getSignedUrl(presigner, command, options);
  };
  return presign({ bucket: 'artifacts', client: presigner, presigner }, sign, signed, 3_600);
}

/** Signs with credentials that end then; null: never. */
const signWith = (expiration: Date | null, signed: Record<string, string> = headers): ReturnType<typeof presign> =>
  signBy(() => (expiration === null ? keys : { ...keys, sessionToken: 'token', expiration }), { signed });

/** What the store will hold the URL to: the moment at which it was signed, and its seconds. */
function lifeIn(url: string): { signedAtMs: number; seconds: number; endsAtMs: number } {
  const { searchParams } = new URL(url);
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(searchParams.get('X-Amz-Date') ?? '') ?? [];
  const signedAtMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const seconds = Number(searchParams.get('X-Amz-Expires'));
  return { signedAtMs, seconds, endsAtMs: signedAtMs + seconds * 1_000 };
}

describe('a signed URL', () => {
  test.each([
    ['that never end', null, 3_600],
    ['that outlive it', 86_400_000, 3_600],
    ['that end first', 600_000, 600],
    ['that end first, at half a second', 600_500, 600],
    ['that have ended already', -60_000, 1],
  ])('lives no longer than the credentials %s, and says so to the second', async (_which, leftMs, most) => {
    const expiration = leftMs === null ? null : new Date(Date.now() + leftMs);
    const { url, expiresAtMs } = await signWith(expiration);
    const { seconds, endsAtMs } = lifeIn(url);
    expect(expiresAtMs).toBe(endsAtMs);
    expect(seconds).toBeLessThanOrEqual(most + 1);
    expect(seconds).toBeGreaterThanOrEqual(Math.max(1, most - 2));
    if (expiration !== null && most > 1) expect(expiresAtMs).toBeLessThanOrEqual(expiration.getTime());
  });

  test('is not said to live as long as credentials that came after those that signed it', async () => {
    const soon = new Date(Date.now() + 30_000);
    const later = new Date(Date.now() + 7_200_000);
    let expiration = soon;
    // So near to their end, the SDK asks for new ones at every turn.
    const provider = (): Credentials => ({ ...keys, sessionToken: 'token', expiration });
    const { expiresAtMs } = await signBy(provider, { renew: () => (expiration = later) });
    expect(expiresAtMs).toBeLessThanOrEqual(soon.getTime());
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
