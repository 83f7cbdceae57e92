import { MAX_ARTIFACT_BYTES } from './artifact.js';
import { ArtifactError } from './errors.js';
import { MIB_BYTES } from './units.js';

/** Below this a file is one signed PUT. */
export const SINGLE_PUT_MAX_BYTES = 16 * MIB_BYTES - 1;
/** S3 user guide, "multipart upload limits": 5 MiB to 5 GiB a part (the last may be smaller), 1 to 10,000 parts. */
export const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 8 * MIB_BYTES;
/** A few of {@link MAX_PARTS} stay free. */
const PLANNED_PARTS = 9_000;

/** How a file is cut. `partCount` is null while the size is unknown (a stream). */
export type PartPlan = { kind: 'single' } | { kind: 'multipart'; partSizeBytes: number; partCount: number | null };

/**
 * @param sizeBytes null for a stream of unknown length, which is always multipart.
 * @throws `too_large` over 5 GiB, `invalid_request` for a negative or fractional size.
 */
export function planParts(sizeBytes: number | null): PartPlan {
  if (sizeBytes === null) return { kind: 'multipart', partSizeBytes: partSizeFor(MAX_ARTIFACT_BYTES), partCount: null };
  requireSize(sizeBytes);
  if (sizeBytes <= SINGLE_PUT_MAX_BYTES) return { kind: 'single' };
  const partSizeBytes = partSizeFor(sizeBytes);
  return { kind: 'multipart', partSizeBytes, partCount: Math.ceil(sizeBytes / partSizeBytes) };
}

/** Small parts cost less memory, and less when one is sent again; whole MiB. */
export const partSizeFor = (sizeBytes: number): number =>
  Math.max(MIN_PART_BYTES, Math.ceil(sizeBytes / PLANNED_PARTS / MIB_BYTES) * MIB_BYTES);

export function requireSize(sizeBytes: number): number {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
    throw new ArtifactError('invalid_request', `${sizeBytes} is not a size in bytes`);
  if (sizeBytes > MAX_ARTIFACT_BYTES)
    throw new ArtifactError('too_large', `${sizeBytes} bytes are more than ${MAX_ARTIFACT_BYTES}`, {
      details: { sizeBytes, maxBytes: MAX_ARTIFACT_BYTES },
    });
  return sizeBytes;
}

/** Bytes of part `partNumber` (from 1) of a file of known size. */
export function partBytes(partNumber: number, partSizeBytes: number, sizeBytes: number): number {
  return Math.min(partSizeBytes, sizeBytes - (partNumber - 1) * partSizeBytes);
}
