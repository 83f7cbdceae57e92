import { DeleteObjectCommand, GetObjectTaggingCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import type { Tags } from '../../domain/artifact.js';
import type { ObjectKeeper, ObjectRef } from '../object-store.js';
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
    deleteVersion: (key, versionId) => deleteVersion(context, key, versionId),
    addDeleteMarker: (key) => addDeleteMarker(context, key),
    copyToClass: (object, storageClass) => copyToClass(context, object, storageClass),
    restore: (object, options) => restore(context, object, options),
    getTags: (object) => getTags(context, object),
    putTags: (object, tags) => putTags(context, object, tags),
  };
}

async function deleteVersion(context: S3Context, key: string, versionId: string | null): Promise<void> {
  const call: StoreCall = { verb: 'deleteVersion', bucket: context.bucket, key };
  try {
    // Without a version id a versioned bucket would only get one more delete marker.
    await context.client.send(
      new DeleteObjectCommand({ Bucket: context.bucket, Key: key, VersionId: versionId ?? 'null' }),
    );
  } catch (error) {
    if (!isAbsent(error)) throw translateError(error, call);
  }
}

async function addDeleteMarker(context: S3Context, key: string): Promise<string | null> {
  const call: StoreCall = { verb: 'addDeleteMarker', bucket: context.bucket, key };
  const output = await guarded(call, () =>
    context.client.send(new DeleteObjectCommand({ Bucket: context.bucket, Key: key })),
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

async function putTags(context: S3Context, object: ObjectRef, tags: Tags): Promise<void> {
  const call: StoreCall = { verb: 'putTags', bucket: context.bucket, key: object.key };
  try {
    await context.client.send(
      new PutObjectTaggingCommand({
        Bucket: context.bucket,
        Key: object.key,
        ...versionOf(object),
        Tagging: { TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
      }),
    );
  } catch (error) {
    throw isAbsent(error) ? absentObject(call, error) : translateError(error, call);
  }
}
