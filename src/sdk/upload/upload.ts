import { Readable } from 'node:stream';
import { ARTIFACT_TYPES } from '../../domain/artifact.js';
import { ArtifactError } from '../../domain/errors.js';
import { requireUuid } from '../../domain/ids.js';
import { canonicalPath } from '../../domain/keys.js';
import { requireWish } from '../../domain/new-upload.js';
import { DEFAULT_PART_BYTES } from '../../domain/part-plan.js';
import { requireTiering } from '../../domain/policy.js';
import { requireTags } from '../../domain/tags.js';
import { throwIfAborted } from '../problems.js';
import type { FileSource, UploadArtifactOptions, UploadSource } from '../service.js';
import { toArtifact } from '../wire.js';
import type { Artifact, SignedRequestJson, UploadJson } from '../wire.js';
import { sendKnownParts, sendPart, sendStreamParts } from './parts.js';
import type { UploadContext } from './parts.js';
import { fileSource, memorySource } from './source.js';
import type { KnownSource } from './source.js';
import { StreamCutter } from './stream.js';

/** One call of `uploadArtifact`. */
export interface UploadTask {
  executionId: string;
  options: UploadArtifactOptions;
  context: UploadContext;
  signal: AbortSignal;
}

/** Sends any source. See `ArtifactService.uploadArtifact`. */
export async function uploadSource(task: UploadTask, file: UploadSource): Promise<Artifact> {
  const onHashed = (hashedBytes: number, totalBytes: number): void =>
    task.context.progress.hashed(hashedBytes, totalBytes);
  if (isStream(file)) return uploadStream(task, new StreamCutter(file));
  validate(task);
  const source =
    file instanceof Uint8Array
      ? await memorySource(file, onHashed, task.signal)
      : await fileSource(file.path, onHashed, task.signal);
  try {
    return await uploadKnown(task, source);
  } finally {
    await source.close();
  }
}

/** A stream also leaves its chunks for the garbage collector: with one part less, both stay under 200 MiB. */
export const defaultConcurrency = (file: UploadSource): number => (isStream(file) ? 3 : 4);

const isStream = (file: UploadSource): file is Exclude<UploadSource, Uint8Array | FileSource> =>
  file instanceof Readable || 'getReader' in file;

/** Everything the API would refuse and we can know, before a file is read or a request is sent. */
function validate({ executionId, options, context, signal }: UploadTask): void {
  throwIfAborted(signal);
  requireUuid(executionId, 'execution id');
  canonicalPath(options.fileName);
  requireTags(options.tags ?? {});
  const { retentionDays = null, expiresAt, tiering = {} } = options;
  requireWish({ retentionDays, expiresAtMs: expiresAt?.getTime() ?? null }, Date.now());
  requireTiering(tiering);
  if (options.type !== undefined && !ARTIFACT_TYPES.includes(options.type))
    throw new ArtifactError('invalid_request', `"${String(options.type)}" is not a type of artifact`);
  if (!Number.isInteger(context.concurrency) || context.concurrency < 1 || context.concurrency > 16)
    throw new ArtifactError('invalid_request', `concurrency ${context.concurrency} is not a number from 1 to 16`);
}

async function uploadKnown(task: UploadTask, source: KnownSource): Promise<Artifact> {
  const { context, signal } = task;
  const content = { sizeBytes: source.sizeBytes, sha256: source.sha256 };
  const begun = await context.api.beginUpload(task.executionId, task.options, content, signal);
  if (begun.upload === null) {
    context.progress.uploading(source.sizeBytes, 1);
    context.progress.arrived(1, source.sizeBytes);
    return toArtifact(begun.artifact);
  }
  const { id } = begun.artifact;
  const { upload } = begun;
  return finish(task, { artifactId: id, isResumable: true }, async () => {
    if (upload.kind === 'single') await sendSingle(task, source, upload.request);
    else {
      const received = await context.api.receivedParts(id, signal);
      await sendKnownParts(context, { artifactId: id, partSizeBytes: upload.partSizeBytes, source, received }, signal);
    }
    return content;
  });
}

