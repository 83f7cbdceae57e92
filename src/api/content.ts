import { pipeline, type Readable } from 'node:stream';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import { inlineTypeOf, type Disposition } from '../domain/inline.js';
import { fileNameOf } from '../domain/keys.js';
import type { ByteRange } from '../storage/object-store.js';
import { requireUndeleted } from './access.js';
import type { ApiContext } from './context.js';
import { toTimestamp } from './encode.js';
import { exactLength } from './exact-length.js';
import { decideRange, namesEtag } from './range.js';

/**
 * The one rule about what may be downloaded, for every way in which bytes leave.
 * @param force gives bytes too that were found not to be those that were claimed: then nobody knows their hash, so `sha256` is null.
 * @throws `still_uploading`, `not_downloadable` while it is archived, `artifact_deleted`, `content_mismatch`.
 */
export function requireDownloadable(record: ArtifactRecord, force = false): ArtifactRecord & { sizeBytes: number } {
  const { status, sizeBytes, checksumState } = record;
  requireUndeleted(record);
  if (status === 'ARCHIVED') throw archived(record);
  if (status === 'UPLOADING' || sizeBytes === null) throw stillUploading(record);
  if (checksumState !== 'mismatch') return { ...record, sizeBytes };
  if (force) return { ...record, sizeBytes, sha256: null };
  throw new ArtifactError('content_mismatch', `the stored bytes of ${record.path} are not those that were claimed`, {
    details: { artifactId: record.id, claimedSha256: record.sha256 },
  });
}

function stillUploading({ id, path, status, uploadDeadlineMs }: ArtifactRecord): ArtifactError {
  const uploadDeadline = toTimestamp(uploadDeadlineMs);
  return new ArtifactError(
    'still_uploading',
    `${path} is still being uploaded, until ${uploadDeadline} at the latest`,
    {
      details: { artifactId: id, status, uploadDeadline },
    },
  );
}

function archived({ id, path, status, restoreState, restoreEtaMs }: ArtifactRecord): ArtifactError {
  const restoreEta = restoreEtaMs === null ? null : toTimestamp(restoreEtaMs);
  const until = restoreEta === null ? '' : `, until ${restoreEta} at the latest`;
  const what = restoreState === null ? 'in the archive; it must be restored first' : `being restored${until}`;
  return new ArtifactError('not_downloadable', `${path} is ${what}`, {
    details: { artifactId: id, status, restoreState, restoreEta },
  });
}

/** Whatever a browser makes of untrusted bytes, it does not run on our origin, nor in a page of another. */
export const UNTRUSTED = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'private, no-store',
  'cross-origin-resource-policy': 'same-site',
  'referrer-policy': 'no-referrer',
  'accept-ranges': 'bytes',
} as const;
/** The uploader's MIME type is data, not what we serve. */
export const ATTACHED = {
  'content-type': 'application/octet-stream',
  'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
} as const;
/** Browsers lay out plain text and images with styles of their own. */
const SHOWN_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** How bytes are given out that are counted. */
export interface CountedUse {
  /** False: whoever asks for a range is given everything. */
  ranges: boolean;
  /** Called once the store has opened them, before any is sent. What it throws is the answer, and nothing is sent. */
  onOpened: (range: ByteRange | null) => Promise<void>;
}

/** Who asked, where the answer goes, and how the file is to be treated; `inline` counts for what is safe to show (`inlineTypeOf`). */
interface ContentAnswer {
  request: FastifyRequest;
  reply: FastifyReply;
  disposition?: Disposition;
  /** Default: nobody counts. */
  use?: CountedUse;
}

/**
 * Answers with the bytes of an ACTIVE artifact, whole or in part, or with their headers alone (HEAD, 304).
 * @throws `range_not_satisfiable`, `storage_rejected` when the row is there but the object is not, and what the store throws.
 */
export async function sendContent(
  context: ApiContext,
  record: ArtifactRecord & { sizeBytes: number },
  { request, reply, disposition = 'attachment', use }: ContentAnswer,
): Promise<FastifyReply> {
  const { sizeBytes, sha256 } = record;
  const { headers } = request;
  const hasRanges = use?.ranges !== false;
  const etag = sha256 === null ? null : `"${sha256}"`;
  if (etag !== null && namesEtag(headers['if-none-match'], etag))
    return reply.code(304).headers({ etag, 'cache-control': UNTRUSTED['cache-control'] }).send();

  // A part of another version must not be glued to what the caller has; a date never names ours.
  const ifRange = headers['if-range'];
  const rangeCounts = hasRanges && request.method === 'GET' && (ifRange === undefined || ifRange === etag);
  const decision = decideRange(rangeCounts ? headers.range : undefined, sizeBytes);
  if (decision.kind === 'unsatisfiable') {
    void reply.header('content-range', `bytes */${sizeBytes}`);
    throw new ArtifactError('range_not_satisfiable', `The file has ${sizeBytes} bytes`, { details: { sizeBytes } });
  }
  const range = decision.kind === 'part' ? decision.range : null;
  const lengthBytes = range === null ? sizeBytes : range.end - range.start + 1;
  const body = request.method === 'HEAD' ? null : await openBytes(context, record, { reply, range, lengthBytes });
  if (body !== null) await countUse(use, range, body);
  if (body !== null) context.countDownload(record, { isContinued: range !== null && range.start > 0 });
  if (range !== null) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${sizeBytes}`);
  void reply.headers({
    ...UNTRUSTED,
    ...(hasRanges ? {} : { 'accept-ranges': 'none' }),
    ...shownAs(record, disposition),
    ...(etag === null ? {} : { etag }),
    'content-length': lengthBytes,
  });
  return body === null ? reply.send() : reply.send(body);
}

/** Lets go of the bytes when they may not be given out after all. */
async function countUse(use: CountedUse | undefined, range: ByteRange | null, body: Readable): Promise<void> {
  try {
    await use?.onOpened(range);
  } catch (error) {
    body.destroy();
    throw error;
  }
}

function shownAs({ path, mimeType }: ArtifactRecord, disposition: Disposition): Record<string, string> {
  const type = disposition === 'inline' ? inlineTypeOf(mimeType) : null;
  const fileName = fileNameOf(path);
  if (type === null) return { ...ATTACHED, 'content-disposition': contentDisposition(fileName) };
  return {
    'content-type': type,
    'content-security-policy': SHOWN_POLICY,
    'content-disposition': contentDisposition(fileName, { type: 'inline' }),
  };
}

interface Opening {
  reply: FastifyReply;
  range: ByteRange | null;
  /** Announced to the client. */
  lengthBytes: number;
}

/** Opens the version the row names, and lets go of it when the client goes away, also while it is still being opened. */
async function openBytes(
  { store }: ApiContext,
  { key, versionId, path }: ArtifactRecord,
  { reply, range, lengthBytes }: Opening,
): Promise<Readable> {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  const body = await store.read({ key, versionId }, { ...(range === null ? {} : { range }), signal: gone.signal });
  if (body === null)
    throw new ArtifactError(
      'storage_rejected',
      `The bytes of ${path} are not in the store, though the row says ACTIVE`,
      { details: { key } },
    );
  // Whichever of the two ends first takes the other with it; what went wrong, the answer's own stream tells.
  return pipeline(body, exactLength(lengthBytes, `the store gave ${path}`), () => undefined);
}
