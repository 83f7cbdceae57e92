import { ArtifactError } from '../../domain/errors.js';
import { withRetry } from '../retry.js';
import type { RetryPolicy } from '../retry.js';
import type { ReceivedPartJson, SignedRequestJson } from '../wire.js';
import { BufferPool, runConcurrently } from './concurrency.js';
import type { ProgressMeter } from './progress.js';
import { putBytes } from './put.js';
import type { StoreConnections } from './put.js';
import type { KnownSource, PartDigest } from './source.js';
import type { StreamCutter } from './stream.js';
import type { UploadApi } from './upload-api.js';

/** Signed URLs asked for at once. The API takes 100; a URL that waits too long dies. */
const SIGN_BATCH_PARTS = 20;

/** What every step of an upload needs. */
export interface UploadContext {
  api: UploadApi;
  connections: StoreConnections;
  retry: RetryPolicy;
  concurrency: number;
  progress: ProgressMeter;
}

/** A 403 may be a signature that has expired: the next try gets a new one. */
const mayBeSentAgain = (error: ArtifactError): boolean =>
  error.code === 'storage_unavailable' || (error.code === 'storage_rejected' && error.details['status'] === 403);

/**
 * Sends one part (or the only one), again if need be. @param sign gives a signed request; with `again` a new one.
 * @throws the last error once the retry policy is used up.
 */
export async function sendPart(
  context: UploadContext,
  part: { partNumber: number; bytes: Buffer },
  sign: (again: boolean) => Promise<SignedRequestJson>,
  signal: AbortSignal,
): Promise<void> {
  const { connections, progress, retry } = context;
  await withRetry(
    async (attempt) =>
      putBytes(await sign(attempt > 1), part.bytes, {
        connections,
        signal,
        onSent: (sentBytes) => progress.sent(part.partNumber, sentBytes),
      }),
    { policy: retry, signal, isRetryable: mayBeSentAgain },
  );
  progress.arrived(part.partNumber, part.bytes.length);
}

/** Sends those parts of a source that the store does not have yet. */
export async function sendKnownParts(
  context: UploadContext,
  upload: { artifactId: string; partSizeBytes: number; source: KnownSource; received: ReceivedPartJson[] },
  signal: AbortSignal,
): Promise<void> {
  const { source, artifactId, partSizeBytes } = upload;
  const has = receivedIndex(upload.received);
  const digests = await source.digests(partSizeBytes, signal);
  context.progress.uploading(source.sizeBytes, digests.length);
  const missing: PartDigest[] = [];
  for (const digest of digests) {
    if (has(digest)) context.progress.arrived(digest.partNumber, digest.sizeBytes);
    else missing.push(digest);
  }
  const signer = new BatchSigner(context.api, artifactId, missing);
  const pool = new BufferPool(Math.min(partSizeBytes, source.sizeBytes));
  const queue = missing.values();
  await runConcurrently(
    () => Promise.resolve(queue.next().value ?? null),
    async (digest, partSignal) => {
      let buffer: Buffer | undefined;
      const bytes = await source.read((digest.partNumber - 1) * partSizeBytes, digest.sizeBytes, () => {
        buffer = pool.take();
        return buffer;
      });
      const { partNumber } = digest;
      await sendPart(context, { partNumber, bytes }, (again) => signer.sign(digest, again, partSignal), partSignal);
      if (buffer !== undefined) pool.giveBack(buffer);
    },
    { concurrency: context.concurrency, signal },
  );
}

/** Sends a stream as it comes. Holds at most `concurrency` parts. */
export async function sendStreamParts(
  context: UploadContext,
  upload: { artifactId: string; partSizeBytes: number; cutter: StreamCutter },
  signal: AbortSignal,
): Promise<void> {
  const { cutter, artifactId } = upload;
  const pool = new BufferPool(upload.partSizeBytes);
  context.progress.uploading(null, null);
  await runConcurrently(
    async (partSignal) => {
      const part = await cutter.next(upload.partSizeBytes, () => pool.take(), partSignal);
      context.progress.hashed(cutter.sizeBytes, null);
      return part;
    },
    async ({ digest, bytes }, partSignal) => {
      const sign = async (): Promise<SignedRequestJson> =>
        requestOf(await context.api.signParts(artifactId, [digest], partSignal), digest.partNumber);
      await sendPart(context, { partNumber: digest.partNumber, bytes }, sign, partSignal);
      // Only the last part is shorter: nothing will need its memory.
      if (bytes.length === upload.partSizeBytes) pool.giveBack(bytes);
    },
    { concurrency: context.concurrency, signal },
  );
}

function receivedIndex(received: ReceivedPartJson[]): (digest: PartDigest) => boolean {
  const byNumber = new Map(received.map((part) => [part.partNumber, part]));
  // A store without part checksums cannot prove that it has these bytes: they are sent again.
  return ({ partNumber, sizeBytes, sha256 }) => {
    const part = byNumber.get(partNumber);
    return part !== undefined && part.sizeBytes === sizeBytes && part.sha256 === sha256;
  };
}

/** Signs parts a batch at a time, just before the first of the batch is sent. */
class BatchSigner {
  readonly #api: UploadApi;
  readonly #artifactId: string;
  readonly #parts: PartDigest[];
  readonly #batches = new Map<number, Promise<Map<number, SignedRequestJson>>>();

  constructor(api: UploadApi, artifactId: string, parts: PartDigest[]) {
    this.#api = api;
    this.#artifactId = artifactId;
    this.#parts = parts;
  }

  async sign(digest: PartDigest, again: boolean, signal: AbortSignal): Promise<SignedRequestJson> {
    if (!again) {
      const signed = requestOf(await this.#batchOf(digest, signal), digest.partNumber);
      if (Date.parse(signed.expiresAt) > Date.now()) return signed;
    }
    return requestOf(await this.#api.signParts(this.#artifactId, [digest], signal), digest.partNumber);
  }

  #batchOf(digest: PartDigest, signal: AbortSignal): Promise<Map<number, SignedRequestJson>> {
    const batch = Math.floor(this.#parts.indexOf(digest) / SIGN_BATCH_PARTS);
    const parts = this.#parts.slice(batch * SIGN_BATCH_PARTS, (batch + 1) * SIGN_BATCH_PARTS);
    const signed = this.#batches.get(batch) ?? this.#api.signParts(this.#artifactId, parts, signal);
    this.#batches.set(batch, signed);
    return signed;
  }
}

function requestOf(signed: Map<number, SignedRequestJson>, partNumber: number): SignedRequestJson {
  const request = signed.get(partNumber);
  if (request === undefined) throw new ArtifactError('internal', `The API did not sign part ${partNumber}`);
  return request;
}