async function sendSingle(task: UploadTask, source: KnownSource, request: SignedRequestJson): Promise<void> {
  const { context, signal, options, executionId } = task;
  context.progress.uploading(source.sizeBytes, 1);
  const bytes = await source.read(0, source.sizeBytes, () => Buffer.allocUnsafeSlow(source.sizeBytes));
  const { sizeBytes, sha256 } = source;
  // Beginning again is how a single PUT is signed again: the API answers with the upload that is under way.
  const sign = async (again: boolean): Promise<SignedRequestJson> => {
    if (!again) return request;
    const { upload } = await context.api.beginUpload(executionId, options, { sizeBytes, sha256 }, signal);
    return upload?.kind === 'single' ? upload.request : request;
  };
  await sendPart(context, { partNumber: 1, bytes }, sign, signal);
}

async function uploadStream(task: UploadTask, cutter: StreamCutter): Promise<Artifact> {
  const { context, signal } = task;
  try {
    validate(task);
    const head = await cutter.head(Buffer.allocUnsafeSlow(DEFAULT_PART_BYTES), signal);
    if (head.isAll) {
      const onHashed = (hashedBytes: number, totalBytes: number): void =>
        context.progress.hashed(hashedBytes, totalBytes);
      return await uploadKnown(task, await memorySource(head.bytes, onHashed, signal));
    }
    cutter.unread(head.bytes);
    const { artifactId, upload } = await beginStream(task);
    return await finish(task, { artifactId, isResumable: false }, async () => {
      await sendStreamParts(context, { artifactId, partSizeBytes: upload.partSizeBytes, cutter }, signal);
      return { sizeBytes: cutter.sizeBytes, sha256: cutter.digest() };
    });
  } catch (error) {
    cutter.cancel();
    throw error;
  }
}

type MultipartJson = Extract<UploadJson, { kind: 'multipart' }>;

/** Always a new upload: without a checksum the API joins nobody to one that is there. */
async function beginStream(task: UploadTask): Promise<{ artifactId: string; upload: MultipartJson }> {
  const { context, signal, executionId, options } = task;
  const { artifact, upload } = await context.api.beginUpload(executionId, options, null, signal);
  if (upload?.kind === 'multipart') return { artifactId: artifact.id, upload };
  await abortQuietly(context, artifact.id);
  throw new ArtifactError('internal', 'The API did not begin a multipart upload for a stream');
}

/**
 * Sends the bytes and completes. When that fails for good, or the caller gave up, what has arrived is removed; an upload that
 * failed for want of a network stays, so that the same call can go on with it until its deadline.
 */
async function finish(
  task: UploadTask,
  upload: { artifactId: string; isResumable: boolean },
  send: () => Promise<{ sizeBytes: number; sha256: string }>,
): Promise<Artifact> {
  const { context, signal } = task;
  let content: { sizeBytes: number; sha256: string };
  try {
    content = await send();
  } catch (error) {
    const isPassing = error instanceof ArtifactError && error.retryable;
    if (signal.aborted)
      throw await givenUp(task, upload.artifactId, 'what was sent is removed at the deadline of the upload');
    if (!upload.isResumable || !isPassing) await abortQuietly(context, upload.artifactId);
    throw error;
  }
  context.progress.verifying();
  try {
    return await context.api.completeUpload(upload.artifactId, content, signal);
  } catch (error) {
    // The API has judged the bytes itself, or goes on judging: only a caller who gives up ends that.
    if (signal.aborted)
      throw await givenUp(task, upload.artifactId, 'it may be stored all the same, as the API had all its bytes');
    throw error;
  }
}

/** Removes what was sent for a caller who gave up, and says whether that worked: `details.isRemoved`. @param otherwise what becomes of it if not. */
async function givenUp({ context, signal }: UploadTask, artifactId: string, otherwise: string): Promise<ArtifactError> {
  const isRemoved = await abortQuietly(context, artifactId);
  const rest = isRemoved ? 'what was sent has been removed' : otherwise;
  return new ArtifactError('aborted', `The caller gave up; ${rest}`, {
    details: { artifactId, isRemoved },
    cause: signal.reason,
  });
}

/** The failure that led here matters more than one in cleaning up; the upload's deadline removes what stays. */
const abortQuietly = (context: UploadContext, artifactId: string): Promise<boolean> =>
  context.api.abortUpload(artifactId).then(
    () => true,
    () => false,
  );
