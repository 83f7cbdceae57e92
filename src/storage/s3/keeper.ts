import { DeleteObjectCommand, GetObjectTaggingCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import type { Tags } from '../../domain/artifact.js';
import type { ObjectKeeper, ObjectRef, Revocable } from '../object-store.js';
import type { S3Context } from './client.js';
import { absentObject, guarded, isAbsent, nullWhenAbsent, translateError, type StoreCall } from './errors.js';
import { headObject } from './head.js';
import { fromVersionId, versionOf } from './mapping.js';
import { copyToClass, restore } from './tiering.js';
import { listVersions } from './versions.js';

/** What happens to objects that are there. */
export function keeperVerbs(context: S3Context): ObjectKeeper {
  return {
    head: (object) => headObject(context, object),
    listVersions: (key) => listVersions(context, key),
    deleteVersion: (key, versionId, options) => deleteVersion(context, { key, versionId }, options),
    addDeleteMarker: (key, options) => addDeleteMarker(context, key, options),
    copyToClass: (object, storageClass) => copyToClass(context, object, storageClass),
    restore: (object, options) => restore(context, object, options),
    getTags: (object) => getTags(context, object),
    putTags: (object, tags, options) => putTags(context, object, tags, options),
  };
}

/** For the SDK, which sends nothing, and nothing again, once the signal has fired. */
const sending = ({ signal }: Revocable = {}): { abortSignal?: AbortSignal } =>
  signal === undefined ? {} : { abortSignal: signal };

async function deleteVersion(
  context: S3Context,
  { key, versionId }: { key: string; versionId: string | null },
  options?: Revocable,
): Promise<void> {
  const call: StoreCall = { verb: 'deleteVersion', bucket: context.bucket, key };
  try {
    // Without a version id a versioned bucket would only get one more delete marker.
    await context.client.send(
      new DeleteObjectCommand({ Bucket: context.bucket, Key: key, VersionId: versionId ?? 'null' }),
      sending(options),
    );
  } catch (error) {
    if (!isAbsent(error)) throw translateError(error, call);
  }
}

async function addDeleteMarker(context: S3Context, key: string, options?: Revocable): Promise<string | null> {
  const call: StoreCall = { verb: 'addDeleteMarker', bucket: context.bucket, key };
  const output = await guarded(call, () =>
    context.client.send(new DeleteObjectCommand({ Bucket: context.bucket, Key: key }), sending(options)),
  );
  return fromVersionId(output.VersionId);
}

async function getTags(context: S3Context, object: ObjectRef): Promise<Tags | null> {
  const call: StoreCall = { verb: 'getTags', bucket: context.bucket, key: object.key };
  const output = await nullWhenAbsent(call, () =>
    context.client.send(new GetObjectTaggingCommand({ Bucket: context.bucket, Key: object.key, ...versionOf(object) })),
  );
  if (output === null) return null;
  return Object.fromEntries((output.TagSet ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
}

async function putTags(context: S3Context, object: ObjectRef, tags: Tags, options?: Revocable): Promise<void> {
  const call: StoreCall = { verb: 'putTags', bucket: context.bucket, key: object.key };
  try {
    await context.client.send(
      new PutObjectTaggingCommand({
        Bucket: context.bucket,
        Key: object.key,
        ...versionOf(object),
        Tagging: { TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
      }),
      sending(options),
    );
  } catch (error) {
    throw isAbsent(error) ? absentObject(call, error) : translateError(error, call);
  }
}
