import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type Part,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { createHash } from 'node:crypto';
import { ArtifactError } from '../../domain/errors.js';
import type {
  NewObject,
  NewPart,
  ObjectInfo,
  ObjectOwner,
  PendingUpload,
  SignedRequest,
  UploadedPart,
  UploadStore,
  UploadToComplete,
} from '../object-store.js';
import { SLOW_REQUEST_TIMEOUT_MS, type S3Context } from './client.js';
import { errorName, guarded, translateError, type StoreCall } from './errors.js';
import { headObject, requireObject } from './head.js';
import { toPendingUpload } from './inventory.js';
import { base64ToHex, describeObject, hexToBase64, toMetadataHeaders, toTagging } from './mapping.js';
import { collectPages } from './pages.js';
import { presign } from './presign.js';
import { putStream } from './put-stream.js';
import { sendParts } from './send-parts.js';

/** The bytes on their way in. */
export function uploadVerbs(context: S3Context): UploadStore {
  return {
    presignPut: (object, expiresInSeconds) => presignPut(context, object, expiresInSeconds),
    createUpload: (object) => createUpload(context, object),
    presignPart: (part, expiresInSeconds) => presignPart(context, part, expiresInSeconds),
    listParts: (key, uploadId) => listParts(context, key, uploadId),
    completeUpload: (upload) => completeUpload(context, upload),
    abortUpload: (key, uploadId) => abortUpload(context, key, uploadId),
    listUploads: (keyOrPrefix) => listUploads(context, keyOrPrefix),
    put: (object, body) => put(context, object, body),
    putStream: (object, chunks, replaces) => putStream(context, object, chunks, replaces),
    sendParts: (upload, chunks, signal) => sendParts(context, upload, chunks, signal),
  };
}

async function presignPut(
  context: S3Context,
  object: NewObject & { sizeBytes: number; sha256: string },
  expiresInSeconds: number,
): Promise<SignedRequest> {
  const owner: ObjectOwner = { ...object.owner, sha256: object.owner.sha256 ?? object.sha256 };
  const checksum = hexToBase64(object.sha256);
  const command = new PutObjectCommand({
    Bucket: context.bucket,
    Key: object.key,
    ContentLength: object.sizeBytes,
    ChecksumSHA256: checksum,
    ...describeObject({ ...object, owner }),
  });
  const headers = {
    'content-length': String(object.sizeBytes),
    'content-type': object.mimeType,
    'x-amz-checksum-sha256': checksum,
    ...toMetadataHeaders(owner),
    ...(Object.keys(object.tags).length === 0 ? {} : { 'x-amz-tagging': toTagging(object.tags) }),
  };
  return guarded({ verb: 'presignPut', bucket: context.bucket, key: object.key }, () =>
    presign(context, (options) => getSignedUrl(context.presigner, command, options), headers, expiresInSeconds),
  );
}

async function createUpload(context: S3Context, object: NewObject): Promise<string> {
  const call: StoreCall = { verb: 'createUpload', bucket: context.bucket, key: object.key };
  const { UploadId } = await guarded(call, () =>
    context.client.send(
      new CreateMultipartUploadCommand({
        Bucket: context.bucket,
        Key: object.key,
        ChecksumAlgorithm: 'CRC32',
        ...describeObject(object),
      }),
    ),
  );
  if (UploadId === undefined) throw translateError(new Error('the answer has no upload id'), call);
  return UploadId;
}

async function presignPart(context: S3Context, part: NewPart, expiresInSeconds: number): Promise<SignedRequest> {
  const checksum = hexToBase64(part.crc32);
  const command = new UploadPartCommand({
    Bucket: context.bucket,
    Key: part.key,
    UploadId: part.uploadId,
    PartNumber: part.partNumber,
    ContentLength: part.sizeBytes,
    ChecksumCRC32: checksum,
  });
  const headers = { 'content-length': String(part.sizeBytes), 'x-amz-checksum-crc32': checksum };
  return guarded({ verb: 'presignPart', bucket: context.bucket, key: part.key }, () =>
    presign(context, (options) => getSignedUrl(context.presigner, command, options), headers, expiresInSeconds),
  );
}

async function listParts(context: S3Context, key: string, uploadId: string): Promise<UploadedPart[] | null> {
  try {
    return await collectPages<UploadedPart, string>(async (marker) => {
      const page = await context.client.send(
        new ListPartsCommand({
          Bucket: context.bucket,
          Key: key,
          UploadId: uploadId,
          ...(marker === null ? {} : { PartNumberMarker: marker }),
        }),
      );
      const next = page.IsTruncated === true ? (page.NextPartNumberMarker ?? null) : null;
      return { items: (page.Parts ?? []).map(toUploadedPart), next };
    });
  } catch (error) {
    if (errorName(error) === 'NoSuchUpload') return null;
    throw translateError(error, { verb: 'listParts', bucket: context.bucket, key });
  }
}

