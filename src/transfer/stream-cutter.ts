import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { MAX_ARTIFACT_BYTES } from '../domain/artifact.js';
import { ArtifactError } from '../domain/errors.js';
import { abortedError } from './aborted.js';
import { crc32Of } from './crc32.js';
import type { Content, FilledPart, PartSource } from './part.js';

/** A stream of bytes of unknown length, web or Node. */
export type ByteStream = ReadableStream<Uint8Array> | Readable;

/**
 * Cuts a stream into parts of a fixed size. Holds one chunk of the stream besides the buffers it is given. Counts and hashes
 * what goes through. The stream is used up: on failure it is destroyed.
 */
export class StreamCutter implements PartSource {
  readonly sizeBytes = null;
  readonly isLive = true;
  readonly #chunks: AsyncIterator<unknown>;
  readonly #cancel: () => void;
  readonly #maxBytes: number;
  readonly #whole = createHash('sha256');
  /** Of the present chunk, what no part has taken yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** Chunks that come before the next one of the stream. */
  #unread: Buffer[] = [];
  #ended = false;
  #partNumber = 0;
  #sizeBytes = 0;

  /** @param maxBytes more than this is refused with `too_large`. */
  constructor(stream: ByteStream, maxBytes: number = MAX_ARTIFACT_BYTES) {
    this.#maxBytes = maxBytes;
    if (stream instanceof Readable) {
      this.#chunks = stream[Symbol.asyncIterator]();
      this.#cancel = () => stream.destroy();
    } else {
      const reader = stream.getReader();
      this.#chunks = { next: async () => webResult(await reader.read()) };
      this.#cancel = () => void reader.cancel().catch(() => undefined);
    }
  }

  /** Of what went into parts so far. */
  get hashedBytes(): number {
    return this.#sizeBytes;
  }

  content(): Content {
    return { sizeBytes: this.#sizeBytes, sha256: this.#whole.digest('hex') };
  }

  /** Stops the stream; a `next` that waits for it ends. */
  cancel(): void {
    this.#ended = true;
    this.#cancel();
  }

  /** The bytes at the head, at most as many as the buffer holds, and whether that was all. Call it once, before `next`. */
  async head(buffer: Buffer, signal: AbortSignal): Promise<{ bytes: Buffer; isAll: boolean }> {
    const bytes = buffer.subarray(0, await this.#fill(buffer, signal, () => undefined));
    return { bytes, isAll: !(await this.#hasMore(signal)) };
  }

  /** Puts what `head` took back in front of the stream. The buffer is the cutter's from now on. */
  unread(bytes: Buffer): void {
    this.#unread = [this.#rest];
    this.#rest = bytes;
  }

  /**
   * A stream without bytes has no parts. What was put back is cut into parts as it is, so that it need not be copied.
   * @throws `too_large`, `aborted`, `source_unreadable` when the stream fails.
   */
  async next(
    partSizeBytes: number,
    takeMemory: () => Promise<Buffer>,
    signal: AbortSignal,
  ): Promise<FilledPart | null> {
    const count = (piece: Buffer): void => {
      this.#whole.update(piece);
      this.#sizeBytes += piece.length;
      if (this.#sizeBytes > this.#maxBytes)
        throw new ArtifactError('too_large', `The stream has more than ${this.#maxBytes} bytes`, {
          details: { maxBytes: this.#maxBytes },
        });
    };
    if (!(await this.#hasMore(signal))) return null;
    let bytes: Buffer;
    let memory: Buffer | null = null;
    if (this.#unread.length > 0 && this.#rest.length >= partSizeBytes) {
      bytes = this.#rest.subarray(0, partSizeBytes);
      this.#rest = this.#rest.subarray(partSizeBytes);
      count(bytes);
    } else {
      memory = await takeMemory();
      bytes = memory.subarray(0, await this.#fill(memory, signal, count));
    }
    this.#partNumber += 1;
    const digest = { partNumber: this.#partNumber, sizeBytes: bytes.length, crc32: crc32Of(bytes) };
    return { digest, bytes, memory };
  }

  async #fill(buffer: Buffer, signal: AbortSignal, onPiece: (piece: Buffer) => void): Promise<number> {
    let length = 0;
    while (length < buffer.length && (await this.#hasMore(signal))) {
      const copied = this.#rest.copy(buffer, length);
      onPiece(buffer.subarray(length, length + copied));
      this.#rest = this.#rest.subarray(copied);
      length += copied;
    }
    return length;
  }

  async #hasMore(signal: AbortSignal): Promise<boolean> {
    while (this.#rest.length === 0) {
      const unread = this.#unread.shift();
      if (unread !== undefined) {
        this.#rest = unread;
        continue;
      }
      if (this.#ended) return false;
      const result = await this.#pull(signal);
      if (result.done === true) this.#ended = true;
      else this.#rest = bytesOf(result.value);
    }
    return true;
  }

  async #pull(signal: AbortSignal): Promise<IteratorResult<unknown>> {
    // A source that stalls must not hold an abort up.
    let stop = (): void => undefined;
    const aborted = new Promise<never>((_resolve, reject) => {
      stop = () => reject(abortedError(signal));
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([aborted, this.#chunks.next()]);
    } catch (error) {
      if (error instanceof ArtifactError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ArtifactError('source_unreadable', `The stream failed: ${reason}`, { cause: error });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

const webResult = (result: { done: boolean; value?: unknown }): IteratorResult<unknown> =>
  result.done ? { done: true, value: undefined } : { done: false, value: result.value };

function bytesOf(chunk: unknown): Buffer {
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (typeof chunk === 'string') return Buffer.from(chunk);
  throw new ArtifactError('invalid_request', 'The stream must give bytes or strings');
}
