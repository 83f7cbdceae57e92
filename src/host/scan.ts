import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { mapConcurrently } from '../domain/concurrency.js';
import { ArtifactError } from '../domain/errors.js';
import { canonicalPath } from '../domain/keys.js';
import { SINGLE_PUT_MAX_BYTES } from '../domain/part-plan.js';
import type { FoundFile, RefusedFile, ScanPage, ScanQuery } from '../domain/publish.js';
import { KIB_BYTES } from '../domain/units.js';
import { contentOfFile } from '../transfer/known-parts.js';
import { codeOf, openSource, resolveInside, unreadable, type Roots } from './roots.js';
import { readSelection, type Selection } from './selection.js';
import { walk } from './walk.js';

/** A page of long names ends early: payloads of Temporal are small. */
const MAX_PAGE_BYTES = 256 * KIB_BYTES;
/** Of an entry, besides its two names. */
const ENTRY_BYTES = 160;
const MAX_PAGE_FILES = 500;
/** The thread pool of Node has four threads. */
const HASHED_AT_ONCE = 8;

/** A folder to publish, or the one file. */
interface Place {
  folder: string;
  only: string | null;
}

/** Where the files of a query are. @throws `source_not_allowed`, `source_unreadable`. */
export async function findPlace(roots: Roots, path: string): Promise<Place> {
  const real = await resolveInside(roots, path);
  const stats = await stat(real).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return stats.isDirectory() ? { folder: real, only: null } : { folder: dirname(real), only: basename(real) };
}

/**
 * One page of what lies below a folder. What cannot be published is listed with its reason, and hinders nothing else.
 * @throws `source_not_allowed`, `source_unreadable` of the folder itself; `invalid_request` of its ignore file.
 */
export async function scanPage(roots: Roots, query: ScanQuery, signal: AbortSignal): Promise<ScanPage> {
  const { folder, only } = await findPlace(roots, query.folder);
  const selection = only === null ? await readSelection(roots, folder, query) : justThis(only);
  const limit = Math.max(1, Math.min(query.limit, MAX_PAGE_FILES));
  const page = { candidates: [] as string[], refused: [] as RefusedFile[], next: null as string | null };
  let bytes = 0;
  let last: string | null = null;
  for await (const { file, refused } of walk(roots, folder, { selection, after: query.after })) {
    signal.throwIfAborted();
    if (page.candidates.length + page.refused.length >= limit || bytes > MAX_PAGE_BYTES) {
      page.next = last;
      break;
    }
    last = file;
    bytes += 2 * Buffer.byteLength(file) + ENTRY_BYTES;
    if (refused === null) page.candidates.push(file);
    else page.refused.push(refused);
  }
  const looked = await mapConcurrently(page.candidates, HASHED_AT_ONCE, (file) =>
    look(roots, { folder, file, selection }, signal),
  );
  const isFound = (one: FoundFile | RefusedFile): one is FoundFile => 'sizeBytes' in one;
  return {
    files: looked.filter(isFound),
    refused: [...page.refused, ...looked.filter((one): one is RefusedFile => !isFound(one))],
    next: page.next,
  };
}

const justThis = (only: string): Selection => ({ wants: (file) => file === only, enters: () => false });

interface Candidate {
  folder: string;
  file: string;
  selection: Selection;
}

/** Its facts, and the hash of a small one: what is hashed while it is sent anyway is not read twice. */
async function look(roots: Roots, candidate: Candidate, signal: AbortSignal): Promise<FoundFile | RefusedFile> {
  const { folder, file } = candidate;
  try {
    const path = await requireOwnPath(candidate);
    const reader = await openSource(roots, folder, file);
    try {
      const { sizeBytes, modifiedAtMs } = reader;
      const isSmall = sizeBytes <= SINGLE_PUT_MAX_BYTES;
      const sha256 = isSmall ? (await contentOfFile(reader, () => undefined, signal)).sha256 : null;
      return { file, path, sizeBytes, modifiedAtMs, sha256 };
    } finally {
      await reader.close();
    }
  } catch (error) {
    // What was given up is no fault of the file.
    signal.throwIfAborted();
    if (!(error instanceof ArtifactError)) throw error;
    return { file, code: error.code, message: error.message };
  }
}

/** @throws `invalid_path`, and `path_taken` when another file would get the same path: `a` and `output/a`. */
async function requireOwnPath({ folder, file, selection }: Candidate): Promise<string> {
  // What the file system holds is not always Unicode; then nobody can name it.
  if (file.includes('\ufffd')) throw new ArtifactError('invalid_path', `${file} is not valid UTF-8`);
  const path = canonicalPath(file);
  const twin = file.slice('output/'.length);
  if (file !== path || !path.startsWith('output/') || canonicalPath(twin) !== path) return path;
  const exists = await stat(`${folder}/${twin}`).then(
    (stats) => stats.isFile(),
    (error: unknown) => codeOf(error) === 'EACCES',
  );
  if (exists && selection.wants(twin))
    throw new ArtifactError('path_taken', `${twin} and ${file} would both become ${path}`, { details: { path } });
  return path;
}
