import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { ARTIFACT_TYPES } from '../../domain/artifact.js';
import { ArtifactError } from '../../domain/errors.js';
import { requireUuid } from '../../domain/ids.js';
import { canonicalPath } from '../../domain/keys.js';
import { requireWish } from '../../domain/new-upload.js';
import { SINGLE_PUT_MAX_BYTES, requireSize } from '../../domain/part-plan.js';
import { requireTiering } from '../../domain/policy.js';
import { isOver, requireIdempotencyKey } from '../../domain/same-upload.js';
import { requireTags } from '../../domain/tags.js';
import { throwIfAborted } from '../../transfer/aborted.js';
import { openFile, type FileReader } from '../../transfer/file-reader.js';
import { bufferParts, contentOf, contentOfFile, fileParts } from '../../transfer/known-parts.js';
import type { Content, PartSource, SignedPut } from '../../transfer/part.js';
import { sendPart, sendParts } from '../../transfer/send-parts.js';
import type { PartTarget, TransferOptions } from '../../transfer/send-parts.js';
import { StreamCutter } from '../../transfer/stream-cutter.js';
import type { FileSource, UploadArtifactOptions, UploadSource } from '../service.js';
import { toArtifact } from '../wire.js';
import type { Artifact, ArtifactJson, BeginUploadJson, UploadJson } from '../wire.js';
import { beginKnown, type Beginning } from './begin.js';
import { sampleOf } from './idempotency.js';
import type { UploadApi } from './upload-api.js';

/** What every step of an upload needs. */
export interface UploadContext {
  api: UploadApi;
  transfer: TransferOptions;
}

/** One call of `uploadArtifact`. */
export interface UploadTask {
  executionId: string;
  options: UploadArtifactOptions;
  context: UploadContext;
  signal: AbortSignal;
}

/** Bytes whose number is known before the first of them is sent. */
interface KnownSource {
  sizeBytes: number;
  /** Null for what is no file. */
  modifiedAtMs: number | null;
  /** All of it, when it is small enough for one PUT. */
  bytes: Buffer | null;
  /** Reads it from the start. */
  parts(): PartSource;
  /** Reads all of it for its hash alone. */
  hash(onHashed: (hashedBytes: number) => void, signal: AbortSignal): Promise<Content>;
  /** Some of it, which stands for the whole before that is hashed. */
  sample(): Promise<string>;
}

const bufferSource = (bytes: Buffer, modifiedAtMs: number | null = null): KnownSource => ({
  sizeBytes: requireSize(bytes.length),
  modifiedAtMs,
  bytes: bytes.length <= SINGLE_PUT_MAX_BYTES ? bytes : null,
  parts: () => bufferParts(bytes),
  hash: (onHashed, signal) => contentOf(bytes, onHashed, signal),
  sample: () =>
    sampleOf(bytes.length, (position, length) => Promise.resolve(bytes.subarray(position, position + length))),
});

async function fileSource(reader: FileReader): Promise<KnownSource> {
  const { sizeBytes, modifiedAtMs } = reader;
  if (sizeBytes <= SINGLE_PUT_MAX_BYTES)
    return bufferSource(await reader.readExactly(Buffer.allocUnsafeSlow(sizeBytes), 0), modifiedAtMs);
  return {
    sizeBytes,
    modifiedAtMs,
    bytes: null,
    parts: () => fileParts(reader),
    hash: (onHashed, signal) => contentOfFile(reader, onHashed, signal),
    sample: () =>
      sampleOf(sizeBytes, (position, length) => reader.readExactly(Buffer.allocUnsafeSlow(length), position)),
  };
}

/** Sends any source. See `ArtifactService.uploadArtifact`. */
export async function uploadSource(task: UploadTask, file: UploadSource): Promise<Artifact> {
  if (isStream(file)) return uploadStream(task, new StreamCutter(file));
  validate(task);
  if (file instanceof Uint8Array)
    return uploadKnown(task, bufferSource(Buffer.from(file.buffer, file.byteOffset, file.byteLength)));
  const reader = await openFile(file.path);
  try {
    return await uploadKnown(task, await fileSource(reader));
  } finally {
    await reader.close();
  }
}

const isStream = (file: UploadSource): file is Exclude<UploadSource, Uint8Array | FileSource> =>
  file instanceof Readable || 'getReader' in file;

/** Everything the API would refuse and we can know, before a file is read or a request is sent. */
function validate({ executionId, options, signal }: UploadTask): void {
  throwIfAborted(signal);
  requireUuid(executionId, 'execution id');
  canonicalPath(options.fileName);
  requireTags(options.tags ?? {});
  const { retentionDays = null, expiresAt, tiering = {} } = options;
  requireWish({ retentionDays, expiresAtMs: expiresAt?.getTime() ?? null }, Date.now());
  requireTiering(tiering);
  if (options.type !== undefined && !ARTIFACT_TYPES.includes(options.type))
    throw new ArtifactError('invalid_request', `"${String(options.type)}" is not a type of artifact`);
  const { concurrency, idempotencyKey } = options;
  if (idempotencyKey !== undefined) requireIdempotencyKey(idempotencyKey);
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 16))
    throw new ArtifactError('invalid_request', `concurrency ${concurrency} is not a number from 1 to 16`);
}

