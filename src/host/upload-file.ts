import type { ArtifactRecord } from '../domain/artifact-record.js';
import { guessArtifactType, guessMimeType } from '../domain/artifact-type.js';
import { byOf, type CompleteUpload } from '../domain/commands.js';
import { ArtifactError } from '../domain/errors.js';
import type { NewUpload } from '../domain/new-upload.js';
import type { FileToUpload, UploadFilesQuery } from '../domain/publish.js';
import { isOver } from '../domain/same-upload.js';
import { objectAtCreation } from '../domain/stored-object.js';
import { KIB_BYTES } from '../domain/units.js';
import { abortedError, throwIfAborted } from '../transfer/aborted.js';
import type { FileReader } from '../transfer/file-reader.js';
import { contentOf, contentOfFile, fileParts } from '../transfer/known-parts.js';
import type { Content, PartDigest, SignedPut } from '../transfer/part.js';
import { ProgressMeter, type UploadProgress } from '../transfer/progress.js';
import { withRetry } from '../transfer/retry.js';
import { sendPart, sendParts, type TransferOptions } from '../transfer/send-parts.js';
import type { HostDeps } from './deps.js';

/** Less than this is not worth to be counted: as many as are under way at once are a few MiB. */
const TINY_BYTES = 256 * KIB_BYTES;
/** How often an upload that turned out to be over is looked at again. */
const LOOKS = 3;

/** One file of a call of `uploadFiles`. */
export interface FileTask {
  query: UploadFilesQuery;
  file: FileToUpload;
  reader: FileReader;
  signal: AbortSignal;
  /** The upload is registered: whoever gives up must abort it. */
  onBegun: () => void;
  onProgress: (progress: UploadProgress) => void;
}

export interface Uploaded {
  outcome: 'uploaded' | 'unchanged';
  sha256: string;
}

/**
 * Brings one file into the store as the artifact whose id was fixed for it, and answers once that is ACTIVE. Safe to repeat, also while
 * another attempt is at it: both send the same bytes to the same upload, and whoever comes second finds it complete.
 * @throws `source_changed`, `path_taken`, and whatever the workflow or the store refuse with.
 */
export async function uploadFile(deps: HostDeps, task: FileTask): Promise<Uploaded> {
  const { file, reader, signal } = task;
  requireFacts(file, reader);
  if (file.existing !== undefined) {
    const sha256 = file.sha256 ?? (await contentOfFile(reader, () => undefined, signal)).sha256;
    if (sha256 === file.existing.sha256) return { outcome: 'unchanged', sha256 };
    throw new ArtifactError('path_taken', `${file.path} already holds other content`, {
      details: { artifactId: file.existing.artifactId },
    });
  }
  for (let look = 1; ; look += 1) {
    try {
      return await uploadOnce(deps, task);
    } catch (error) {
      if (look >= LOOKS || !isOver(error)) throw error;
    }
  }
}

async function uploadOnce(deps: HostDeps, task: FileTask): Promise<Uploaded> {
  const { file, query, signal } = task;
  const again = { policy: deps.retry, signal };
  const small = file.sha256 === null ? null : await readSmall(deps, task, file.sha256);
  try {
    // From here on it may be registered, whoever hears of it.
    task.onBegun();
    const record = await withRetry(() => deps.lifecycle.beginUpload(newUpload(query, file)), again);
    if (record.status !== 'UPLOADING' || record.deletionReason !== null) return found(record, file);
    const content = small === null ? await sendLarge(deps, task, record) : await sendSmall(deps, task, record, small);
    const message: CompleteUpload = { ...content, ...byOf(query) };
    // What was asked goes on without us, and the next attempt hears of it.
    await withRetry(() => orAborted(deps.lifecycle.completeUpload(record.id, message), signal), again);
    return { outcome: 'uploaded', sha256: content.sha256 };
  } finally {
    if (small !== null && small.bytes.length >= TINY_BYTES) deps.memory.giveBack(small.bytes);
  }
}

interface SmallFile {
  bytes: Buffer;
  sha256: string;
}

