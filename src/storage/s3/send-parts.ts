import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ArtifactError } from '../../domain/errors.js';
import { MINUTE_MS } from '../../domain/units.js';
import type { PartsToSend } from '../object-store.js';
import type { S3Context } from './client.js';
import { translateError, type StoreCall } from './errors.js';
import { streamBody } from './stream-body.js';

/** This many parts are on their way to the store. Two more are in memory: the one behind them, and the one that is being filled. */
const PARTS_AT_ONCE = 2;
/** A part of many MiB may take a while on a slow line. */
const PART_TIMEOUT_MS = MINUTE_MS;

/** See `UploadStore.sendParts`. */
export async function sendParts(
  context: S3Context,
  upload: PartsToSend,
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  const call: StoreCall = { verb: 'sendParts', bucket: context.bucket, key: upload.key };
  const { body, hasThrown } = streamBody(chunks);
  const stopped = new AbortController();
  const sending = new Upload({
    client: boundTo(context.client, upload.uploadId, AbortSignal.any([signal, stopped.signal])),
    params: { Bucket: context.bucket, Key: upload.key, Body: body, ChecksumAlgorithm: 'CRC32' },
    partSize: upload.partSizeBytes,
    queueSize: PARTS_AT_ONCE,
    // The upload is the caller's: who registered it ends it.
    leavePartsOnError: true,
  });
  try {
    await sending.done();
  } catch (error) {
    // What the source throws is its own.
    if (hasThrown()) throw error;
    if (signal.aborted) throw new ArtifactError('aborted', `sendParts to ${upload.key} was given up`, { cause: error });
    throw translateError(error, call);
  } finally {
    // Also what is still on its way: a part must not come after the upload was given up.
    stopped.abort();
    body.destroy();
  }
}

/**
 * The client as lib-storage sees it: the multipart upload exists already, and joining its parts is somebody else's work. So its begin
 * is answered with the id, its end with nothing, and what it would put as a whole, because it fits into one part, is that part.
 */
function boundTo(client: S3Client, uploadId: string, abortSignal: AbortSignal): S3Client {
  const options = { abortSignal, requestTimeout: PART_TIMEOUT_MS };
  const send = (command: unknown): unknown => {
    if (command instanceof CreateMultipartUploadCommand) return Promise.resolve({ UploadId: uploadId });
    if (command instanceof CompleteMultipartUploadCommand) return Promise.resolve({});
    if (command instanceof PutObjectCommand)
      return client.send(new UploadPartCommand({ ...command.input, UploadId: uploadId, PartNumber: 1 }), options);
    if (command instanceof UploadPartCommand) return client.send(command, options);
    throw new Error('lib-storage sends something that nobody has thought of');
  };
  return new Proxy(client, {
    get: (target, name): unknown => (name === 'send' ? send : Reflect.get(target, name)),
  });
}
