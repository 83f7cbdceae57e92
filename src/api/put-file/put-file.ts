import { setTimeout as sleep } from 'node:timers/promises';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { MAX_ARTIFACT_BYTES } from '../../domain/artifact.js';
import { byOf, type ByActor, type CompleteUpload } from '../../domain/commands.js';
import { ArtifactError } from '../../domain/errors.js';
import { requireWish, type NewUpload } from '../../domain/new-upload.js';
import { SINGLE_PUT_MAX_BYTES } from '../../domain/part-plan.js';
import { isClosed, pathTaken, requireReplaceable } from '../../domain/same-upload.js';
import { objectAtCreation } from '../../domain/stored-object.js';
import { MINUTE_MS, SECOND_MS } from '../../domain/units.js';
import { requireUsableExecution } from '../access.js';
import type { ApiContext } from '../context.js';
import { openInPlace, openUpload, type OpenedUpload } from '../open-upload.js';
import type { Sender } from '../sender.js';
import type { BodyLimits, RequestBody } from './request-body.js';
import type { Slots } from '../slots.js';

/** A file on its way in, of which nothing but the head of the request was read. */
export interface IncomingFile {
  sender: Sender;
  /** `sizeBytes` and `sha256` as the request claims them; null when it does not. */
  upload: NewUpload;
  /** Whoever is there already is no answer. */
  mustBeNew: boolean;
  /** Other content that is there is deleted for it. */
  replace: boolean;
  /** Lets the client send. From here on the body is read. */
  open(limits: Pick<BodyLimits, 'maxBytes' | 'tooLong'>): RequestBody;
  /** Fires with its reason when the client is gone, or the process must end. */
  signal: AbortSignal;
  /** Told what goes wrong where nobody can be told. */
  warn(error: unknown, text: string): void;
}

/** A body, and what was read of it already. */
interface Taken {
  body: RequestBody;
  pieces: Buffer[];
}
type Content = Pick<RequestBody, 'sizeBytes' | 'sha256'>;

/** Once all bytes are there, an answer that the workflow does not give at once is worth waiting for. */
const COMPLETE_PATIENCE_MS = 5 * MINUTE_MS;
const COMPLETE_PAUSE_MS = SECOND_MS;

/**
 * Stores the body of a request as an artifact. What is refused is refused before the body is asked for, where the head of the request
 * is enough to know. A small file is taken in, and then registered with its size and hash, like one that a client sends to the store; a
 * large one is registered first and passed on in parts, in bounded memory, so that until it is complete it is an upload like any other.
 * One that is cut off is aborted; what even this process could not abort is aborted by the same request, known by its `Idempotency-Key`, or
 * abandoned at its deadline.
 * @returns the artifact, and whether it is new: the same content again is answered with what exists.
 * @throws as `openUpload`; `already_exists`, `too_busy`, `too_large`, `size_mismatch`, `checksum_mismatch`, `request_timeout`, `aborted`.
 */
export async function putFile(context: ApiContext, slots: Slots, file: IncomingFile): Promise<OpenedUpload> {
  const { upload, sender } = file;
  requireWish(upload, context.nowMs());
  await requireUsableExecution(context.records, sender.caller, upload.executionId);
  const found = await findWithoutEarlierTry(context, file);
  const existing = found === null || givesWay(found, file) ? null : found;
  if (existing !== null) requireJoinable(existing, file);
  const isThere = existing !== null && existing.status !== 'UPLOADING';
  if (isThere && upload.sha256 !== null) return { created: false, record: existing };

  const release = slots.take();
  try {
    if (isThere) return await compare(existing, file);
    if (upload.sizeBytes !== null && upload.sizeBytes > SINGLE_PUT_MAX_BYTES) {
      const opened = await openOwn(context, file, upload);
      if (opened.record.status !== 'UPLOADING') return opened;
      return await passOn(context, file, opened, { body: file.open(limitsOf(upload)), pieces: [] });
    }
    return await takeIn(context, file);
  } finally {
    release();
  }
}

