import { createHash } from 'node:crypto';
import { MIB_BYTES } from '../domain/units.js';
import type { FileReader } from '../transfer/file-reader.js';

/** SHA-256 of a file in little memory, lower-case hex. @throws `source_changed` when it is written to meanwhile. */
export async function hashOf(reader: FileReader, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(MIB_BYTES, reader.sizeBytes));
  for (let position = 0; position < reader.sizeBytes; position += buffer.length) {
    signal.throwIfAborted();
    const length = Math.min(buffer.length, reader.sizeBytes - position);
    hash.update(await reader.readExactly(buffer.subarray(0, length), position));
  }
  return hash.digest('hex');
}
