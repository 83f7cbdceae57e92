import { MAX_ARTIFACT_BYTES } from '../domain/artifact.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { requireCrc32 } from '../domain/checksum.js';
import { ArtifactError } from '../domain/errors.js';
import { MAX_PARTS, partBytes } from '../domain/part-plan.js';
import { objectAtCreation } from '../domain/stored-object.js';
import { SECOND_MS } from '../domain/units.js';
import type { ApiContext } from './context.js';
import { encodeRequest } from './encode.js';
import type { PartClaim, SignedParts, UploadInstructions } from './schemas/uploads.js';

/** How the bytes of a registered upload are sent: one signed PUT, or parts to be signed on demand. */
export async function uploadInstructions(context: ApiContext, record: ArtifactRecord): Promise<UploadInstructions> {
  const { partSizeBytes, sizeBytes, sha256 } = record;
  if (partSizeBytes !== null)
    return { kind: 'multipart', partSizeBytes, partCount: partCountOf(partSizeBytes, sizeBytes) };
  if (sizeBytes === null || sha256 === null)
    throw new Error(`Artifact ${record.id} is a single PUT without size or hash`);
  const object = { ...objectAtCreation(record), sizeBytes, sha256 };
  return {
    kind: 'single',
    request: encodeRequest(await context.store.presignPut(object, signedSeconds(context, record))),
  };
}

/**
 * Signs parts of a multipart upload.
 * @throws `not_uploading`; `not_yet_answered` while the upload is being opened; `invalid_part` for a number or size that is not of this upload; `invalid_checksum`; `too_large`.
 */
export async function signParts(
  context: ApiContext,
  record: ArtifactRecord,
  claims: readonly PartClaim[],
): Promise<SignedParts> {
  const { key, uploadId, partSizeBytes } = record;
  if (record.status !== 'UPLOADING')
    throw new ArtifactError('not_uploading', `${record.path} is ${record.status}`, {
      details: { status: record.status },
    });
  if (partSizeBytes === null)
    throw new ArtifactError('invalid_part', `${record.path} is sent with a single PUT, it has no parts`);
  // Its begin is not over: whoever joins it meanwhile finds the row, but no upload in the store yet.
  if (uploadId === null)
    throw new ArtifactError('not_yet_answered', `The multipart upload of ${record.path} is being opened`);
  for (const claim of claims) requirePart(claim, partSizeBytes, record.sizeBytes);
  const seconds = signedSeconds(context, record);
  const parts = await Promise.all(
    claims.map(async ({ partNumber, sizeBytes, crc32 }) => ({
      partNumber,
      request: encodeRequest(await context.store.presignPart({ key, uploadId, partNumber, sizeBytes, crc32 }, seconds)),
    })),
  );
  return { parts };
}

const partCountOf = (partSizeBytes: number, sizeBytes: number | null): number | null =>
  sizeBytes === null ? null : Math.ceil(sizeBytes / partSizeBytes);

function requirePart({ partNumber, sizeBytes, crc32 }: PartClaim, partSizeBytes: number, total: number | null): void {
  requireCrc32(crc32);
  const last = partCountOf(partSizeBytes, total) ?? MAX_PARTS;
  if (partNumber < 1 || partNumber > last)
    throw new ArtifactError('invalid_part', `Part ${partNumber} does not exist, parts are 1 to ${last}`, {
      details: { partNumber, partCount: last },
    });
  const fits =
    total === null
      ? sizeBytes >= 1 && sizeBytes <= partSizeBytes
      : sizeBytes === partBytes(partNumber, partSizeBytes, total);
  if (!fits)
    throw new ArtifactError('invalid_part', `Part ${partNumber} cannot have ${sizeBytes} bytes`, {
      details: { partNumber, sizeBytes, partSizeBytes },
    });
  const reached = (partNumber - 1) * partSizeBytes + sizeBytes;
  if (reached > MAX_ARTIFACT_BYTES)
    throw new ArtifactError('too_large', `Part ${partNumber} passes ${MAX_ARTIFACT_BYTES} bytes`, {
      details: { partNumber, maxBytes: MAX_ARTIFACT_BYTES },
    });
}

/**
 * Life of a signed upload URL. It ends with the upload's deadline at the latest: a PUT that arrives after the clean-up would
 * leave an object without a row.
 * @throws `not_uploading` when the deadline has passed.
 */
function signedSeconds(context: ApiContext, record: ArtifactRecord): number {
  const left = Math.floor((record.uploadDeadlineMs - context.nowMs()) / SECOND_MS);
  if (left < 1)
    throw new ArtifactError('not_uploading', `The time to upload ${record.path} is over`, {
      details: { artifactId: record.id },
    });
  return Math.min(context.config.PRESIGN_UPLOAD_SECONDS, left);
}
