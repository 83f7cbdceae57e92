import type { ArtifactError } from '../domain/errors.js';
import { throwIfAborted } from './aborted.js';
import { Line } from './line.js';
import { Pace } from './pace.js';
import { PartSigner } from './part-signer.js';
import type { SignParts } from './part-signer.js';
import { sharedPartMemory } from './part-memory.js';
import type { PartMemory } from './part-memory.js';
import type { Content, FilledPart, PartDigest, PartSource, ReceivedPart, SignedPut } from './part.js';
import type { ProgressMeter } from './progress.js';
import { putBytes } from './put.js';
import type { StoreConnections } from './put.js';
import { withRetry } from './retry.js';
import type { RetryPolicy } from './retry.js';

/** Most parts of one upload under way, unless asked otherwise. The memory of the process may allow fewer. */
const DEFAULT_CONCURRENCY = 8;
/** A stream also leaves its chunks for the garbage collector: with half of the parts, both need about as much memory. */
const LIVE_CONCURRENCY = 4;

/** Each request for signatures costs the API as much as a MiB costs us: where hashing takes the time, parts would be ready one by one. */
const SIGNED_TOGETHER = 3;

/** A multipart upload that is under way. */
export interface PartTarget {
  /** Size of every part but the last. */
  partSizeBytes: number;
  /** What the store has already. */
  received: readonly ReceivedPart[];
  sign: SignParts;
}

export interface TransferOptions {
  connections: StoreConnections;
  /** Of each part by itself. */
  retry: RetryPolicy;
  progress: ProgressMeter;
  signal: AbortSignal;
  /** Default: the one all uploads of the process share. */
  memory?: PartMemory | undefined;
  /** Most parts sent at once. Default 8, of a stream 4. */
  concurrency?: number | undefined;
}

/** A 403 may be a signature that has expired: the next try gets a new one. */
const mayBeSentAgain = (error: ArtifactError): boolean =>
  error.code === 'storage_unavailable' || (error.code === 'storage_rejected' && error.details['status'] === 403);

/**
 * Sends one part (or the only one), again if need be. @param sign gives a signed request; with `again` a new one.
 * @throws the last error once the retry policy is used up.
 */
export async function sendPart(
  options: TransferOptions & { onRetry?: (error: ArtifactError) => void },
  part: { partNumber: number; bytes: Buffer },
  sign: (again: boolean) => Promise<SignedPut>,
): Promise<void> {
  const { connections, progress, retry, signal, onRetry } = options;
  await withRetry(
    async (attempt) =>
      putBytes(await sign(attempt > 1), part.bytes, {
        connections,
        signal,
        onSent: (sentBytes) => progress.sent(part.partNumber, sentBytes),
      }),
    { policy: retry, signal, isRetryable: mayBeSentAgain, onRetry },
  );
  progress.arrived(part.partNumber, part.bytes.length);
}

/**
 * Sends all parts of a source that the store does not have yet, in their order and several at once, and answers with what the whole
 * was. Each part is read once: it is hashed for itself and for the whole, signed, and sent while the next one is read. Parts that the store
 * has are read too, for the hash of the whole; one that differs is sent again. The first failure ends everything else.
 * @throws what the source, `sign` or the store failed with; `aborted`.
 */
export async function sendParts(source: PartSource, target: PartTarget, options: TransferOptions): Promise<Content> {
  const { partSizeBytes } = target;
  const {
    progress,
    memory = sharedPartMemory,
    concurrency = source.isLive ? LIVE_CONCURRENCY : DEFAULT_CONCURRENCY,
  } = options;
  const siblings = new AbortController();
  const signal = AbortSignal.any([options.signal, siblings.signal]);
  const has = receivedIndex(target.received);
  const pace = new Pace({ max: concurrency });
  const signer = new PartSigner(target.sign, signal);
  const send = async ({ digest, bytes, memory: own }: FilledPart): Promise<void> => {
    try {
      await sendPart({ ...options, signal, onRetry: () => pace.slowDown() }, { ...digest, bytes }, (again) =>
        signer.signed(digest, again),
      );
      pace.arrived(digest.sizeBytes);
    } finally {
      if (own !== null) memory.giveBack(own);
    }
  };
  const line = new Line(send, {
    limit: () => pace.limit,
    company: source.isLive ? 1 : SIGNED_TOGETHER,
    onFailure: (error) => siblings.abort(error),
  });
  const leaveMemory = memory.enter();
  /** What the source fills, or has filled for nothing. */
  let buffer: Buffer | null = null;
  const takeMemory = async (): Promise<Buffer> => {
    // A live source that waited for the memory of another one, which waits for it, would wait for ever.
    const isOwed = source.isLive && line.isEmpty;
    // Memory comes from what is sent: by others too, who may wait for ours.
    buffer ??= await memory.take(partSizeBytes, { signal, isOwed, onWait: () => line.hurry() });
    return buffer;
  };

  const parts = source.sizeBytes === null ? null : Math.ceil(source.sizeBytes / partSizeBytes);
  try {
    progress.uploading(source.sizeBytes, parts);
    for (;;) {
      const part = await source.next(partSizeBytes, takeMemory, signal);
      progress.hashed(source.hashedBytes, source.sizeBytes);
      if (part === null) break;
      if (has(part.digest)) {
        progress.arrived(part.digest.partNumber, part.digest.sizeBytes);
        continue;
      }
      if (part.memory === buffer) buffer = null;
      signer.ready(part.digest);
      await line.add(part);
    }
  } catch (error) {
    line.fail(error);
  }
  const unsent = await line.end();
  for (const own of [buffer, ...unsent.map((part) => part.memory)]) if (own !== null) memory.giveBack(own);
  leaveMemory();
  line.throwFailure();
  throwIfAborted(options.signal);
  return source.content();
}

function receivedIndex(received: readonly ReceivedPart[]): (digest: PartDigest) => boolean {
  const byNumber = new Map(received.map((part) => [part.partNumber, part]));
  // A store without part checksums cannot prove that it has these bytes: they are sent again.
  return ({ partNumber, sizeBytes, crc32 }) => {
    const part = byNumber.get(partNumber);
    return part !== undefined && part.sizeBytes === sizeBytes && part.crc32 === crc32;
  };
}
