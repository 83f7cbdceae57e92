import type { Tags } from './artifact.js';
import { ArtifactError, type ErrorCode } from './errors.js';
import { requireUuid } from './ids.js';
import { requireRetentionDays } from './retention.js';
import { requireTags } from './tags.js';

/*
 * A publication: what lies below a folder of an agent's host becomes artifacts of an execution. Types are plain JSON: they travel
 * between the workflow, the worker on the host and the API.
 */

export const MAX_PATTERNS = 100;
export const MAX_PATTERN_CHARACTERS = 1_024;
export const MAX_FOLDER_CHARACTERS = 4_096;

/** Of one publication. */
export const MAX_PUBLISHED_FILES = 10_000;
/** Of one page of a scan. */
export const SCAN_PAGE_FILES = 500;

/** What is asked for. Everything after `folder` may be left out. */
export interface PublishRequest {
  /** UUID; under the same one it is the same publication. */
  publicationId: string;
  executionId: string;
  tenantId: string;
  /** Whose artifacts they are: `sub` of a token, or the name of whoever may start workflows. */
  actor: string;
  /** Of the API's request that asks for it: every artifact's history names it. */
  requestId?: string;
  /** Which host's upload worker reads the folder. */
  hostId: string;
  /** A folder, or one file: absolute, or relative to the first root of the host's worker. */
  folder: string;
  /** Globs relative to the folder; default: everything. */
  include?: string[];
  /** Globs relative to the folder, besides those of its `.artifactsignore`. */
  exclude?: string[];
  /** Of every artifact. */
  tags?: Tags;
  /** Days from creation, 1 to 36,500; default: inherited. */
  retentionDays?: number;
  /** Nothing becomes visible before everything is there; when a file fails, nothing is published. Default false. */
  allOrNothing?: boolean;
  /** Content that changed at a path replaces what is there. Default false: that file is refused as `path_taken`. */
  replace?: boolean;
}

/** One file as the host sees it. */
export interface FoundFile {
  /** Relative to the folder, with `/`. */
  file: string;
  /** Canonical: `output/…` or `logs/…`, see `canonicalPath`. */
  path: string;
  sizeBytes: number;
  modifiedAtMs: number;
  /** Lower-case hex; null from 16 MiB on: hashed while it is sent. */
  sha256: string | null;
}

/** What lies in the folder and cannot be published: no regular file, a link that leads out, a name that is not allowed. */
export interface RefusedFile {
  file: string;
  code: ErrorCode;
  message: string;
}

export interface ScanQuery {
  tenantId: string;
  folder: string;
  include: string[];
  exclude: string[];
  /** The last file of the page before; null for the first page. */
  after: string | null;
  /** 1 to {@link SCAN_PAGE_FILES}. */
  limit: number;
}

/** In the order of `file`, as JavaScript compares strings. */
export interface ScanPage {
  files: FoundFile[];
  refused: RefusedFile[];
  /** `after` of the next page; null on the last one. */
  next: string | null;
}

export interface FileToUpload extends FoundFile {
  /** Fixed by the workflow, so that a repeated attempt begins the same upload. */
  artifactId: string;
  /** An artifact of the same size at the path: hash first; equal is `unchanged`, anything else fails as `path_taken`. */
  existing?: { artifactId: string; sha256: string };
  /** The id is that of an upload that somebody else has begun: it is not ours to abort. */
  isJoined?: boolean;
}

export interface UploadFilesQuery {
  tenantId: string;
  executionId: string;
  actor: string;
  /** See {@link PublishRequest}. */
  requestId?: string;
  folder: string;
  tags: Tags;
  retentionDays: number | null;
  /** What is uploaded stays hidden until this publication is committed; null: visible at once. */
  publicationId: string | null;
  files: FileToUpload[];
}

/** What became of a file. */
export const FILE_OUTCOMES = ['uploaded', 'unchanged', 'failed'] as const;
export type FileOutcome = (typeof FILE_OUTCOMES)[number];

export interface UploadedFile {
  file: string;
  path: string;
  artifactId: string;
  sizeBytes: number;
  sha256: string | null;
  outcome: FileOutcome;
  /** Only of those that failed. */
  code?: ErrorCode;
  message?: string;
}

/** Activities of the upload worker on a host, on the queue {@link uploadTaskQueue}. */
export interface HostActivities {
  /** @throws `source_unreadable`, `source_not_allowed`: there is no such folder, or it may not be read. */
  scanFolder(query: ScanQuery): Promise<ScanPage>;
  /**
   * One outcome for each file, in their order. Heartbeats; safe to repeat. @throws only for what concerns all of them.
   */
  uploadFiles(query: UploadFilesQuery): Promise<UploadedFile[]>;
}

export const PUBLICATION_PHASES = ['scanning', 'uploading', 'committing', 'removing', 'ended'] as const;
export type PublicationPhase = (typeof PUBLICATION_PHASES)[number];

/**
 * How it ended. `published`: every file is there. `partial`: some failed, the others are published. `failed`: nothing was published by
 * it, or it was given up. `cancelled`: what was complete stays, unless it was all or nothing.
 */
export const PUBLICATION_OUTCOMES = ['published', 'partial', 'failed', 'cancelled'] as const;
export type PublicationOutcome = (typeof PUBLICATION_OUTCOMES)[number];

export interface PublicationCounts {
  /** Files that were found so far. */
  found: number;
  foundBytes: number;
  uploaded: number;
  uploadedBytes: number;
  /** Already there with the same content; nothing was sent. */
  unchanged: number;
  unchangedBytes: number;
  failed: number;
}

