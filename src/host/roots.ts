import { constants } from 'node:fs';
import { open, readlink, realpath, stat, type FileHandle } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { ArtifactError } from '../domain/errors.js';
import { FileReader } from '../transfer/file-reader.js';

/** The folders a worker may read below, as the file system itself calls them (no links). The first is where relative folders begin. */
export type Roots = readonly string[];

/** A handle on what was asked for, proven to lie below a root when it was opened. */
export interface OpenedInside {
  handle: FileHandle;
  /** Where it really lies. */
  realPath: string;
}

/** @throws `invalid_request` that names the first folder that is missing or none. */
export async function openRoots(folders: readonly string[]): Promise<Roots> {
  if (folders.length === 0) throw new ArtifactError('invalid_request', 'an upload worker needs at least one root');
  return Promise.all(
    folders.map(async (folder) => {
      const refuse = (why: string): ArtifactError => new ArtifactError('invalid_request', `the root ${folder} ${why}`);
      const stats = await stat(folder).catch((error: unknown) => {
        throw refuse(codeOf(error) === 'ENOENT' ? 'does not exist' : `cannot be looked at: ${reasonOf(error)}`);
      });
      if (!stats.isDirectory()) throw refuse('is not a folder');
      return realpath(folder);
    }),
  );
}

/**
 * The real path of something below a root, links followed.
 * @param path absolute, or relative to the first root.
 * @throws `source_not_allowed` when it lies elsewhere, also by a link; `source_unreadable` when there is nothing.
 */
export async function resolveInside(roots: Roots, path: string): Promise<string> {
  const asked = resolve(roots[0] ?? sep, path);
  let real: string;
  try {
    real = await realpath(asked);
  } catch (error) {
    // Whether something is there is not said of what may not be read.
    if (!isInside(roots, asked)) throw notAllowed(path, LIES_OUTSIDE);
    throw unreadable(path, error);
  }
  if (!isInside(roots, real)) throw notAllowed(path, isInside(roots, asked) ? LEADS_OUT : LIES_OUTSIDE);
  return real;
}

/**
 * Opens a regular file or a folder for reading. Whoever may write below a root may swap a folder for a link at any moment, so where it
 * lies is asked of the handle, after it was opened.
 * @param path absolute. @param name how it is called in messages.
 * @throws `source_not_allowed`, `source_unreadable`.
 */
export async function openInside(
  roots: Roots,
  path: string,
  { name, kind }: { name: string; kind: 'file' | 'folder' },
): Promise<OpenedInside> {
  const real = await resolveInside(roots, path);
  const handle = await openPlain(real, kind).catch((error: unknown) => {
    // What realpath has just answered has no link in it.
    if (codeOf(error) === 'ELOOP') throw notAllowed(name, LEADS_OUT);
    if (codeOf(error) === 'ENOTDIR' && kind === 'folder') throw notAllowed(name, 'it is not a folder');
    throw unreadable(name, error);
  });
  try {
    const stats = await handle.stat();
    if (kind === 'file' && !stats.isFile()) throw notAllowed(name, 'it is not a regular file');
    const realPath = await whereIs(handle, real);
    if (realPath === null || !isInside(roots, realPath)) throw notAllowed(name, LEADS_OUT);
    return { handle, realPath };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Windows has none of the flags. */
const flag = (value: number | undefined): number => value ?? 0;

/** Without O_NONBLOCK the open of a pipe waits for a writer, and nothing can end that. */
const openPlain = (path: string, kind: 'file' | 'folder'): Promise<FileHandle> =>
  open(
    path,
    constants.O_RDONLY |
      flag(constants.O_NOFOLLOW) |
      flag(constants.O_NONBLOCK) |
      (kind === 'folder' ? flag(constants.O_DIRECTORY) : 0),
  );

/** Linux names what a handle holds. Elsewhere the path is followed once more, and must lead to the same file. */
export const handlePath = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`;

async function whereIs(handle: FileHandle, path: string): Promise<string | null> {
  if (process.platform === 'linux') return readlink(handlePath(handle));
  const [real, held] = await Promise.all([realpath(path), handle.stat({ bigint: true })]);
  const { dev, ino } = await stat(real, { bigint: true });
  return dev === held.dev && ino === held.ino ? real : null;
}

export const isInside = (roots: Roots, path: string): boolean =>
  roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));

/**
 * A regular file below a folder, open for reading by position. Close it.
 * @param file relative to the folder. @throws `source_not_allowed`, `source_unreadable`, `too_large`.
 */
export async function openSource(roots: Roots, folder: string, file: string): Promise<FileReader> {
  if (file.split('/').includes('..')) throw notAllowed(file, '".." is not allowed');
  const { handle } = await openInside(roots, `${folder}/${file}`, { name: file, kind: 'file' });
  return FileReader.of(handle, file);
}

const LIES_OUTSIDE = 'it lies outside of the roots of this upload worker';
const LEADS_OUT = 'a link leads out of the roots of this upload worker';

export const notAllowed = (name: string, why: string): ArtifactError =>
  new ArtifactError('source_not_allowed', `${name} may not be read: ${why}`, { details: { source: name } });

export const unreadable = (name: string, error: unknown): ArtifactError =>
  new ArtifactError('source_unreadable', `${name} cannot be read: ${reasonOf(error)}`, {
    details: { source: name },
    cause: error,
  });

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it does not exist',
  EACCES: 'the worker has no permission',
  EPERM: 'the worker has no permission',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
};

/** Messages of the file system carry absolute paths, which are nobody's business. */
const reasonOf = (error: unknown): string => REASONS[codeOf(error)] ?? codeOf(error);

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';

/** Whether an error says that there is nothing of this name. */
export const isMissing = (error: unknown): boolean =>
  error instanceof ArtifactError && error.code === 'source_unreadable' && codeOf(error.cause) === 'ENOENT';
