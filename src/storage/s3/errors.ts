import { ArtifactError, type ErrorCode } from '../../domain/errors.js';

/** Which call it was, for messages and details. */
export interface StoreCall {
  /** The verb of the port. */
  verb: string;
  bucket: string;
  key?: string;
}

/** S3 error codes (S3 API reference, "error responses") that mean one thing to us. Absence is not here: verbs answer null. */
const CODE_OF_NAME: Record<string, ErrorCode> = {
  NoSuchBucket: 'bucket_not_found',
  NoSuchUpload: 'upload_incomplete',
  InvalidPart: 'upload_incomplete',
  InvalidPartOrder: 'upload_incomplete',
  EntityTooSmall: 'upload_incomplete',
  EntityTooLarge: 'too_large',
  BadDigest: 'checksum_mismatch',
  XAmzContentSHA256Mismatch: 'checksum_mismatch',
  InvalidObjectState: 'not_downloadable',
  ObjectNotInActiveTierError: 'not_downloadable',
  InvalidRange: 'range_not_satisfiable',
  KeyTooLongError: 'invalid_path',
  // Stores that keep objects as files (versitygw): there is a file where a folder would have to be, or the other way round.
  ObjectParentIsFile: 'path_taken',
  ExistingObjectIsDirectory: 'path_taken',
  NotImplemented: 'not_supported',
  MethodNotAllowed: 'not_supported',
  // Answered with a 4xx, but nothing is wrong with the request itself.
  RequestTimeout: 'storage_unavailable',
  OperationAborted: 'storage_unavailable',
  ConditionalRequestConflict: 'storage_unavailable',
  TimeoutError: 'storage_unavailable',
  AbortError: 'aborted',
  CredentialsProviderError: 'storage_rejected',
};

/** Callers are told of these, so in words for them. */
const IN_THE_WAY: Readonly<Record<string, string>> = {
  ObjectParentIsFile: 'this store keeps objects as files, and has one where a folder would have to be',
  ExistingObjectIsDirectory: 'this store keeps objects as files, and has a folder in its place',
};

const ABSENT_NAMES = new Set(['NoSuchKey', 'NoSuchVersion', 'NotFound']);

/** The S3 error code of a failure; empty when it is not an error at all. */
export const errorName = (error: unknown): string => (error instanceof Error ? error.name : '');

/**
 * The object (or version) is not there. Only by name: a 404 can also mean a bucket or a user that does not exist, and that must
 * not pass for a deleted object. A HEAD has no body to tell; see `headObject`.
 */
export const isAbsent = (error: unknown): boolean => ABSENT_NAMES.has(errorName(error)) || isUnknownVersion(error);

/** Stores differ about the id of a version that is gone: 404, or 400 with the argument's name. */
const isUnknownVersion = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === 'InvalidArgument' &&
  'ArgumentName' in error &&
  error.ArgumentName === 'versionId';

/** A reading request that names the id of a delete marker, or meets one on some stores, gets this (S3 API, GetObject). */
const isDeleteMarker = (error: unknown): boolean => errorName(error) === 'MethodNotAllowed';

/** Runs one call to the store; whatever it throws comes out as an ArtifactError. */
export async function guarded<T>(call: StoreCall, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw translateError(error, call);
  }
}

/** Like {@link guarded}, for reading an object: answers null when it is absent or hidden by a delete marker. */
export async function nullWhenAbsent<T>(call: StoreCall, run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    if (isAbsent(error) || isDeleteMarker(error)) return null;
    throw translateError(error, call);
  }
}

/** For verbs that make no sense without the object. */
export const absentObject = (call: StoreCall, cause?: unknown): ArtifactError =>
  new ArtifactError('artifact_not_found', `${call.verb}: there is no object at ${call.key ?? call.bucket}`, {
    details: detailsOf(call),
    cause,
  });

/** The one place where vendor errors become ours. Never puts a URL or a header into the message. */
export function translateError(error: unknown, call: StoreCall): ArtifactError {
  if (error instanceof ArtifactError) return error;
  const name = errorName(error);
  const status = statusOf(error);
  const code = codeOf(error, name, status);
  // The raw response in the cause holds the request with its signature, and whole sockets for a log to print.
  if (error instanceof Error) Reflect.deleteProperty(error, '$response');
  const inTheWay = IN_THE_WAY[name];
  if (inTheWay !== undefined)
    return new ArtifactError(code, `${call.key ?? call.bucket} cannot be stored: ${inTheWay}`, { cause: error });
  const reason = error instanceof Error ? `${name}: ${error.message}` : String(error);
  return new ArtifactError(code, `${call.verb} on ${call.key ?? call.bucket} failed: ${reason}`, {
    details: { ...detailsOf(call), storeCode: name, ...(status === null ? {} : { storeStatus: status }) },
    cause: error,
  });
}

function codeOf(error: unknown, name: string, status: number | null): ErrorCode {
  const known = CODE_OF_NAME[name];
  if (known !== undefined) return known;
  if (status === null) return isNetworkError(error) ? 'storage_unavailable' : 'internal';
  if (status === 501) return 'not_supported';
  if (status >= 500 || status === 429) return 'storage_unavailable';
  // The SDK could not read an answer that was no error: something else than S3 talks to us.
  return status < 300 ? 'storage_unavailable' : 'storage_rejected';
}

/** Node marks system errors with an `E…` code: ECONNREFUSED, ENOTFOUND, ECONNRESET, EPIPE, ETIMEDOUT, … */
const isNetworkError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z_]+$/.test(error.code);

/** HTTP status of the answer; null when there was none. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('$metadata' in error)) return null;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return null;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : null;
}

const detailsOf = (call: StoreCall): Record<string, string> => ({
  bucket: call.bucket,
  ...(call.key === undefined ? {} : { key: call.key }),
});
