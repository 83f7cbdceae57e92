import {
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  ListObjectVersionsCommand,
  PutObjectTaggingCommand,
  type DeleteMarkerEntry,
  type ObjectVersion as S3Version,
} from '@aws-sdk/client-s3';
import type { Tags } from '../../domain/artifact.js';
import type { ObjectKeeper, ObjectRef, ObjectVersion } from '../object-store.js';
import type { S3Context } from './client.js';
import { absentObject, guarded, isAbsent, nullWhenAbsent, translateError, type StoreCall } from './errors.js';
import { headObject } from './head.js';
import { fromVersionId, versionOf } from './mapping.js';
import { collectPages } from './pages.js';
import { copyToClass, restore } from './tiering.js';

/** What happens to objects that are there. */
export function keeperVerbs(context: S3Context): ObjectKeeper {
  return {
    head: (object) => headObject(context, object),
    listVersions: (key) => listVersions(context, key),
    deleteVersion: (key, versionId) => deleteVersion(context, key, versionId),
    copyToClass: (object, storageClass) => copyToClass(context, object, storageClass),
    restore: (object, options) => restore(context, object, options),
    getTags: (object) => getTags(context, object),
    putTags: (object, tags) => putTags(context, object, tags),
  };
}

interface VersionMarker {
  KeyMarker: string;
  VersionIdMarker?: string;
}

async function listVersions(context: S3Context, key: string): Promise<ObjectVersion[]> {
  const found = await guarded({ verb: 'listVersions', bucket: context.bucket, key }, () =>
    collectPages<{ version: ObjectVersion; modifiedMs: number }, VersionMarker>(async (marker) => {
      const page = await context.client.send(
        new ListObjectVersionsCommand({ Bucket: context.bucket, Prefix: key, ...marker }),
      );
      const items = [
        ...(page.Versions ?? []).map((entry) => toVersion(entry, false)),
        ...(page.DeleteMarkers ?? []).map((entry) => toVersion(entry, true)),
      ].filter(({ version }) => version.key === key);
      // Among the keys that begin with it, the key itself sorts first: when others come, all of its versions are in.
      if (page.IsTruncated !== true || page.NextKeyMarker !== key) return { items, next: null };
      const VersionIdMarker = page.NextVersionIdMarker;
      return { items, next: { KeyMarker: key, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) } };
    }),
  );
  // Versions and markers come as two lists, and S3's times are whole seconds: the flag decides first.
  return found
    .sort((a, b) => Number(b.version.isLatest) - Number(a.version.isLatest) || b.modifiedMs - a.modifiedMs)
    .map(({ version }) => version);
}

const toVersion = (
  entry: S3Version | DeleteMarkerEntry,
  isDeleteMarker: boolean,
): { version: ObjectVersion; modifiedMs: number } => ({
  version: {
    key: entry.Key ?? '',
    versionId: fromVersionId(entry.VersionId),
    isLatest: entry.IsLatest ?? false,
    isDeleteMarker,
    sizeBytes: 'Size' in entry ? (entry.Size ?? 0) : 0,
  },
  modifiedMs: entry.LastModified?.getTime() ?? 0,
});

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
