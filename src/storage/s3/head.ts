import { HeadBucketCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { SECOND_MS } from '../../domain/units.js';
import type { ObjectInfo, ObjectRef } from '../object-store.js';
import type { S3Context } from './client.js';
import { absentObject, guarded, isAbsent, statusOf, translateError, type StoreCall } from './errors.js';
import { fromVersionId, toObjectInfo, versionOf } from './mapping.js';
import { listVersions } from './versions.js';

/** Health checks wait for this call, and a HEAD costs the store nothing. */
const CHECK_TIMEOUT_MS = 5 * SECOND_MS;

export async function checkBucket({ client, bucket }: S3Context): Promise<void> {
  const call: StoreCall = { verb: 'checkBucket', bucket };
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }), { requestTimeout: CHECK_TIMEOUT_MS });
  } catch (error) {
    const unnamed = translateError(error, call);
    if (unnamed.retryable) throw unnamed;
    // The answer to a HEAD has no body and so no reason: ask again in a way that has one.
    const list = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 });
    await guarded(call, () => client.send(list, { requestTimeout: CHECK_TIMEOUT_MS }));
    throw unnamed;
  }
}

export async function headObject(context: S3Context, object: ObjectRef): Promise<ObjectInfo | null> {
  try {
    const head = await context.client.send(
      new HeadObjectCommand({
        Bucket: context.bucket,
        Key: object.key,
        ChecksumMode: 'ENABLED',
        ...versionOf({ key: object.key, versionId: fromVersionId(object.versionId ?? undefined) }),
      }),
    );
    return toObjectInfo(object.key, head);
  } catch (error) {
    const failure = translateError(error, { verb: 'head', bucket: context.bucket, key: object.key });
    if (!isAbsent(error) && !(await isAbsentVersion(context, object, statusOf(error)))) throw failure;
    // "Gone" is evidence that deletions rest on; a bucket that is missing must not pass for it.
    await checkBucket(context);
    return null;
  }
}

/** The object that a verb has just made or found. */
export async function requireObject(context: S3Context, object: ObjectRef, call: StoreCall): Promise<ObjectInfo> {
  const info = await headObject(context, object);
  if (info === null) throw absentObject(call);
  return info;
}

/**
 * Whether a HEAD by version id failed because of that id: S3 answers 405 for a delete marker, and some stores 400 for a version
 * that is gone. The listing knows.
 */
async function isAbsentVersion(
  context: S3Context,
  { key, versionId }: ObjectRef,
  status: number | null,
): Promise<boolean> {
  if (status === 405) return true;
  if (status !== 400 || versionId === undefined || versionId === null) return false;
  const versions = await listVersions(context, key);
  return !versions.some((version) => version.versionId === versionId);
}
