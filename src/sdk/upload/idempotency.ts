import { createHash } from 'node:crypto';
import { canonicalPath } from '../../domain/keys.js';
import { MIB_BYTES } from '../../domain/units.js';
import type { Content } from '../../transfer/part.js';

/** So much of a large file stands for all of it, from its beginning, its middle and its end. */
const SAMPLE_BYTES = MIB_BYTES;

/** What a request to upload is about, so that a repetition of it, also by another process, can be told from another one. */
export interface UploadIdentity {
  executionId: string;
  fileName: string;
  sizeBytes: number;
  /** Null for what is no file. */
  modifiedAtMs: number | null;
  /** SHA-256 of the whole or, of what is hashed only while it is sent, of samples. */
  content: string;
}

/** The `Idempotency-Key` of an upload that was given no other one. */
export function defaultIdempotencyKey({ executionId, fileName, ...rest }: UploadIdentity): string {
  const facts = [executionId, canonicalPath(fileName), rest.sizeBytes, rest.modifiedAtMs, rest.content];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

/** @param read fills a buffer from a position. */
export async function sampleOf(
  sizeBytes: Content['sizeBytes'],
  read: (position: number, length: number) => Promise<Buffer>,
): Promise<string> {
  const hash = createHash('sha256');
  const last = sizeBytes - SAMPLE_BYTES;
  for (const position of [0, Math.floor(last / 2), last]) hash.update(await read(position, SAMPLE_BYTES));
  return hash.digest('hex');
}
