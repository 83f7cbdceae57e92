import type { ArtifactError } from '../domain/errors.js';
import { throwIfAborted } from './aborted.js';
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
  const flight = new Flight((error) => siblings.abort(error));
  const leaveMemory = memory.enter();
  /** What the source fills, or has filled for nothing. */
  let buffer: Buffer | null = null;

  const takeMemory = async (): Promise<Buffer> => {
    // A live source that waited for the memory of another one, which waits for it, would wait for ever.
    const isOwed = source.isLive && flight.size === 0;
    buffer ??= await memory.take(partSizeBytes, { signal, isOwed });
    return buffer;
  };
  const send = async (part: FilledPart): Promise<void> => {
    try {
      const { digest, bytes } = part;
      await sendPart({ ...options, signal, onRetry: () => pace.slowDown() }, { ...digest, bytes }, () =>
        signer.sign(digest),
      );
      pace.arrived(digest.sizeBytes);
    } finally {
      if (part.memory !== null) memory.giveBack(part.memory);
    }
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
      await flight.room(() => pace.limit);
      if (part.memory === buffer) buffer = null;
      flight.add(send(part));
    }
  } catch (error) {
    flight.fail(error);
  }
  if (buffer !== null) memory.giveBack(buffer);
  await flight.end().finally(leaveMemory);
  throwIfAborted(options.signal);
  return source.content();
}

function receivedIndex(received: readonly ReceivedPart[]): (digest: PartDigest) => boolean {
  const byNumber = new Map(received.map((part) => [part.partNumber, part]));
  // A store without part checksums cannot prove that it has these bytes: they are sent again.
  return ({ partNumber, sizeBytes, sha256 }) => {
    const part = byNumber.get(partNumber);
    return part !== undefined && part.sizeBytes === sizeBytes && part.sha256 === sha256;
  };
}

/** What is under way. The first failure is the one that is told. */
class Flight {
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: (error: unknown) => void;
  #failure: { error: unknown } | null = null;

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  get size(): number {
    return this.#running.size;
  }

  add(work: Promise<void>): void {
    const running = work
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = { error };
    this.#onFailure(error);
  }

  /** Waits until fewer than the limit are under way. @param limit asked again whenever one has ended. */
  async room(limit: () => number): Promise<void> {
    while (this.#failure === null && this.#running.size >= limit()) await Promise.race(this.#running);
  }

  /** Waits for all of it. @throws the first failure. */
  async end(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#failure !== null) throw this.#failure.error;
  }
}
