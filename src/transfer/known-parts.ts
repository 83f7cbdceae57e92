import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { partBytes } from '../domain/part-plan.js';
import { MIB_BYTES } from '../domain/units.js';
import { throwIfAborted } from './aborted.js';
import { crc32Of } from './crc32.js';
import type { FileReader } from './file-reader.js';
import type { Content, FilledPart, PartSource } from './part.js';

/** Hashed in steps of this size; the event loop breathes in between. */
const STEP_BYTES = MIB_BYTES;

type ReadPart = (
  position: number,
  sizeBytes: number,
  takeMemory: () => Promise<Buffer>,
) => Promise<Omit<FilledPart, 'digest'>>;

/** A file, part by part. The reader stays the caller's to close. */
export const fileParts = (reader: FileReader): PartSource =>
  new KnownParts(reader.sizeBytes, async (position, sizeBytes, takeMemory) => {
    const memory = await takeMemory();
    return { bytes: await reader.readExactly(memory.subarray(0, sizeBytes), position), memory };
  });

/** Bytes in memory, as they are. They must not be written to until they are sent: the store refuses what differs from its hash. */
export const bufferParts = (bytes: Buffer): PartSource =>
  new KnownParts(bytes.length, (position, sizeBytes) =>
    Promise.resolve({ bytes: bytes.subarray(position, position + sizeBytes), memory: null }),
  );

class KnownParts implements PartSource {
  readonly sizeBytes: number;
  readonly isLive = false;
  readonly #read: ReadPart;
  readonly #whole = createHash('sha256');
  #partNumber = 0;
  #hashedBytes = 0;

  constructor(sizeBytes: number, read: ReadPart) {
    this.sizeBytes = sizeBytes;
    this.#read = read;
  }

  get hashedBytes(): number {
    return this.#hashedBytes;
  }

  async next(
    partSizeBytes: number,
    takeMemory: () => Promise<Buffer>,
    signal: AbortSignal,
  ): Promise<FilledPart | null> {
    const position = this.#partNumber * partSizeBytes;
    if (position >= this.sizeBytes) return null;
    this.#partNumber += 1;
    const sizeBytes = partBytes(this.#partNumber, partSizeBytes, this.sizeBytes);
    const { bytes, memory } = await this.#read(position, sizeBytes, takeMemory);
    await update(this.#whole, bytes, signal);
    this.#hashedBytes += sizeBytes;
    return { digest: { partNumber: this.#partNumber, sizeBytes, crc32: crc32Of(bytes) }, bytes, memory };
  }

  content(): Content {
    return { sizeBytes: this.sizeBytes, sha256: this.#whole.digest('hex') };
  }
}

/** Size and SHA-256 of bytes in memory. @param onHashed told how far it is. @throws `aborted`. */
export async function contentOf(
  bytes: Buffer,
  onHashed: (hashedBytes: number) => void,
  signal: AbortSignal,
): Promise<Content> {
  const hash = createHash('sha256');
  await update(hash, bytes, signal, onHashed);
  return { sizeBytes: bytes.length, sha256: hash.digest('hex') };
}

async function update(
  hash: Hash,
  bytes: Buffer,
  signal: AbortSignal,
  onHashed: (hashedBytes: number) => void = () => undefined,
): Promise<void> {
  for (let start = 0; start < bytes.length; start += STEP_BYTES) {
    // Memory is never waited for: let timers and sockets run between two steps.
    await new Promise((resolve) => setImmediate(resolve));
    throwIfAborted(signal);
    const step = bytes.subarray(start, start + STEP_BYTES);
    hash.update(step);
    onHashed(start + step.length);
  }
}

/**
 * Size and SHA-256 of a file, in little memory. @param onHashed told how far it is.
 * @throws `source_changed` when it is written to meanwhile; `aborted`.
 */
export async function contentOfFile(
  reader: FileReader,
  onHashed: (hashedBytes: number) => void,
  signal: AbortSignal,
): Promise<Content> {
  const { sizeBytes } = reader;
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(STEP_BYTES, sizeBytes));
  for (let position = 0; position < sizeBytes; position += buffer.length) {
    throwIfAborted(signal);
    const length = Math.min(buffer.length, sizeBytes - position);
    hash.update(await reader.readExactly(buffer.subarray(0, length), position));
    onHashed(position + length);
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
