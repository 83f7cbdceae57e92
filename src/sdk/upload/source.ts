import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ArtifactError } from '../../domain/errors.js';
import { DEFAULT_PART_BYTES, SINGLE_PUT_MAX_BYTES, partBytes, requireSize } from '../../domain/part-plan.js';
import { MIB_BYTES } from '../../domain/units.js';
import { throwIfAborted } from '../problems.js';

export interface PartDigest {
  /** From 1. */
  partNumber: number;
  sizeBytes: number;
  /** SHA-256 of the part, lower-case hex. */
  sha256: string;
}

/** Bytes whose size and SHA-256 are known before the first of them is sent, and which can be read again. */
export interface KnownSource {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** How the bytes look when cut this way. */
  digests(partSizeBytes: number, signal: AbortSignal): Promise<PartDigest[]>;
  /**
   * The bytes of one part. `takeBuffer` is asked for memory (at least `sizeBytes`) only when the source has none of its own.
   * @throws `source_changed`.
   */
  read(position: number, sizeBytes: number, takeBuffer: () => Buffer): Promise<Buffer>;
  close(): Promise<void>;
}

type OnHashed = (hashedBytes: number, totalBytes: number) => void;

/** Read and hashed in steps of this size; the event loop breathes in between. */
const STEP_BYTES = MIB_BYTES;

type ReadStep = (position: number, sizeBytes: number) => Promise<Buffer>;

/** One pass over the bytes: SHA-256 of the whole, and of each part, so that nothing has to be read twice before it is sent. */
async function hashAll(
  read: ReadStep,
  { sizeBytes, partSizeBytes }: { sizeBytes: number; partSizeBytes: number },
  onHashed: OnHashed,
  signal: AbortSignal,
): Promise<{ sha256: string; parts: PartDigest[] }> {
  const whole = createHash('sha256');
  const parts: PartDigest[] = [];
  for (let partNumber = 1; (partNumber - 1) * partSizeBytes < sizeBytes; partNumber += 1) {
    const start = (partNumber - 1) * partSizeBytes;
    const length = partBytes(partNumber, partSizeBytes, sizeBytes);
    const hash = createHash('sha256');
    for (let done = 0; done < length;) {
      throwIfAborted(signal);
      const step = await read(start + done, Math.min(STEP_BYTES, length - done));
      whole.update(step);
      hash.update(step);
      done += step.length;
      onHashed(start + done, sizeBytes);
    }
    parts.push({ partNumber, sizeBytes: length, sha256: hash.digest('hex') });
  }
  return { sha256: whole.digest('hex'), parts };
}

/** Hashes everything for the usual part size; parts of another size cost a second reading when they are asked for. */
async function hashOnce(
  read: ReadStep,
  sizeBytes: number,
  onHashed: OnHashed,
  signal: AbortSignal,
): Promise<Pick<KnownSource, 'sha256' | 'digests'>> {
  const planned = await hashAll(read, { sizeBytes, partSizeBytes: DEFAULT_PART_BYTES }, onHashed, signal);
  return {
    sha256: planned.sha256,
    digests: async (partSizeBytes, partSignal) =>
      partSizeBytes === DEFAULT_PART_BYTES
        ? planned.parts
        : (await hashAll(read, { sizeBytes, partSizeBytes }, () => undefined, partSignal)).parts,
  };
}

/** A buffer. The caller must not write to it until the upload is over: the store refuses bytes that differ from their hash. */
export async function memorySource(bytes: Uint8Array, onHashed: OnHashed, signal: AbortSignal): Promise<KnownSource> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizeBytes = requireSize(buffer.length);
  const read: ReadStep = async (position, length) => {
    // Memory is never waited for: let timers and sockets run between two steps.
    await new Promise((resolve) => setImmediate(resolve));
    return buffer.subarray(position, position + length);
  };
  const hashes = await hashOnce(read, sizeBytes, onHashed, signal);
  return {
    sizeBytes,
    ...hashes,
    read: (position, length) => Promise.resolve(buffer.subarray(position, position + length)),
    close: () => Promise.resolve(),
  };
}

/**
 * A regular file, opened once and read by position. A small one is held in memory from the hashing on; a large one is looked
 * at before and after each read, so that a write in between is noticed.
 * @throws `source_unreadable`, `too_large` (before it is read), `source_changed`.
 */
export async function fileSource(path: string, onHashed: OnHashed, signal: AbortSignal): Promise<KnownSource> {
  const file = await openFile(path);
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) throw new ArtifactError('source_unreadable', `${path} is ${kindOf(before)}`);
    const sizeBytes = requireSize(Number(before.size));
    const reader = new FileReader(file, path, before);
    if (sizeBytes <= SINGLE_PUT_MAX_BYTES) {
      const bytes = await reader.readExactly(Buffer.allocUnsafeSlow(sizeBytes), 0);
      const source = await memorySource(bytes, onHashed, signal);
      await file.close();
      return source;
    }
    return await largeFile(reader, sizeBytes, onHashed, signal);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function largeFile(
  reader: FileReader,
  sizeBytes: number,
  onHashed: OnHashed,
  signal: AbortSignal,
): Promise<KnownSource> {
  const step = Buffer.allocUnsafeSlow(STEP_BYTES);
  const read: ReadStep = (position, length) => reader.readExactly(step.subarray(0, length), position);
  const hashes = await hashOnce(read, sizeBytes, onHashed, signal);
  return {
    sizeBytes,
    ...hashes,
    read: (position, length, takeBuffer) => reader.readExactly(takeBuffer().subarray(0, length), position),
    close: () => reader.close(),
  };
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK (Windows has none) the open of a pipe waits for a writer, and nothing can end that.
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ArtifactError('source_unreadable', `${path} cannot be read: ${reason}`, { cause: error });
  }
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a folder, not a file';
  return stats.isFIFO() ? 'a pipe: send what comes out of it as a stream' : 'not a regular file';
}

class FileReader {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #before: BigIntStats;

  constructor(file: FileHandle, path: string, before: BigIntStats) {
    this.#file = file;
    this.#path = path;
    this.#before = before;
  }

  /** Fills the buffer from `position`. @throws `source_changed` when the file ends early or was touched since it was opened. */
  async readExactly(buffer: Buffer, position: number): Promise<Buffer> {
    for (let done = 0; done < buffer.length;) {
      const { bytesRead } = await this.#file.read(buffer, done, buffer.length - done, position + done);
      if (bytesRead === 0) throw this.#changed();
      done += bytesRead;
    }
    const { size, mtimeNs, ctimeNs } = await this.#file.stat({ bigint: true });
    if (size !== this.#before.size || mtimeNs !== this.#before.mtimeNs || ctimeNs !== this.#before.ctimeNs)
      throw this.#changed();
    return buffer;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #changed(): ArtifactError {
    return new ArtifactError('source_changed', `${this.#path} changed while it was being uploaded`, {
      details: { path: this.#path },
    });
  }
}
