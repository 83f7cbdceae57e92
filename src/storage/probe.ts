import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tags } from '../domain/artifact.js';
import { ArtifactError } from '../domain/errors.js';
import { PROBE_PREFIX } from '../domain/keys.js';
import { SECOND_MS } from '../domain/units.js';
import { crc32Of } from './crc32.js';
import type { NewObject, ObjectStore, SignedRequest, StoreCapabilities } from './object-store.js';

/** Sends a signed request and says what was answered. Header names are lower-case. */
export type SendSigned = (
  request: SignedRequest,
  body?: Buffer,
) => Promise<{ status: number; headers?: Record<string, string> }>;

/** What one throw-away object after the other tells about a store. Each question stands for itself; {@link clean} comes last. */
export interface StoreProbe {
  /** A signed PUT is taken, and refused with other bytes of the same length. @throws `storage_rejected` when it is not even taken. */
  refusesOtherBytes(): Promise<boolean>;
  /** The same for a part, whose checksum is another one. */
  refusesOtherPart(): Promise<boolean>;
  /** An object that is written twice has two versions. */
  keepsVersions(): Promise<boolean>;
  /** A delete marker hides an object, and its removal brings it back. Only of a store that keeps versions. */
  hidesBehindMarkers(): Promise<boolean>;
  /** A copy to GLACIER is answered with that class. */
  hasStorageClasses(): Promise<boolean>;
  /** What is in GLACIER can be asked back. Only of a store that has classes. */
  restores(): Promise<boolean>;
  /** Tags are those that the object was written with, and can be replaced. */
  keepsTags(): Promise<boolean>;
  /** A write under the condition that there is no object is refused when there is one. */
  writesConditionally(): Promise<boolean>;
  /** HTTP status of a signed GET, and when the store answered by its own clock; null without a `Date` header. */
  signedGet(): Promise<{ status: number; storeMs: number | null }>;
  /** A signed GET that was changed in one place is refused. */
  refusesTampering(): Promise<boolean>;
  /** A signed GET of one second is refused after it. Takes three. */
  refusesExpired(): Promise<boolean>;
  /** How long URLs that are signed for so many seconds really live: less, when the credentials end before. */
  signedLifeMs(seconds: number): Promise<number>;
  /** How long a PUT and a GET of 1 KiB take, in the middle of `times` of each. */
  latency(times: number): Promise<{ putMs: number; getMs: number }>;
  /** Removes every version of what was written, and its uploads. @throws what the store throws; the rest is still tried. */
  clean(): Promise<void>;
}

const SIGNED_BODY = Buffer.from('the bytes that were signed');
const OTHER_BODY = Buffer.from('some bytes of equal length');
const LIFETIME_SECONDS = 60;
const SEND_TIMEOUT_MS = 10_000;
/** A store's clock may be a little behind, and signatures know whole seconds. */
const EXPIRY_GRACE_MS = 2 * SECOND_MS;
const SMALL_BODY = Buffer.alloc(1_024, 'x');

/**
 * Finds out what the store does by doing it to two small objects under `artifacts-probe/`, which are removed afterwards, also
 * when something fails. On AWS one object spends a moment in GLACIER, which is billed as the minimum of 90 days for 40 KB.
 * @param send default: `fetch`.
 * @throws what the store throws, and `storage_unavailable` when a signed request gets no answer.
 */
export async function probeStore(store: ObjectStore, send: SendSigned = sendWithFetch): Promise<StoreCapabilities> {
  const probe = openProbe(store, { send });
  try {
    const enforcesChecksums = (await probe.refusesOtherBytes()) && (await probe.refusesOtherPart());
    const versioning = await probe.keepsVersions();
    const storageClasses = await probe.hasStorageClasses();
    const restore = storageClasses && (await probe.restores());
    return { versioning, storageClasses, restore, enforcesChecksums };
  } finally {
    await probe.clean();
  }
}

/**
 * Begins to probe a store. Nothing is written before the first question.
 * @param send default: `fetch`.
 * @param signal once it has fired, no question is begun any more: it throws `aborted`.
 */
