import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { MIB_BYTES } from '../../domain/units.js';
import type { NewObject, ObjectInfo } from '../object-store.js';
import type { S3Context } from './client.js';
import { errorName, isAbsent, translateError, type StoreCall } from './errors.js';
import { headObject } from './head.js';
import { describeObject } from './mapping.js';
import { streamBody } from './stream-body.js';

/** What fits into one is sent as one request. */
const PART_BYTES = 8 * MIB_BYTES;
/** This many parts are in memory, and one that is being filled. */
const PARTS_AT_ONCE = 2;

/**
 * Another object is there than the one to be replaced, or none; or the upload was dropped by somebody, or joined by a try of the SDK
 * whose answer was lost. In each case the caller has to look again.
 */
const hasLost = (error: unknown): boolean =>
  errorName(error) === 'PreconditionFailed' || errorName(error) === 'NoSuchUpload' || isAbsent(error);

/** See `UploadStore.putStream`. */
export async function putStream(
  context: S3Context,
  object: NewObject,
  chunks: AsyncIterable<Buffer>,
  replaces: string | null,
): Promise<ObjectInfo | null> {
  const call: StoreCall = { verb: 'putStream', bucket: context.bucket, key: object.key };
  const { body, hasThrown } = streamBody(chunks);
  const params: PutObjectCommandInput = {
    Bucket: context.bucket,
    Key: object.key,
    Body: body,
    ChecksumAlgorithm: 'SHA256',
    ...describeObject(object),
    ...(replaces === null ? { IfNoneMatch: '*' } : { IfMatch: replaces }),
  };
  try {
    const upload = new Upload({ client: context.client, params, partSize: PART_BYTES, queueSize: PARTS_AT_ONCE });
    const { VersionId } = await upload.done();
    // Absent: somebody has replaced and removed it since.
    return await headObject(context, { key: object.key, versionId: VersionId ?? null });
  } catch (error) {
    // What the source throws is its own.
    if (hasThrown()) throw error;
    if (hasLost(error)) return null;
    throw translateError(error, call);
  } finally {
    body.destroy();
  }
}
