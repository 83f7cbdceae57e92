import type { ArtifactRecord } from './artifact-record.js';
import { ArtifactError } from './errors.js';
import type { NewUpload } from './new-upload.js';

export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** @throws `invalid_request` unless it is 1 to 255 visible ASCII characters. */
export function requireIdempotencyKey(key: string): string {
  if (!IDEMPOTENCY_KEY.test(key))
    throw new ArtifactError('invalid_request', 'An Idempotency-Key has 1 to 255 visible ASCII characters');
  return key;
}

type Existing = Pick<
  ArtifactRecord,
  | 'id'
  | 'path'
  | 'status'
  | 'deletionReason'
  | 'checksumState'
  | 'sizeBytes'
  | 'sha256'
  | 'idempotencyKey'
  | 'sourceModifiedAtMs'
>;
type Wanted = Pick<NewUpload, 'sizeBytes' | 'sha256' | 'idempotencyKey' | 'sourceModifiedAtMs'>;

/**
 * Whether an upload to a path that is taken is the one that took it: the same request by its key, or the same content by its SHA-256. The
 * answer is what exists. Parts of two files must not meet in one upload.
 * @throws `source_changed` when the file it came from is another one since; `path_taken` for anything else.
 */
export function requireSameUpload<T extends Existing>(existing: T, wanted: Wanted): T {
  if (isClosed(existing)) throw pathTaken(existing);
  if (isSameRequest(existing, wanted)) {
    if (!agrees(existing, wanted)) throw sourceChanged(existing, wanted);
    return existing;
  }
  if (wanted.sha256 !== null && existing.sha256 === wanted.sha256 && existing.sizeBytes === wanted.sizeBytes)
    return existing;
  if (existing.status === 'UPLOADING' && isFile(existing) && isFile(wanted)) throw sourceChanged(existing, wanted);
  throw pathTaken(existing);
}

/** Nobody joins what is being deleted; and wrong bytes are not what anybody uploads again. */
export const isClosed = ({
  deletionReason,
  checksumState,
}: Pick<Existing, 'deletionReason' | 'checksumState'>): boolean =>
  deletionReason !== null || checksumState === 'mismatch';

const isSameRequest = ({ idempotencyKey }: Existing, wanted: Wanted): boolean =>
  idempotencyKey !== null && idempotencyKey === wanted.idempotencyKey;

/** Whoever named a file said when it was written to. */
const isFile = ({ sourceModifiedAtMs }: Pick<Wanted, 'sourceModifiedAtMs'>): boolean =>
  (sourceModifiedAtMs ?? null) !== null;

/** What both know is the same. */
function agrees(existing: Existing, wanted: Wanted): boolean {
  const facts = (of: Existing | Wanted) => [of.sizeBytes, of.sha256, of.sourceModifiedAtMs ?? null];
  const others = facts(wanted);
  return facts(existing).every((fact, index) => {
    const other = others[index] ?? null;
    return fact === null || other === null || fact === other;
  });
}

/**
 * May what has a path be deleted for an upload that is to replace it?
 * @throws `path_taken` while it is uploaded, published or deleted; and where it has the size of what comes and nobody has said the SHA-256
 * of that: it would be deleted for the same content.
 */
export function requireReplaceable(
  existing: Existing & Pick<ArtifactRecord, 'awaitsPublication'>,
  { sizeBytes, sha256 }: Pick<Wanted, 'sizeBytes' | 'sha256'>,
): void {
  const { path, status, deletionReason, awaitsPublication, checksumState } = existing;
  const isSettled = status !== 'UPLOADING' && deletionReason === null && awaitsPublication === null;
  if (!isSettled) throw pathTaken(existing);
  if (sha256 === null && sizeBytes === existing.sizeBytes && checksumState !== 'mismatch')
    throw taken(
      existing,
      `what is at ${path} has the same size: say the SHA-256 of what is to replace it, which may be the same`,
    );
}

/** `details.sizeBytes` lets a caller see whether it may be the same content, which he has not hashed yet. */
export const pathTaken = (existing: Existing): ArtifactError => taken(existing, whyTaken(existing));

const taken = ({ id, status, sizeBytes }: Existing, why: string): ArtifactError =>
  new ArtifactError('path_taken', why, { details: { artifactId: id, status, sizeBytes } });

function whyTaken({ id, path, status, deletionReason }: Pick<Existing, 'id' | 'path' | 'status' | 'deletionReason'>) {
  if (deletionReason !== null) return `the artifact at ${path} is being deleted; the path is free when that is done`;
  if (status !== 'UPLOADING') return `${path} already holds other content, as artifact ${id}`;
  return (
    `${path} is being uploaded as artifact ${id}, or was until its sender died: repeat that request with its Idempotency-Key, or abort it ` +
    `(POST /v1/artifacts/${id}/upload/abort, artifacts delete ${id}) and begin anew`
  );
}

function sourceChanged(existing: Existing, wanted: Wanted): ArtifactError {
  const { id: artifactId, path, status } = existing;
  return new ArtifactError(
    'source_changed',
    `The file for ${path} changed since its upload began as artifact ${artifactId}: then ${facts(existing)}, now ${facts(wanted)}`,
    { details: { artifactId, status } },
  );
}

const facts = ({ sizeBytes, sha256, sourceModifiedAtMs = null }: Wanted): string =>
  [
    sizeBytes === null ? 'of unknown size' : `${sizeBytes} bytes`,
    ...(sourceModifiedAtMs === null ? [] : [`of ${new Date(sourceModifiedAtMs).toISOString()}`]),
    ...(sha256 === null ? [] : [`SHA-256 ${sha256.slice(0, 12)}…`]),
  ].join(', ');

/** Whether an upload was found to be over, or without parts that had arrived: somebody else was at it. */
export const isOver = (error: unknown): boolean =>
  error instanceof ArtifactError && (error.code === 'not_uploading' || error.code === 'upload_incomplete');
