import { GetObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { create as contentDisposition } from 'content-disposition';
import { PassThrough, Readable } from 'node:stream';
import type { ByteRange, DownloadStore, ObjectRef, SignedRequest } from '../object-store.js';
import type { S3Context } from './client.js';
import { nullWhenAbsent, translateError, guarded, type StoreCall } from './errors.js';
import { versionOf } from './mapping.js';
import { presign } from './presign.js';

/** The bytes on their way out. */
export function downloadVerbs(context: S3Context): DownloadStore {
  return {
    presignGet: (object, expiresInSeconds) => presignGet(context, object, expiresInSeconds),
    read: (object, options = {}) => read(context, object, options),
  };
}

async function presignGet(
  context: S3Context,
  object: ObjectRef & { fileName: string },
  expiresInSeconds: number,
): Promise<SignedRequest> {
  const command = new GetObjectCommand({
    Bucket: context.bucket,
    Key: object.key,
    ...versionOf(object),
    // What an agent wrote must not run in a browser under the name of the store.
    ResponseContentDisposition: contentDisposition(object.fileName),
    ResponseContentType: 'application/octet-stream',
  });
  return guarded({ verb: 'presignGet', bucket: context.bucket, key: object.key }, () =>
    presign(context, (options) => getSignedUrl(context.presigner, command, options), {}, expiresInSeconds),
  );
}

async function read(
  context: S3Context,
  object: ObjectRef,
  { range, signal }: { range?: ByteRange; signal?: AbortSignal },
): Promise<Readable | null> {
  const call: StoreCall = { verb: 'read', bucket: context.bucket, key: object.key };
  const command = new GetObjectCommand({
    Bucket: context.bucket,
    Key: object.key,
    ...versionOf(object),
    ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
  });
  const output = await nullWhenAbsent(call, () =>
    context.client.send(command, signal === undefined ? {} : { abortSignal: signal }),
  );
  if (output === null) return null;
  if (!(output.Body instanceof Readable)) throw translateError(new Error('the answer has no body'), call);
  return withOurErrors(output.Body, call, signal);
}

/**
 * The same bytes, but a connection that breaks half way, or an abort, ends them with an ArtifactError. Destroying the result
 * frees the socket.
 */
function withOurErrors(source: Readable, call: StoreCall, signal: AbortSignal | undefined): Readable {
  const body = new PassThrough();
  const onAbort = (): void => void body.destroy(translateError(abortError(signal), call));
  source.once('error', (error) => body.destroy(translateError(error, call)));
  body.once('close', () => {
    signal?.removeEventListener('abort', onAbort);
    source.destroy();
  });
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  return source.pipe(body);
}

function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('the read was aborted', { cause: signal?.reason });
  error.name = 'AbortError';
  return error;
}