export function openProbe(
  store: ObjectStore,
  { send = sendWithFetch, signal }: { send?: SendSigned; signal?: AbortSignal } = {},
): StoreProbe {
  const id = randomUUID();
  const keys = new Set<string>();
  let hasUpload = false;
  const objectAt = (name: string, tags: Tags = {}): NewObject => {
    if (signal?.aborted === true) throw new ArtifactError('aborted', 'The probe of the store was given up');
    const key = `${PROBE_PREFIX}${id}/${name}`;
    keys.add(key);
    return { key, mimeType: 'text/plain', owner: { artifactId: id, executionId: id, type: 'other' }, tags };
  };
  /** There, and with more than one version where those are kept. */
  const versioned = once(async () => {
    const object = objectAt('versioned');
    await store.put(object, Buffer.from('1'));
    await store.put(object, Buffer.from('2'));
    return object;
  });
  const readable = once(async () => {
    const object = objectAt('readable');
    await store.put(object, SMALL_BODY);
    return object;
  });
  const signGet = async (seconds: number): Promise<SignedRequest> => {
    const { key } = await readable();
    return store.presignGet({ key, fileName: 'probe.txt' }, seconds);
  };

  return {
    refusesOtherBytes: async () => refusesOtherBytes(store, objectAt('signed'), send),
    refusesOtherPart: async () => {
      const object = objectAt('signed');
      hasUpload = true;
      const refuses = await refusesOtherPart(store, object, send);
      hasUpload = false;
      return refuses;
    },
    keepsVersions: async () => (await store.listVersions((await versioned()).key)).length === 2,
    hidesBehindMarkers: async () => hidesBehindMarkers(store, (await readable()).key),
    hasStorageClasses: async () => {
      const { key } = await versioned();
      return isSupported(() => store.copyToClass({ key }, 'GLACIER'));
    },
    restores: async () => {
      const { key } = await versioned();
      return isSupported(() => store.restore({ key }, { tier: 'Bulk', days: 1 }));
    },
    keepsTags: async () => keepsTags(store, objectAt('tagged', { 'artifact-probe': 'as written' })),
    writesConditionally: async () => writesConditionally(store, objectAt('conditional')),
    signedGet: async () => {
      const { status, headers } = await send(await signGet(LIFETIME_SECONDS));
      const storeMs = Date.parse(headers?.['date'] ?? '');
      return { status, storeMs: Number.isNaN(storeMs) ? null : storeMs };
    },
    refusesTampering: async () => {
      const request = await signGet(LIFETIME_SECONDS);
      return (await send({ ...request, url: otherSignature(request.url) })).status >= 400;
    },
    refusesExpired: async () => {
      const request = await signGet(1);
      await sleep(
        request.expiresAtMs + EXPIRY_GRACE_MS - Date.now(),
        undefined,
        signal === undefined ? {} : { signal },
      );
      return (await send(request)).status >= 400;
    },
    signedLifeMs: async (seconds) => (await signGet(seconds)).expiresAtMs - Date.now(),
    latency: async (times) => latencyOf(store, objectAt('latency'), times),
    clean: () =>
      runAll([
        ...(hasUpload ? [() => abortAllUploads(store, `${PROBE_PREFIX}${id}/`)] : []),
        ...[...keys].map((key) => () => removeAllVersions(store, key)),
      ]),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

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

async function hidesBehindMarkers(store: ObjectStore, key: string): Promise<boolean> {
  const marker = await store.addDeleteMarker(key);
  if (marker === null || (await store.head({ key })) !== null) return false;
  await store.deleteVersion(key, marker);
  return (await store.head({ key })) !== null;
}

async function keepsTags(store: ObjectStore, object: NewObject): Promise<boolean> {
  const { key } = object;
  await store.put(object, SMALL_BODY);
  const written = await store.getTags({ key });
  const others = { 'artifact-probe': 'replaced' };
  await store.putTags({ key }, others);
  return isSame(written, object.tags) && isSame(await store.getTags({ key }), others);
}

const isSame = (some: Tags | null, others: Tags): boolean => JSON.stringify(some) === JSON.stringify(others);

async function writesConditionally(store: ObjectStore, object: NewObject): Promise<boolean> {
  const write = () => store.putStream(object, chunksOf(SMALL_BODY), null);
  return (await write()) !== null && (await write()) === null;
}

async function* chunksOf(body: Buffer): AsyncIterable<Buffer> {
  yield await Promise.resolve(body);
}

async function latencyOf(
  store: ObjectStore,
  object: NewObject,
  times: number,
): Promise<{ putMs: number; getMs: number }> {
  const putsMs: number[] = [];
  const getsMs: number[] = [];
  for (let time = 0; time < times; time += 1) {
    putsMs.push(await elapsedMs(() => store.put(object, SMALL_BODY)));
    getsMs.push(
      await elapsedMs(async () => {
        for await (const _chunk of (await store.read(object)) ?? []);
      }),
    );
  }
  return { putMs: middleOf(putsMs), getMs: middleOf(getsMs) };
}

async function elapsedMs(run: () => Promise<unknown>): Promise<number> {
  const sinceMs = performance.now();
  await run();
  return performance.now() - sinceMs;
}

const middleOf = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** With another last character, which is part of the signature or of a token. */
function otherSignature(url: string): string {
  const changed = new URL(url);
  const signature = changed.searchParams.get('X-Amz-Signature');
  if (signature === null) return `${url.slice(0, -1)}${url.endsWith('0') ? '1' : '0'}`;
  changed.searchParams.set('X-Amz-Signature', `${signature.slice(0, -1)}${signature.endsWith('0') ? '1' : '0'}`);
  return changed.href;
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

/** One after the other, also when one fails. @throws what the first that failed threw. */
async function runAll(steps: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

async function abortAllUploads(store: ObjectStore, prefix: string): Promise<void> {
  for (const { key, uploadId } of await store.listUploads(prefix)) await store.abortUpload(key, uploadId);
}

async function removeAllVersions(store: ObjectStore, key: string): Promise<void> {
  for (const { versionId } of await store.listVersions(key)) await store.deleteVersion(key, versionId);
}

async function sendWithFetch(
  { method, url, headers }: SignedRequest,
  body?: Buffer,
): Promise<{ status: number; headers: Record<string, string> }> {
  try {
    const signal = AbortSignal.timeout(SEND_TIMEOUT_MS);
    const response = await fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) });
    await response.arrayBuffer();
    return { status: response.status, headers: Object.fromEntries(response.headers) };
  } catch (error) {
    throw new ArtifactError('storage_unavailable', 'a signed request got no answer from the store', { cause: error });
  }
}
