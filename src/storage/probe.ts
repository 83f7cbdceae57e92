import { createHash, randomUUID } from 'node:crypto';
import { ArtifactError } from '../domain/errors.js';
import { crc32Of } from './crc32.js';
import type { NewObject, ObjectStore, SignedRequest, StoreCapabilities } from './object-store.js';

/** Sends a signed request and says the HTTP status of the answer. */
export type SendSigned = (request: SignedRequest, body: Buffer) => Promise<{ status: number }>;

/** Outside of `artifacts/`, so that no lifecycle rule or manifest ever looks at it. */
const PROBE_PREFIX = 'artifacts-probe/';
const SIGNED_BODY = Buffer.from('the bytes that were signed');
const OTHER_BODY = Buffer.from('some bytes of equal length');
const LIFETIME_SECONDS = 60;
const SEND_TIMEOUT_MS = 10_000;

/**
 * Finds out what the store does by doing it to two small objects under `artifacts-probe/`, which are removed afterwards, also
 * when something fails. On AWS one object spends a moment in GLACIER, which is billed as the minimum of 90 days for 40 KB.
 * @param send default: `fetch`.
 * @throws what the store throws, and `storage_unavailable` when a signed request gets no answer.
 */
export async function probeStore(store: ObjectStore, send: SendSigned = sendWithFetch): Promise<StoreCapabilities> {
  const id = randomUUID();
  const signed = probeObject(`${PROBE_PREFIX}${id}/signed`, id);
  const versioned = probeObject(`${PROBE_PREFIX}${id}/versioned`, id);
  try {
    const enforcesChecksums =
      (await refusesOtherBytes(store, signed, send)) && (await refusesOtherPart(store, signed, send));
    const versioning = await keepsVersions(store, versioned);
    const storageClasses = await isSupported(() => store.copyToClass({ key: versioned.key }, 'GLACIER'));
    const restore =
      storageClasses && (await isSupported(() => store.restore({ key: versioned.key }, { tier: 'Bulk', days: 1 })));
    return { versioning, storageClasses, restore, enforcesChecksums };
  } finally {
    await removeAllVersions(store, signed.key);
    await removeAllVersions(store, versioned.key);
  }
}

const probeObject = (key: string, id: string): NewObject => ({
  key,
  mimeType: 'text/plain',
  owner: { artifactId: id, executionId: id, type: 'other' },
  tags: {},
});

async function refusesOtherBytes(store: ObjectStore, object: NewObject, send: SendSigned): Promise<boolean> {
  const sha256 = createHash('sha256').update(SIGNED_BODY).digest('hex');
  const request = await store.presignPut({ ...object, sizeBytes: SIGNED_BODY.length, sha256 }, LIFETIME_SECONDS);
  const right = await send(request, SIGNED_BODY);
  if (right.status !== 200)
    throw new ArtifactError('storage_rejected', `the store answered a signed upload with ${right.status}`, {
      details: { bucket: store.bucket, key: object.key, storeStatus: right.status },
    });
  return (await send(request, OTHER_BODY)).status >= 400;
}

/** The same for a part, whose checksum is another one. */
async function refusesOtherPart(store: ObjectStore, object: NewObject, send: SendSigned): Promise<boolean> {
  const { key } = object;
  const uploadId = await store.createUpload(object);
  try {
    const facts = { sizeBytes: SIGNED_BODY.length, crc32: crc32Of(SIGNED_BODY) };
    const request = await store.presignPart({ key, uploadId, partNumber: 1, ...facts }, LIFETIME_SECONDS);
    return (await send(request, OTHER_BODY)).status >= 400;
  } finally {
    await store.abortUpload(key, uploadId);
  }
}

async function keepsVersions(store: ObjectStore, object: NewObject): Promise<boolean> {
  await store.put(object, Buffer.from('1'));
  await store.put(object, Buffer.from('2'));
  return (await store.listVersions(object.key)).length === 2;
}

async function isSupported(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    if (error instanceof ArtifactError && error.code === 'not_supported') return false;
    throw error;
  }
}

async function removeAllVersions(store: ObjectStore, key: string): Promise<void> {
  for (const { versionId } of await store.listVersions(key)) await store.deleteVersion(key, versionId);
}

async function sendWithFetch({ method, url, headers }: SignedRequest, body: Buffer): Promise<{ status: number }> {
  try {
    const response = await fetch(url, { method, headers, body, signal: AbortSignal.timeout(SEND_TIMEOUT_MS) });
    await response.arrayBuffer();
    return { status: response.status };
  } catch (error) {
    throw new ArtifactError('storage_unavailable', 'a signed request got no answer from the store', { cause: error });
  }
}
