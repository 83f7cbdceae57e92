import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ArtifactError } from '../domain/errors.js';
import { requireSize } from '../domain/part-plan.js';

const NS_PER_MS = 1_000_000n;

/**
 * A regular file, opened once and read by position. It is looked at after each read, so that a write in between is noticed.
 */
export class FileReader {
  readonly path: string;
  readonly sizeBytes: number;
  /** When it was written to last, whole milliseconds since 1970. */
  readonly modifiedAtMs: number;
  readonly #file: FileHandle;
  readonly #before: BigIntStats;

  private constructor(file: FileHandle, path: string, before: BigIntStats) {
    this.#file = file;
    this.#before = before;
    this.path = path;
    this.sizeBytes = requireSize(Number(before.size));
    this.modifiedAtMs = Number(before.mtimeNs / NS_PER_MS);
  }

  /**
   * Takes over an open file, and closes it when it cannot be used. @param path for messages.
   * @throws `source_unreadable` for anything but a regular file, `too_large`.
   */
  static async of(file: FileHandle, path: string): Promise<FileReader> {
    try {
      const stats = await file.stat({ bigint: true });
      if (!stats.isFile()) throw new ArtifactError('source_unreadable', `${path} is ${kindOf(stats)}`);
      return new FileReader(file, path, stats);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Fills the buffer from `position`.
   * @throws `source_changed` when the file ends early or was touched since it was opened; `source_unreadable` when the disk fails.
   */
  async readExactly(buffer: Buffer, position: number): Promise<Buffer> {
    for (let done = 0; done < buffer.length;) {
      const { bytesRead } = await this.#readable(this.#file.read(buffer, done, buffer.length - done, position + done));
      if (bytesRead === 0) throw this.#changed();
      done += bytesRead;
    }
    const { size, mtimeNs, ctimeNs } = await this.#readable(this.#file.stat({ bigint: true }));
    if (size !== this.#before.size || mtimeNs !== this.#before.mtimeNs || ctimeNs !== this.#before.ctimeNs)
      throw this.#changed();
    return buffer;
  }

  async #readable<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw unreadable(this.path, error);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #changed(): ArtifactError {
    return new ArtifactError('source_changed', `${this.path} changed while it was being uploaded`, {
      details: { path: this.path },
    });
  }
}

/** @throws `source_unreadable`, `too_large` (before it is read). */
export async function openFile(path: string): Promise<FileReader> {
  let file: FileHandle;
  try {
    // Without O_NONBLOCK (Windows has none) the open of a pipe waits for a writer, and nothing can end that.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw unreadable(path, error);
  }
  return FileReader.of(file, path);
}

function unreadable(path: string, error: unknown): ArtifactError {
  const reason = error instanceof Error ? error.message : String(error);
  return new ArtifactError('source_unreadable', `${path} cannot be read: ${reason}`, { cause: error });
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a folder, not a file';
  return stats.isFIFO() ? 'a pipe: send what comes out of it as a stream' : 'not a regular file';
}
