import { CopyObjectCommand, DeleteObjectCommand, RestoreObjectCommand } from '@aws-sdk/client-s3';
import { ArtifactError } from '../../domain/errors.js';
import type { RestoreTier, StorageClass } from '../../domain/tiers.js';
import type { ObjectInfo, ObjectRef } from '../object-store.js';
import { SLOW_REQUEST_TIMEOUT_MS, type S3Context } from './client.js';
import { absentObject, errorName, guarded, isAbsent, translateError, type StoreCall } from './errors.js';
import { headObject, requireObject } from './head.js';
import { toCopySource, versionOf } from './mapping.js';

/** One CopyObject moves at most 5 GiB (S3 API, CopyObject), which is the largest artifact. */
export async function copyToClass(
  context: S3Context,
  object: ObjectRef,
  storageClass: StorageClass,
): Promise<ObjectInfo> {
  const call: StoreCall = { verb: 'copyToClass', bucket: context.bucket, key: object.key };
  const source = await requireObject(context, object, call);
  const current = await headObject(context, { key: object.key });
  // A copy whose answer was lost, or the bucket's own rule, may have been here before.
  if (current?.storageClass === storageClass && isSameContent(current, source)) return current;
  const versionId = await copyOntoItself(context, object, storageClass);
  const copy = await requireObject(context, { key: object.key, versionId }, call);
  if (copy.storageClass === storageClass) return copy;
  if (copy.versionId !== null && copy.versionId !== source.versionId) await dropCopy(context, call, copy);
  throw notSupported(call, `the store answered a copy to ${storageClass} with ${copy.storageClass}`);
}

const isSameContent = (a: ObjectInfo, b: ObjectInfo): boolean =>
  a.versionId === b.versionId || (a.owner?.artifactId === b.owner?.artifactId && a.sizeBytes === b.sizeBytes);

/** @returns the version id of the copy. */
async function copyOntoItself(
  context: S3Context,
  object: ObjectRef,
  storageClass: StorageClass,
): Promise<string | null> {
  const call: StoreCall = { verb: 'copyToClass', bucket: context.bucket, key: object.key };
  try {
    const { VersionId } = await context.client.send(
      new CopyObjectCommand({
        Bucket: context.bucket,
        Key: object.key,
        CopySource: toCopySource(context.bucket, object),
        StorageClass: storageClass,
        MetadataDirective: 'COPY',
        TaggingDirective: 'COPY',
      }),
      { requestTimeout: SLOW_REQUEST_TIMEOUT_MS },
    );
    return VersionId ?? null;
  } catch (error) {
    // To a store without classes a copy onto itself changes nothing, which S3 refuses (CopyObject, `InvalidRequest`).
    const name = errorName(error);
    if (name === 'InvalidRequest' || name === 'InvalidStorageClass') throw notSupported(call, name, error);
    throw isAbsent(error) ? absentObject(call, error) : translateError(error, call);
  }
}

const dropCopy = (context: S3Context, call: StoreCall, copy: ObjectInfo): Promise<unknown> =>
  guarded(call, () =>
    context.client.send(new DeleteObjectCommand({ Bucket: context.bucket, Key: copy.key, ...versionOf(copy) })),
  );

export async function restore(
  context: S3Context,
  object: ObjectRef,
  options: { tier: RestoreTier; days: number },
): Promise<void> {
  const call: StoreCall = { verb: 'restore', bucket: context.bucket, key: object.key };
  try {
    await context.client.send(
      new RestoreObjectCommand({
        Bucket: context.bucket,
        Key: object.key,
        ...versionOf(object),
        RestoreRequest: { Days: options.days, GlacierJobParameters: { Tier: options.tier } },
      }),
    );
  } catch (error) {
    const name = errorName(error);
    // InvalidObjectState here: not archived, so its bytes are there already.
    if (
      name === 'RestoreAlreadyInProgress' ||
      name === 'ObjectAlreadyInActiveTierError' ||
      name === 'InvalidObjectState'
    )
      return;
    throw isAbsent(error) ? absentObject(call, error) : translateError(error, call);
  }
}

const notSupported = (call: StoreCall, why: string, cause?: unknown): ArtifactError =>
  new ArtifactError('not_supported', `${call.verb} on ${call.key ?? call.bucket}: ${why}`, {
    details: { bucket: call.bucket },
    cause,
  });
