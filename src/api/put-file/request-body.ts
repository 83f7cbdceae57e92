import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ArtifactError } from '../../domain/errors.js';
import { MIB_BYTES } from '../../domain/units.js';

/** What is read at once from a request may be a few bytes; what goes on has this size, and memory of its own. */
export const PIECE_BYTES = MIB_BYTES;

export interface BodyLimits {
  /** What Content-Length says; null: the end says it. */
  lengthBytes: number | null;
  /** No byte more is read; `tooLong` says why. */
  maxBytes: number;
  tooLong: () => ArtifactError;
  /** A client that is waited for so long without a byte is given up. Waiting for the store does not count. */
  stallMs: number;
  /** Ends the reading. Its reason is thrown. */
  signal: AbortSignal;
}

/** A request body that is read once, counted and hashed on the way. */
export interface RequestBody {
  /**
   * Pieces of 1 MiB, and a rest; may be left and taken up again, and then goes on where it was.
   * @throws `aborted` when the client goes away; `request_timeout` when it stalls; what `tooLong` makes; `size_mismatch` when it ends
   * before Content-Length; the signal's reason.
   */
  next(): Promise<Buffer | null>;
  /** So far. */
  sizeBytes(): number;
  /** Once `next` has answered null. Lower-case hex. */
  sha256(): string;
}

/** Nothing is read before the first `next`. The caller may still answer the request after any of the errors. */
export function requestBody(request: IncomingMessage, limits: BodyLimits): RequestBody {
  const hash: Hash = createHash('sha256');
  let sizeBytes = 0;
  let digest: string | null = null;
  let rest: Buffer | null = null;

  function count(chunk: Buffer): void {
    sizeBytes += chunk.length;
    if (sizeBytes > limits.maxBytes) throw limits.tooLong();
    hash.update(chunk);
  }

  function finish(): void {
    const { lengthBytes } = limits;
    if (lengthBytes !== null && sizeBytes < lengthBytes)
      throw new ArtifactError('size_mismatch', `The body has ${sizeBytes} bytes, Content-Length says ${lengthBytes}`, {
        details: { claimedBytes: lengthBytes, receivedBytes: sizeBytes },
      });
    digest = hash.digest('hex');
  }

  async function next(): Promise<Buffer | null> {
    if (digest !== null) return null;
    // Not from a pool: a piece that is kept must not keep its neighbours.
    const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
    let filled = 0;
    while (filled < PIECE_BYTES) {
      const chunk = rest ?? (await nextChunk(request, limits, sizeBytes));
      if (chunk === null) {
        finish();
        return filled === 0 ? null : piece.subarray(0, filled);
      }
      if (rest === null) count(chunk);
      const taken = chunk.copy(piece, filled);
      filled += taken;
      rest = taken < chunk.length ? chunk.subarray(taken) : null;
    }
    return piece;
  }

  return {
    next,
    sizeBytes: () => sizeBytes,
    sha256: () => {
      if (digest === null) throw new Error('the body is not at its end');
      return digest;
    },
  };
}

/** What has arrived; null at the end of the body. Only while it waits here is the client waited for. */
async function nextChunk(
  request: IncomingMessage,
  { stallMs, signal }: BodyLimits,
  soFarBytes: number,
): Promise<Buffer | null> {
  for (;;) {
    signal.throwIfAborted();
    const chunk = request.read() as Buffer | null;
    if (chunk !== null) return chunk;
    if (request.readableEnded) return null;
    if (request.destroyed) throw goneAway(soFarBytes);
    await somethingHappens(request, stallMs, signal);
  }
}

/** Resolves when there may be something to read, an end, or a failure. @throws `request_timeout`; the signal's reason. */
function somethingHappens(request: IncomingMessage, stallMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const event of EVENTS) request.off(event, wake);
      signal.removeEventListener('abort', stop);
    };
    const wake = (): void => {
      done();
      resolve();
    };
    const stop = (): void => {
      done();
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      done();
      reject(new ArtifactError('request_timeout', `Nothing has arrived for ${Math.round(stallMs / 1_000)} s`));
    }, stallMs);
    for (const event of EVENTS) request.on(event, wake);
    signal.addEventListener('abort', stop);
  });
}

const EVENTS = ['readable', 'end', 'error', 'close'] as const;

const goneAway = (soFarBytes: number): ArtifactError =>
  new ArtifactError('aborted', `The client went away after ${soFarBytes} bytes`);