export interface PublicationProblem {
  code: ErrorCode;
  message: string;
}

/** How many files are listed by name; the counts are of all. */
export const MAX_LISTED_FILES = 200;

/** A file in a report. */
export interface ListedFile {
  path: string;
  artifactId: string;
  sizeBytes: number;
  outcome: 'uploaded' | 'unchanged';
}

/** Where a publication is, and what it ended with. */
export interface PublicationReport {
  publicationId: string;
  executionId: string;
  tenantId: string;
  hostId: string;
  folder: string;
  allOrNothing: boolean;
  phase: PublicationPhase;
  /** Null while it runs. */
  outcome: PublicationOutcome | null;
  counts: PublicationCounts;
  /** The first {@link MAX_LISTED_FILES}. */
  files: ListedFile[];
  /** The same of those that failed; `file` is relative to the folder. */
  failures: RefusedFile[];
  /** Why it failed as a whole; null otherwise. */
  problem: PublicationProblem | null;
  beganAtMs: number;
  endedAtMs: number | null;
}

/** Queue of the upload worker on a host. */
export const uploadTaskQueue = (hostId: string): string => `artifact-upload.${hostId}`;

export const HOST_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** @throws `invalid_request` unless 1 to 63 letters, digits and `.`, `_`, `-`, the first of them no punctuation. */
export function requireHostId(hostId: string): string {
  if (!HOST_ID.test(hostId))
    throw new ArtifactError('invalid_request', `"${hostId.slice(0, 80)}" is not the name of a host`);
  return hostId;
}

/**
 * Checks what anybody may have sent, and answers with it.
 * @throws `invalid_id`, `invalid_request`, `invalid_tags`, `invalid_retention`.
 */
export function requirePublishRequest(request: PublishRequest): PublishRequest {
  const { tenantId, actor, hostId, folder, include, exclude, tags, retentionDays, allOrNothing, replace } = request;
  requireUuid(request.publicationId, 'publication id');
  requireUuid(request.executionId, 'execution id');
  requireText(tenantId, 'tenantId', 255);
  requireText(actor, 'actor', 255);
  if (request.requestId !== undefined) requireText(request.requestId, 'requestId', 255);
  requireHostId(hostId);
  requireText(folder, 'folder', MAX_FOLDER_CHARACTERS);
  requirePatterns(include ?? [], 'include');
  requirePatterns(exclude ?? [], 'exclude');
  requireTags(tags ?? {});
  if (retentionDays !== undefined) requireRetentionDays(retentionDays);
  if (allOrNothing === true && replace === true)
    throw new ArtifactError('invalid_request', 'allOrNothing and replace exclude each other: what is replaced is gone');
  return request;
}

function requireText(value: string, field: string, maxCharacters: number): void {
  if (typeof value === 'string' && value !== '' && value.length <= maxCharacters && !value.includes('\u0000')) return;
  throw new ArtifactError('invalid_request', `${field} must have 1 to ${maxCharacters} characters`);
}

function requirePatterns(patterns: string[], field: string): void {
  if (patterns.length > MAX_PATTERNS)
    throw new ArtifactError('invalid_request', `${field} has more than ${MAX_PATTERNS} patterns`);
  for (const pattern of patterns) requireText(pattern, field, MAX_PATTERN_CHARACTERS);
}

/** A publication at its begin. */
export const newReport = (request: PublishRequest, nowMs: number): PublicationReport => ({
  publicationId: request.publicationId,
  executionId: request.executionId,
  tenantId: request.tenantId,
  hostId: request.hostId,
  folder: request.folder,
  allOrNothing: request.allOrNothing ?? false,
  phase: 'scanning',
  outcome: null,
  counts: { found: 0, foundBytes: 0, uploaded: 0, uploadedBytes: 0, unchanged: 0, unchangedBytes: 0, failed: 0 },
  files: [],
  failures: [],
  problem: null,
  beganAtMs: nowMs,
  endedAtMs: null,
});

/** One more page was found. What is refused counts as found, and as failed. */
export function withFound(report: PublicationReport, { files, refused }: ScanPage): PublicationReport {
  const foundBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, report.counts.foundBytes);
  const found = report.counts.found + files.length + refused.length;
  return withRefused({ ...report, counts: { ...report.counts, found, foundBytes } }, refused);
}

/** Files that will not be published. */
export const withRefused = (report: PublicationReport, refused: RefusedFile[]): PublicationReport => ({
  ...report,
  counts: { ...report.counts, failed: report.counts.failed + refused.length },
  failures: [
    ...report.failures,
    ...refused
      .slice(0, Math.max(0, MAX_LISTED_FILES - report.failures.length))
      .map(({ file, code, message }) => ({ file, code, message: message.slice(0, 300) })),
  ],
});

/** Files that were uploaded, found unchanged, or failed. */
export function withUploaded(report: PublicationReport, results: UploadedFile[]): PublicationReport {
  const next = withRefused(report, results.filter(({ outcome }) => outcome === 'failed').map(refusedOf));
  const counts = { ...next.counts };
  const files = [...next.files];
  for (const { path, artifactId, sizeBytes, outcome } of results) {
    if (outcome === 'failed') continue;
    counts[outcome] += 1;
    counts[`${outcome}Bytes`] += sizeBytes;
    if (files.length < MAX_LISTED_FILES) files.push({ path, artifactId, sizeBytes, outcome });
  }
  return { ...next, counts, files };
}

const refusedOf = ({ file, code = 'internal', message = '' }: UploadedFile): RefusedFile => ({ file, code, message });