async function uploadKnown(task: UploadTask, source: KnownSource): Promise<Artifact> {
  const { context, signal } = task;
  const { sizeBytes, bytes } = source;
  const { progress } = context.transfer;
  const onHashed = (hashedBytes: number): void => progress.hashed(hashedBytes, sizeBytes);
  const content = bytes === null ? null : await source.hash(onHashed, signal);
  const beginning = {
    sizeBytes,
    modifiedAtMs: source.modifiedAtMs,
    sha256: content?.sha256 ?? null,
    fingerprint: content?.sha256 ?? (await source.sample()),
    hash: () => source.hash(onHashed, signal),
  };
  const begun = await beginKnown(task, beginning);
  if (begun.upload === null) {
    // The key of a large one stands for samples, and only all of it shows that it is what is there.
    requireSameContent(begun.artifact, content ?? (await source.hash(onHashed, signal)));
    progress.uploading(sizeBytes, 1);
    progress.arrived(1, sizeBytes);
    return toArtifact(begun.artifact);
  }
  const { id } = begun.artifact;
  const { upload } = begun;
  const finished = finish(task, { artifactId: id, isResumable: true }, async () => {
    if (upload.kind === 'multipart') {
      const target = await targetOf(task, begun, upload);
      return sendParts(source.parts(), target, context.transfer);
    }
    if (bytes === null || content === null)
      throw new ArtifactError('internal', `The API wants ${sizeBytes} bytes in one PUT`);
    await sendSingle(task, bytes, { beginning, request: upload.request });
    return content;
  });
  return finished.catch(async (error: unknown) => {
    // Another process that sends the same may have been faster.
    const other = isOver(error) ? await context.api.completed(id, signal) : null;
    if (other === null) throw error;
    requireSameContent(other, content ?? (await source.hash(onHashed, signal)));
    return toArtifact(other);
  });
}

/** @throws `path_taken`. */
function requireSameContent({ id, path, status, fileSize, checksum }: ArtifactJson, { sha256 }: Content): void {
  if (sha256 === checksum) return;
  throw new ArtifactError(
    'path_taken',
    `${path} already holds other content, though its beginning and its end are alike`,
    {
      details: { artifactId: id, status, sizeBytes: fileSize },
    },
  );
}

type MultipartJson = Extract<UploadJson, { kind: 'multipart' }>;

async function targetOf(
  { context, signal }: UploadTask,
  { artifact: { id: artifactId }, created }: BeginUploadJson,
  { partSizeBytes }: MultipartJson,
): Promise<PartTarget> {
  const received = created ? [] : await context.api.receivedParts(artifactId, signal);
  return { partSizeBytes, received, sign: (parts, partSignal) => context.api.signParts(artifactId, parts, partSignal) };
}

async function sendSingle(
  task: UploadTask,
  bytes: Buffer,
  { beginning, request }: { beginning: Beginning; request: SignedPut },
): Promise<void> {
  const { context } = task;
  context.transfer.progress.uploading(bytes.length, 1);
  // Beginning again is how a single PUT is signed again: the API answers with the upload that is under way.
  const sign = async (again: boolean): Promise<SignedPut> => {
    if (!again) return request;
    const { upload } = await beginKnown(task, beginning);
    return upload?.kind === 'single' ? upload.request : request;
  };
  await sendPart(context.transfer, { partNumber: 1, bytes }, sign);
}

async function uploadStream(task: UploadTask, cutter: StreamCutter): Promise<Artifact> {
  const { context, signal } = task;
  try {
    validate(task);
    const head = await cutter.head(Buffer.allocUnsafeSlow(SINGLE_PUT_MAX_BYTES), signal);
    if (head.isAll) return await uploadKnown(task, bufferSource(head.bytes));
    cutter.unread(head.bytes);
    const begun = await beginStream(task);
    const { artifact, upload } = begun;
    if (upload === null) {
      cutter.cancel();
      return toArtifact(artifact);
    }
    const artifactId = artifact.id;
    // Only who can name it again can go on with it.
    const isResumable = task.options.idempotencyKey !== undefined;
    return await finish(task, { artifactId, isResumable }, async () => {
      const target = await targetOf(task, begun, upload);
      return sendParts(cutter, target, context.transfer);
    });
  } catch (error) {
    cutter.cancel();
    throw error;
  }
}

/** A new upload, unless the caller has a key of his own. Its own tries are told by their key when an answer is lost. */
async function beginStream(task: UploadTask): Promise<BeginUploadJson & { upload: MultipartJson | null }> {
  const { context, signal, executionId, options } = task;
  const { idempotencyKey = randomUUID() } = options;
  const begun = await context.api.beginUpload(executionId, { options, claim: {}, idempotencyKey }, signal);
  const { artifact, upload } = begun;
  if (upload?.kind !== 'single') return { ...begun, upload };
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
  send: () => Promise<Content>,
): Promise<Artifact> {
  const { context, signal } = task;
  let content: Content;
  try {
    content = await send();
  } catch (error) {
    // What is over is not ours to end: another process that sends the same may have completed it.
    const isPassing = isOver(error) || (error instanceof ArtifactError && error.retryable);
    if (signal.aborted)
      throw await givenUp(task, upload.artifactId, 'what was sent is removed at the deadline of the upload');
    if (!upload.isResumable || !isPassing) await abortQuietly(context, upload.artifactId);
    throw error;
  }
  context.transfer.progress.verifying();
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