/** All of it, once it is certain that it is what was found. @throws `source_changed`. */
async function readSmall({ memory }: HostDeps, { file, reader, signal }: FileTask, sha256: string): Promise<SmallFile> {
  const { sizeBytes } = reader;
  const isTiny = sizeBytes < TINY_BYTES;
  const bytes = isTiny ? Buffer.allocUnsafe(sizeBytes) : await memory.take(sizeBytes, { signal });
  try {
    await reader.readExactly(bytes, 0);
    const content = await contentOf(bytes, () => undefined, signal);
    if (content.sha256 !== sha256) throw changed(file);
    return { bytes, sha256 };
  } catch (error) {
    if (!isTiny) memory.giveBack(bytes);
    throw error;
  }
}

async function sendSmall(
  deps: HostDeps,
  task: FileTask,
  record: ArtifactRecord,
  { bytes, sha256 }: SmallFile,
): Promise<Content> {
  const object = { ...objectAtCreation(record), sizeBytes: bytes.length, sha256 };
  const sign = (): Promise<SignedPut> => deps.store.presignPut(object, deps.signedSeconds);
  await sendPart(transferOptions(deps, task), { partNumber: 1, bytes }, sign);
  return { sizeBytes: bytes.length, sha256 };
}

async function sendLarge(deps: HostDeps, task: FileTask, record: ArtifactRecord): Promise<Content> {
  const { key, uploadId, partSizeBytes } = record;
  if (uploadId === null || partSizeBytes === null)
    throw new ArtifactError('internal', `${key} has no multipart upload`);
  const { store, signedSeconds } = deps;
  const again = { policy: deps.retry, signal: task.signal };
  const received = await withRetry(() => store.listParts(key, uploadId), again);
  // An earlier attempt has sent it all, and heard nothing of its end: whoever completes it compares the bytes.
  if (received === null) return contentOfFile(task.reader, () => undefined, task.signal);
  const sign = async (digests: PartDigest[]): Promise<Map<number, SignedPut>> =>
    new Map(
      await Promise.all(
        digests.map(async (digest): Promise<[number, SignedPut]> => [
          digest.partNumber,
          await store.presignPart({ key, uploadId, ...digest }, signedSeconds),
        ]),
      ),
    );
  const target = { partSizeBytes, received, sign };
  return sendParts(fileParts(task.reader), target, transferOptions(deps, task));
}

const transferOptions = (
  { connections, memory, retry }: HostDeps,
  { signal, onProgress }: FileTask,
): TransferOptions => ({
  ...{ connections, memory, retry, signal },
  progress: new ProgressMeter(onProgress),
});

/** What an earlier attempt made of it. @throws `artifact_deleted`, `source_changed`. */
function found({ status, deletionReason, sha256, sizeBytes }: ArtifactRecord, file: FileToUpload): Uploaded {
  if (status === 'DELETED' || deletionReason !== null)
    throw new ArtifactError('artifact_deleted', `the upload of ${file.file} was given up, or deleted since`);
  if (sha256 === null || sizeBytes !== file.sizeBytes || (file.sha256 !== null && file.sha256 !== sha256))
    throw changed(file);
  return { outcome: 'uploaded', sha256 };
}

function newUpload(
  { executionId, tenantId, tags, retentionDays, publicationId, ...by }: UploadFilesQuery,
  file: FileToUpload,
): NewUpload {
  const { artifactId, path, sizeBytes, sha256 } = file;
  const mimeType = guessMimeType(path);
  const type = guessArtifactType(path, mimeType);
  return {
    artifactId,
    executionId,
    tenantId,
    ...byOf(by),
    path,
    sizeBytes,
    sha256,
    mimeType,
    type,
    tags,
    retentionDays,
    publicationId,
  };
}

function requireFacts(file: FileToUpload, { sizeBytes, modifiedAtMs }: FileReader): void {
  if (file.sizeBytes !== sizeBytes || file.modifiedAtMs !== modifiedAtMs) throw changed(file);
}

export const changed = ({ file }: FileToUpload): ArtifactError =>
  new ArtifactError('source_changed', `${file} changed since it was found`, { details: { source: file } });

/** @throws `aborted` as soon as the signal fires; what was begun then goes on. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  throwIfAborted(signal);
  let giveUp = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(abortedError(signal));
    signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