const toUploadedPart = (part: Part): UploadedPart => ({
  partNumber: part.PartNumber ?? 0,
  sizeBytes: part.Size ?? 0,
  etag: part.ETag ?? '',
  crc32: part.ChecksumCRC32 === undefined ? null : base64ToHex(part.ChecksumCRC32),
  ...(part.ChecksumSHA256 === undefined ? {} : { sha256: base64ToHex(part.ChecksumSHA256) }),
  lastModifiedMs: part.LastModified?.getTime() ?? 0,
});

async function completeUpload(context: S3Context, upload: UploadToComplete): Promise<ObjectInfo> {
  const call: StoreCall = { verb: 'completeUpload', bucket: context.bucket, key: upload.key };
  if (upload.parts.length === 0)
    throw new ArtifactError('upload_incomplete', `the upload of ${upload.key} has no parts`);
  try {
    const { VersionId } = await context.client.send(toCompleteCommand(context.bucket, upload), {
      requestTimeout: SLOW_REQUEST_TIMEOUT_MS,
    });
    const object = await requireObject(context, { key: upload.key, versionId: VersionId ?? null }, call);
    if (object.owner?.artifactId === upload.artifactId) return object;
    // Some stores take any upload they do not know for one they have completed.
    throw new ArtifactError('upload_incomplete', `the object at ${upload.key} is of another artifact`);
  } catch (error) {
    const failure = translateError(error, call);
    if (!(await isGone(context, upload, error, failure))) throw failure;
    // An earlier attempt may have come through although its answer was lost.
    const object = await headObject(context, { key: upload.key });
    if (object?.owner?.artifactId === upload.artifactId) return object;
    throw new ArtifactError('upload_incomplete', `there is no upload ${upload.uploadId} of ${upload.key}`, {
      details: failure.details,
      cause: error,
    });
  }
}

/** Whether the upload is no longer there. After a failure that says nothing about it (a lost answer, a 500) the store is asked. */
async function isGone(
  context: S3Context,
  { key, uploadId }: UploadToComplete,
  error: unknown,
  failure: ArtifactError,
): Promise<boolean> {
  if (errorName(error) === 'NoSuchUpload') return true;
  if (!failure.retryable) return false;
  try {
    return (await listParts(context, key, uploadId)) === null;
  } catch {
    // It does not answer this either: the first failure stands.
    return false;
  }
}

const toCompleteCommand = (
  bucket: string,
  { key, uploadId, parts }: UploadToComplete,
): CompleteMultipartUploadCommand =>
  new CompleteMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    UploadId: uploadId,
    MpuObjectSize: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    MultipartUpload: {
      Parts: [...parts]
        .sort((a, b) => a.partNumber - b.partNumber)
        .map((part) => ({
          PartNumber: part.partNumber,
          ETag: part.etag,
          ...(part.crc32 === null ? {} : { ChecksumCRC32: hexToBase64(part.crc32) }),
          ...(part.sha256 === undefined ? {} : { ChecksumSHA256: hexToBase64(part.sha256) }),
        })),
    },
  });

async function abortUpload(context: S3Context, key: string, uploadId: string): Promise<void> {
  try {
    await context.client.send(
      new AbortMultipartUploadCommand({ Bucket: context.bucket, Key: key, UploadId: uploadId }),
    );
  } catch (error) {
    if (errorName(error) === 'NoSuchUpload') return;
    throw translateError(error, { verb: 'abortUpload', bucket: context.bucket, key });
  }
}

async function listUploads(context: S3Context, keyOrPrefix: string): Promise<PendingUpload[]> {
  const uploads = await guarded({ verb: 'listUploads', bucket: context.bucket, key: keyOrPrefix }, () =>
    collectPages<PendingUpload, { KeyMarker: string; UploadIdMarker?: string }>(async (marker) => {
      const page = await context.client.send(
        new ListMultipartUploadsCommand({ Bucket: context.bucket, Prefix: keyOrPrefix, ...marker }),
      );
      const items = (page.Uploads ?? []).map(toPendingUpload);
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return { items, next: null };
      const UploadIdMarker = page.NextUploadIdMarker;
      return {
        items,
        next: { KeyMarker: page.NextKeyMarker, ...(UploadIdMarker === undefined ? {} : { UploadIdMarker }) },
      };
    }),
  );
  return keyOrPrefix.endsWith('/') ? uploads : uploads.filter((upload) => upload.key === keyOrPrefix);
}

async function put(context: S3Context, object: NewObject, body: Buffer): Promise<ObjectInfo> {
  const call: StoreCall = { verb: 'put', bucket: context.bucket, key: object.key };
  const { VersionId } = await guarded(call, () =>
    context.client.send(
      new PutObjectCommand({
        Bucket: context.bucket,
        Key: object.key,
        Body: body,
        ContentLength: body.length,
        ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
        ...describeObject(object),
      }),
    ),
  );
  return requireObject(context, { key: object.key, versionId: VersionId ?? null }, call);
}
