/**
 * The error catalogue: every failure the product can answer with, once. The same code is the type of a Temporal failure, the
 * `code` of an HTTP problem and the `code` of an error thrown by the client library.
 */

interface ErrorKind {
  /** HTTP status (RFC 9110). */
  status: number;
  /** Whether the same call may succeed later without being changed: Temporal retries these, clients may. */
  retryable: boolean;
  /** RFC 9457 title: what it is, the same for every occurrence. */
  title: string;
  /** What the caller can do about it. */
  remedy: string;
}

const kind = (status: number, title: string, remedy: string, retryable = false): ErrorKind => ({
  status,
  retryable,
  title,
  remedy,
});

const catalogue = {
  invalid_request: kind(
    400,
    'The request is not well formed',
    'Correct what the detail says, field by field where errors lists them.',
  ),
  invalid_id: kind(400, 'The id is not a UUID', 'Use a lower-case UUID, as the API writes them.'),
  invalid_path: kind(
    400,
    'The file name or path is not allowed',
    'Use relative segments of 1 to 255 characters, no "..", no control characters.',
  ),
  invalid_tags: kind(
    400,
    'The tags are not allowed',
    'At most 8 tags, key of 1 to 128 and value of 0 to 256 bytes: letters, digits, spaces and + - = . _ : / @.',
  ),
  invalid_retention: kind(
    400,
    'The retention is not allowed',
    'Give whole days from 1 to 36500, or a time before the year 2200 (for an upload: to come), or permanent.',
  ),
  invalid_hold: kind(
    400,
    'The hold is not allowed',
    'Give a reason of 1 to 1000 bytes, and as its end, if any, a time in the future.',
  ),
  invalid_tiering: kind(400, 'The tiering is not allowed', 'Give whole days from 0 to 36500, or null for never.'),
  invalid_checksum: kind(400, 'The checksum is not a SHA-256', 'Send 64 lower-case hexadecimal digits.'),
  source_unreadable: kind(400, 'The file to upload cannot be read', 'Check the path and that it may be read.'),
  destination_unwritable: kind(400, 'The file cannot be written', 'Check the folder, its permissions and free space.'),
  invalid_cursor: kind(400, 'The page cursor is not valid', 'Start again without a cursor.'),
  unauthenticated: kind(
    401,
    'A valid access token is needed',
    'Send Authorization: Bearer <token>; get a new token if it has expired.',
  ),
  forbidden: kind(403, 'The token does not allow this', 'Use a token with the scope named in the detail.'),
  source_not_allowed: kind(
    403,
    'The upload worker may not read this',
    'Name a regular file or folder below its roots (--root); links that lead out of them are not followed.',
  ),
  artifact_not_found: kind(404, 'No such artifact', 'Check the id; list the execution to see what exists.'),
  execution_not_found: kind(404, 'No such execution', 'Check the id; an execution exists from its first upload on.'),
  hold_not_found: kind(404, 'The artifact never had this hold', 'Look at the artifact: it lists its holds.'),
  publication_not_found: kind(
    404,
    'The execution has no such publication',
    'Check the id; publish again if it is lost.',
  ),
  reconciliation_not_found: kind(
    404,
    'There is no report of a reconciliation',
    'Have one made: artifacts reconcile, or wait for the schedule. Old reports are removed.',
  ),
  share_not_found: kind(
    404,
    'No such link',
    'Check that it is complete, or ask whoever gave it to you for another one; artifacts shares <id> lists those of an artifact.',
  ),
  route_not_found: kind(404, 'No such address', 'See /docs for the routes of this API.'),
  method_not_allowed: kind(405, 'The address does not know this method', 'Use one that the Allow header names.'),
  request_timeout: kind(408, 'The request did not arrive in time', 'Send it again.'),
  path_taken: kind(
    409,
    'The execution already has other content under this path',
    'Choose another path, or have it replaced: --replace (replace: true). What is replaced is deleted.',
  ),
  destination_taken: kind(
    409,
    'There is a file with other content already',
    'Add --force (replace: true) to replace it, or choose another folder or name.',
  ),
  not_uploading: kind(409, 'The artifact is not being uploaded', 'Begin a new upload.'),
  // Not 425: that is about requests in TLS early data (RFC 8470), which clients and proxies send again by themselves.
  still_uploading: kind(
    409,
    'The artifact is still being uploaded',
    'Wait until it is ACTIVE (its events tell of it: artifacts watch <id>). What is not complete by its uploadDeadline is removed.',
  ),
  not_downloadable: kind(
    409,
    'The artifact is in the archive',
    'Restore it (artifacts restore <id>), and download it once it is ACTIVE: at the latest at restoreEta, when a restore runs.',
  ),
  content_mismatch: kind(
    409,
    'The stored bytes are not those that were claimed',
    'Delete it and upload the file again. Asked with force=true (artifacts download --wrong-bytes), you get the bytes as they are.',
  ),
  wrong_state: kind(
    409,
    'The artifact is not in a state that allows this',
    'Look at its status and ask again when it fits.',
  ),
  complete_conflict: kind(
    409,
    'The upload was completed with another checksum',
    'Send the same checksum and size as before.',
  ),
  held: kind(
    409,
    'The artifact is held and cannot be deleted',
    'End the holds that the detail names, then ask again; who placed them knows why.',
  ),
  too_many_holds: kind(409, 'The artifact has 20 holds already', 'End one that is not needed any more.'),
  too_many_shares: kind(409, 'The artifact has 100 links already', 'Revoke one that is not needed any more.'),
  share_conflict: kind(
    409,
    'This Idempotency-Key has made another link',
    'Send the same life and number of uses as before, or another key.',
  ),
  idempotency_conflict: kind(
    409,
    'This Idempotency-Key was used for another request',
    'Send the same body as before, or another key.',
  ),
  publication_over: kind(409, 'The publication has ended already', 'Publish again, under a new publication id.'),
  // Not 503: the host is a name that the caller gave, and the service itself is well.
  host_unreachable: kind(
    409,
    'No upload worker answers on this host',
    'Start it on the host (artifacts worker --upload --host <id>), or check the name; then publish again.',
  ),
  expiry_in_past: kind(
    409,
    'This retention would delete the artifact now',
    'Repeat with confirm: true to delete it, or give more days or a later date.',
  ),
  // Not 413, which says that the file itself is too large, nor 507, by which proxies would take us for broken: it fits once there is room.
  quota_exceeded: kind(
    409,
    'There is no room left for this',
    'Delete what is not needed any more, wait until it expires, or ask an operator for a higher quota.',
  ),
  upload_incomplete: kind(409, 'Bytes are missing in the store', 'Upload the missing parts, then complete again.'),
  artifact_deleted: kind(
    410,
    'The artifact has been deleted',
    'If it shows purgeAt, undelete it until then; its history says when and why.',
  ),
  share_ended: kind(410, 'The link has ended', 'Ask whoever gave it to you for another one.'),
  already_exists: kind(
    412,
    'There is an artifact at this path already',
    'Leave out If-None-Match to be given it when it has the same content, or choose another path.',
  ),
  too_large: kind(413, 'The file is larger than 5 GiB', 'Split it, or store it compressed.'),
  request_too_large: kind(
    413,
    'The request body is larger than 1 MiB',
    'Send less at once; file bytes go to the signed URLs, not here.',
  ),
  unsupported_media_type: kind(415, 'The request body is not JSON', 'Send JSON with content-type: application/json.'),
  too_many_files: kind(
    413,
    'The folder has more than 10,000 files',
    'Publish parts of it, or leave files out by exclude or .artifactsignore.',
  ),
  range_not_satisfiable: kind(
    416,
    'The range lies outside the file',
    'Ask for a range within the size of the artifact.',
  ),
  invalid_part: kind(422, 'The part is not of this upload', 'Ask for the part numbers listed by the upload status.'),
  checksum_mismatch: kind(
    422,
    'The stored bytes are not the bytes that were claimed',
    'The upload was deleted; send the file again.',
  ),
  size_mismatch: kind(
    422,
    'The stored size is not the size that was claimed',
    'The upload was deleted; send the file again.',
  ),
  source_changed: kind(
    422,
    'The file changed since its upload began',
    'Upload it again when nothing writes to it; with --restart (restart: true) what was begun before is given up.',
  ),
  rate_limited: kind(429, 'Too many requests', 'Wait for the time given in Retry-After.', true),
  headers_too_large: kind(
    431,
    'The head of the request is larger than 16 KiB',
    'Send a shorter address, and fewer or shorter headers.',
  ),
  aborted: kind(499, 'The caller gave up', 'Call again.'),
  internal: kind(
    500,
    'Something went wrong on our side',
    'Try again; give the request id to an operator if it stays.',
    true,
  ),
  not_supported: kind(
    501,
    'The object store cannot do this',
    'artifacts doctor tells an operator what this store can do, and what to do about the rest.',
  ),
  download_corrupted: kind(
    502,
    'What arrived is not what was stored',
    'Nothing was written. Download it again; tell an operator if it stays.',
  ),
  not_the_api: kind(502, 'What answers at the address is not the API', 'Check the address (ARTIFACTS_URL).'),
  storage_rejected: kind(
    502,
    'The object store refused the request',
    'An operator must look at the store: its permissions, and whether the object is still there.',
  ),
  webhook_not_accepted: kind(502, 'The webhook was not accepted', 'It is sent again by itself.', true),
  webhook_given_up: kind(
    504,
    'The webhook was not accepted in time',
    'Look at the receiver, and ask for the history of the artifact.',
  ),
  webhook_gone: kind(410, 'The receiver of webhooks says it is gone', 'Take it out of WEBHOOK_URLS.'),
  webhook_address_refused: kind(
    502,
    'The receiver of webhooks has an address that is not public',
    'Correct WEBHOOK_URLS, or allow it with WEBHOOK_ALLOW_PRIVATE.',
  ),
  too_busy: kind(
    503,
    'As many of these run at once as this process has room for',
    'Try again after the time given in Retry-After.',
    true,
  ),
  bucket_not_found: kind(503, 'The bucket does not exist', 'An operator must create the bucket or correct S3_BUCKET.'),
  storage_unavailable: kind(503, 'The object store does not answer', 'Try again later.', true),
  database_unavailable: kind(503, 'The database does not answer', 'Try again later.', true),
  // Retried: lives go on by themselves once it has been migrated.
  database_not_migrated: kind(
    503,
    'The schema of the database is not that of this version',
    'An operator must run "artifacts migrate" of this version; when the database is newer, every process must be of the newer version.',
    true,
  ),
  issuer_unavailable: kind(503, 'The issuer of access tokens does not answer', 'Try again later.', true),
  workflows_unavailable: kind(
    503,
    'The workflow service does not answer',
    'Try again later; reads keep working.',
    true,
  ),
  not_yet_answered: kind(
    503,
    'There was no answer in time; the work may still be done',
    'Look at the artifact, or send the same request again: nothing is done twice.',
    true,
  ),
  api_unreachable: kind(503, 'The API does not answer', 'Check the address and that the service runs.', true),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof catalogue;

/** What the catalogue says about a code. */
export const errorKind = (code: ErrorCode): ErrorKind => catalogue[code];
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(catalogue) as ErrorCode[];
export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(catalogue, value);

/** Facts about one occurrence. Plain JSON, shown to the caller: never a secret, never a signed URL. */
export type ErrorDetails = Record<string, string | number | boolean | null | string[]>;

/** The one error of the product: a code of the catalogue, a sentence about this occurrence, facts, and the cause. */
export class ArtifactError extends Error {
  override readonly name = 'ArtifactError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  get status(): number {
    return errorKind(this.code).status;
  }

  get retryable(): boolean {
    return errorKind(this.code).retryable;
  }
}

/** Of several files: whether the next one would fail the same way, as there is no API, no access, or the caller has had enough. */
export const concernsAll = (error: unknown): boolean =>
  error instanceof ArtifactError &&
  (['api_unreachable', 'not_the_api'].includes(error.code) || [401, 403, 499].includes(error.status));
