import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Tags } from '../../domain/artifact.js';
import type { NewObject, ObjectInfo, ObjectOwner, ObjectRef } from '../object-store.js';

/** S3 user metadata of every object of ours. S3 lower-cases the names. */
const META = {
  artifactId: 'artifact-id',
  executionId: 'execution-id',
  type: 'artifact-type',
  sha256: 'sha256',
} as const;

/** S3 writes checksums in base64, we in hex. */
export const hexToBase64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
export const base64ToHex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

const toMetadata = (owner: ObjectOwner): Record<string, string> => ({
  [META.artifactId]: owner.artifactId,
  [META.executionId]: owner.executionId,
  [META.type]: owner.type,
  ...(owner.sha256 === undefined ? {} : { [META.sha256]: owner.sha256 }),
});

/** The same as headers, which the SDK writes one per entry. */
export const toMetadataHeaders = (owner: ObjectOwner): Record<string, string> =>
  Object.fromEntries(Object.entries(toMetadata(owner)).map(([name, value]) => [`x-amz-meta-${name}`, value]));

function toOwner(metadata: Record<string, string> | undefined): ObjectOwner | null {
  const artifactId = metadata?.[META.artifactId];
  const executionId = metadata?.[META.executionId];
  const type = metadata?.[META.type];
  if (artifactId === undefined || executionId === undefined || type === undefined) return null;
  const sha256 = metadata?.[META.sha256];
  return { artifactId, executionId, type, ...(sha256 === undefined ? {} : { sha256 }) };
}

/** S3 wants the tags of a PUT as URL query parameters; `+` for a space is not read back alike everywhere. */
export const toTagging = (tags: Tags): string =>
  Object.entries(tags)
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join('&');

/** What PutObject and CreateMultipartUpload say about a new object. */
export const describeObject = (
  object: NewObject,
): { ContentType: string; Metadata: Record<string, string>; Tagging?: string } => ({
  ContentType: object.mimeType,
  Metadata: toMetadata(object.owner),
  ...(Object.keys(object.tags).length === 0 ? {} : { Tagging: toTagging(object.tags) }),
});

/** S3 calls the version of an object in an unversioned bucket `null`. */
export const fromVersionId = (versionId: string | undefined): string | null =>
  versionId === undefined || versionId === '' || versionId === 'null' ? null : versionId;

export const versionOf = (object: ObjectRef): { VersionId?: string } =>
  object.versionId === undefined || object.versionId === null ? {} : { VersionId: object.versionId };

/** `CopySource` is a header and must be encoded, also the `%` that our keys already have. */
export const toCopySource = (bucket: string, object: ObjectRef): string => {
  const path = object.key.split('/').map(encodeURIComponent).join('/');
  const versionId = object.versionId ?? null;
  return `${bucket}/${path}${versionId === null ? '' : `?versionId=${encodeURIComponent(versionId)}`}`;
};

export function toObjectInfo(key: string, head: HeadObjectCommandOutput): ObjectInfo {
  return {
    key,
    sizeBytes: head.ContentLength ?? 0,
    etag: head.ETag ?? '',
    versionId: fromVersionId(head.VersionId),
    storageClass: head.StorageClass ?? 'STANDARD',
    mimeType: head.ContentType ?? 'application/octet-stream',
    lastModifiedMs: head.LastModified?.getTime() ?? 0,
    owner: toOwner(head.Metadata),
    sha256: toWholeSha256(head),
    restore: toRestore(head.Restore),
  };
}

/**
 * A multipart object has a checksum of checksums (`<base64>-<parts>`), which says nothing about the whole. Not every store writes
 * that suffix, but the ETag of such an object has it everywhere.
 */
function toWholeSha256({ ChecksumSHA256, ChecksumType, ETag }: HeadObjectCommandOutput): string | null {
  if (ChecksumSHA256 === undefined || ChecksumSHA256.includes('-') || ChecksumType === 'COMPOSITE') return null;
  return /-\d+"?$/.test(ETag ?? '') ? null : base64ToHex(ChecksumSHA256);
}

/** Reads `x-amz-restore`: `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`. */
function toRestore(header: string | undefined): ObjectInfo['restore'] {
  if (header === undefined) return null;
  const expiresAtMs = Date.parse(/expiry-date="([^"]+)"/.exec(header)?.[1] ?? '');
  return {
    inProgress: header.includes('ongoing-request="true"'),
    expiresAtMs: Number.isNaN(expiresAtMs) ? null : expiresAtMs,
  };
}
