import { ArtifactError } from '../../domain/errors.js';
import type { Content } from '../../transfer/part.js';
import type { BeginUploadJson } from '../wire.js';
import { defaultIdempotencyKey } from './idempotency.js';
import type { UploadTask } from './upload.js';
import type { UploadClaim } from './upload-api.js';

/** What is to be begun. */
export interface Beginning {
  sizeBytes: number;
  /** Null for what is no file. */
  modifiedAtMs: number | null;
  /** Null for a large one, which is hashed while it is sent. */
  sha256: string | null;
  /** Stands for its content in the key: the SHA-256, or that of samples. */
  fingerprint: string;
  /** Hashes all of it, when there is no other way to see whether it is what exists. */
  hash: () => Promise<Content>;
}

/**
 * Begins an upload of known size, or finds the one that it is already. Safe to repeat, by another process too: the key says that it is the
 * same request.
 * @throws `source_changed`, unless the call may begin anew; `path_taken`.
 */
export async function beginKnown(task: UploadTask, known: Beginning): Promise<BeginUploadJson> {
  const { sizeBytes, modifiedAtMs } = known;
  const claim: UploadClaim = {
    sizeBytes,
    ...(known.sha256 === null ? {} : { sha256: known.sha256 }),
    ...(isDate(modifiedAtMs) ? { sourceModifiedAt: new Date(modifiedAtMs) } : {}),
  };
  try {
    return await begin(task, known, claim);
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    const { artifactId } = error.details;
    if (error.code === 'source_changed' && task.options.restart === true && typeof artifactId === 'string') {
      await task.context.api.abortUpload(artifactId);
      return begin(task, known, claim);
    }
    if (!mayBeThere(error, known)) throw error;
    return begin(task, known, { ...claim, sha256: (await known.hash()).sha256 });
  }
}

function begin(task: UploadTask, known: Beginning, claim: UploadClaim): Promise<BeginUploadJson> {
  const { executionId, options, context, signal } = task;
  const { sizeBytes, modifiedAtMs, fingerprint: content } = known;
  const identity = { executionId, fileName: options.fileName, sizeBytes, modifiedAtMs, content };
  const idempotencyKey = options.idempotencyKey ?? defaultIdempotencyKey(identity);
  return context.api.beginUpload(executionId, { options, claim, idempotencyKey }, signal);
}

/** Something of the same size has the path, and may be the same: only the hash of all of it can tell. */
const mayBeThere = ({ code, details }: ArtifactError, { sizeBytes, sha256 }: Beginning): boolean =>
  code === 'path_taken' && sha256 === null && details['sizeBytes'] === sizeBytes && details['status'] !== 'UPLOADING';

const FIRST_YEAR_WITHOUT_FOUR_DIGITS_MS = Date.UTC(10_000, 0);

/** File systems may say what no date can. */
const isDate = (epochMs: number | null): epochMs is number =>
  epochMs !== null && epochMs >= 0 && epochMs < FIRST_YEAR_WITHOUT_FOUR_DIGITS_MS;