/** What is at the path, once what an earlier try of the same request has left is gone: its process died, or its client gave it up. */
async function findWithoutEarlierTry(context: ApiContext, { sender, upload }: IncomingFile) {
  const find = (): Promise<ArtifactRecord | null> => context.records.findByPath(upload.executionId, upload.path);
  const existing = await find();
  const isEarlierTry =
    existing?.status === 'UPLOADING' &&
    existing.sha256 === null &&
    existing.idempotencyKey !== null &&
    existing.idempotencyKey === upload.idempotencyKey;
  if (!isEarlierTry) return existing;
  await context.lifecycle.abortUpload(existing.id, byWhom({ sender, upload })).catch((error: unknown) => {
    // It has come to its end after all.
    if (!(error instanceof ArtifactError) || error.code !== 'not_uploading') throw error;
  });
  return find();
}

/**
 * Other than `openUpload`, a key alone joins nothing: bytes of two requests must not meet.
 * @throws as `openUpload`; `already_exists` when somebody else was faster, and whoever is there is no answer.
 */
async function openOwn(
  context: ApiContext,
  { sender, mustBeNew, replace }: IncomingFile,
  upload: NewUpload,
): Promise<OpenedUpload> {
  const opened = await (replace ? openInPlace : openUpload)(context, sender, upload);
  if (opened.created) return opened;
  if (mustBeNew) throw alreadyExists(opened.record);
  if (upload.sha256 === null || opened.record.sha256 === null) throw pathTaken(opened.record);
  return opened;
}

const alreadyExists = ({ id, path, status }: ArtifactRecord): ArtifactError =>
  new ArtifactError('already_exists', `${path} is there already`, { details: { artifactId: id, status } });

/**
 * Does what is there give way to it, as far as the head of the request tells? What is small is taken in before, and compared then.
 * @throws `path_taken` for what must not be replaced.
 */
function givesWay(existing: ArtifactRecord, { upload, replace }: IncomingFile): boolean {
  if (!replace || existing.status === 'UPLOADING') return false;
  const { sizeBytes, sha256 } = upload;
  if (sha256 !== null && sha256 === existing.sha256 && !isClosed(existing)) return false;
  const isLarge = sizeBytes !== null && sizeBytes > SINGLE_PUT_MAX_BYTES;
  requireReplaceable(existing, { sizeBytes: isLarge ? sizeBytes : null, sha256 });
  return true;
}

/** As far as the head of the request tells. @throws `already_exists`, `path_taken`. */
function requireJoinable(existing: ArtifactRecord, { upload, mustBeNew }: IncomingFile): void {
  if (mustBeNew) throw alreadyExists(existing);
  const differs =
    (upload.sizeBytes !== null && upload.sizeBytes !== existing.sizeBytes) ||
    (upload.sha256 !== null && upload.sha256 !== existing.sha256);
  // Another upload whose content nobody knows yet: their parts must not meet.
  const isUnknown = existing.sha256 === null;
  if (differs || isUnknown || isClosed(existing)) throw pathTaken(existing);
}

/** Reads the body only to say whether it is what exists. */
async function compare(existing: ArtifactRecord, file: IncomingFile): Promise<OpenedUpload> {
  const maxBytes = existing.sizeBytes ?? 0;
  const body = file.open({ maxBytes, tooLong: () => pathTaken(existing) });
  while ((await body.next()) !== null);
  if (body.sha256() !== existing.sha256) throw pathTaken(existing);
  return { created: false, record: existing };
}

/** A small file, or one of unknown length that may be small: in memory up to the size of a single PUT, and on in parts if there is more. */
async function takeIn(context: ApiContext, file: IncomingFile): Promise<OpenedUpload> {
  const { upload } = file;
  const body = file.open(limitsOf(upload));
  const pieces: Buffer[] = [];
  for (let piece = await body.next(); piece !== null; piece = await body.next()) {
    pieces.push(piece);
    if (body.sizeBytes() <= SINGLE_PUT_MAX_BYTES) continue;
    const opened = await openOwn(context, file, { ...upload, sizeBytes: null, sha256: null });
    return passOn(context, file, opened, { body, pieces });
  }
  requireClaimed(upload, body);
  const known = { ...upload, sizeBytes: body.sizeBytes(), sha256: body.sha256() };
  const opened = await openOwn(context, file, known);
  const { record } = opened;
  if (record.status !== 'UPLOADING') return opened;
  if (record.partSizeBytes !== null) return passOn(context, file, opened, { body, pieces });
  return deliver(context, file, opened, async () => {
    await context.store.put(objectAtCreation(record), Buffer.concat(pieces));
    return body;
  });
}

/** Sends the body in parts into the multipart upload that the artifact's workflow has opened. */
function passOn(
  context: ApiContext,
  file: IncomingFile,
  opened: OpenedUpload,
  { body, pieces }: Taken,
): Promise<OpenedUpload> {
  const { key, uploadId, partSizeBytes, path } = opened.record;
  return deliver(context, file, opened, async () => {
    if (uploadId === null || partSizeBytes === null)
      throw new ArtifactError('not_yet_answered', `The multipart upload of ${path} is being opened`);
    await context.store.sendParts({ key, uploadId, partSizeBytes }, allOf(pieces, body), file.signal);
    requireClaimed(file.upload, body);
    return body;
  });
}

/** What was taken in already, which is let go of on the way, and then the rest. */
async function* allOf(pieces: Buffer[], body: RequestBody): AsyncGenerator<Buffer> {
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) yield piece;
  for (let piece = await body.next(); piece !== null; piece = await body.next()) yield piece;
}

const byWhom = ({ sender, upload: { requestId } }: Pick<IncomingFile, 'sender' | 'upload'>): ByActor =>
  byOf({ actor: sender.caller.subject, requestId });

/** Bytes, then complete; if either fails for good, what this request began is aborted. */
async function deliver(
  context: ApiContext,
  { sender, signal, ...file }: IncomingFile,
  { created, record }: OpenedUpload,
  send: () => Promise<Content>,
): Promise<OpenedUpload> {
  const by = byWhom({ sender, upload: file.upload });
  let isSent = false;
  try {
    const content = await send();
    isSent = true;
    return { created, record: await complete(context, record, content, by) };
  } catch (error) {
    // What is all there may still become complete; and one that was joined is another request's too.
    const mayGoOn = isSent && error instanceof ArtifactError && error.retryable;
    if (created && !mayGoOn)
      await context.lifecycle
        .abortUpload(record.id, by)
        .catch((failure: unknown) => file.warn(failure, `upload ${record.id} is left to its deadline`));
    throw signal.aborted && !isSent ? signal.reason : error;
  }
}

/**
 * The hash is our own, of the bytes that came in. Parts are read back all the same: whoever may write can have had one signed.
 * Also without a client, who may be gone: asked again, it is given what exists.
 */
async function complete(
  { lifecycle }: ApiContext,
  record: ArtifactRecord,
  content: Content,
  by: ByActor,
): Promise<ArtifactRecord> {
  const endsAtMs = Date.now() + COMPLETE_PATIENCE_MS;
  const message: CompleteUpload = {
    sizeBytes: content.sizeBytes(),
    sha256: content.sha256(),
    ...by,
  };
  for (;;) {
    try {
      return await lifecycle.completeUpload(record.id, message);
    } catch (error) {
      if (!(error instanceof ArtifactError) || !error.retryable || Date.now() > endsAtMs) throw error;
      await sleep(COMPLETE_PAUSE_MS);
    }
  }
}

const limitsOf = ({ sizeBytes }: NewUpload): Pick<BodyLimits, 'maxBytes' | 'tooLong'> => ({
  maxBytes: sizeBytes ?? MAX_ARTIFACT_BYTES,
  tooLong: () =>
    sizeBytes === null
      ? new ArtifactError('too_large', `The body has more than ${MAX_ARTIFACT_BYTES} bytes`, {
          details: { maxBytes: MAX_ARTIFACT_BYTES },
        })
      : new ArtifactError('size_mismatch', `The body has more than the ${sizeBytes} bytes of Content-Length`),
});

/** @throws `checksum_mismatch`. */
function requireClaimed({ sha256, path }: NewUpload, content: Content): void {
  if (sha256 === null || sha256 === content.sha256()) return;
  throw new ArtifactError(
    'checksum_mismatch',
    `The body for ${path} has SHA-256 ${content.sha256()}, ${sha256} was claimed`,
    { details: { claimedSha256: sha256, receivedSha256: content.sha256() } },
  );
}
