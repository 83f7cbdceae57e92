import { readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { canonicalPath } from '../domain/keys.js';
import { ArtifactError, fromFile } from '../sdk/index.js';
import type { UploadSource } from '../sdk/index.js';
import type { Terminal } from './terminal.js';

/** One file to upload. */
export interface LocalFile {
  /** As it was typed, or found below a folder that was typed; `-` is stdin. */
  name: string;
  /** Path below `output/` or `logs/` it is to have. */
  fileName: string;
  source: UploadSource;
  /** Null for stdin and for what cannot be looked at (the upload then says why). */
  sizeBytes: number | null;
}

/** What is to be uploaded, and what was found below folders but is no regular file (links, pipes, sockets). */
export interface LocalFiles {
  files: LocalFile[];
  leftOut: string[];
}

/**
 * The files behind the names on the command line; folders with all that is below them.
 * @param prefix goes before each path: `` or `charts/`. @param only path of the only file, instead of its own name.
 * @throws `path_taken` when two of them would get the same path, `invalid_path`, `source_unreadable` for a folder without files.
 */
export function findFiles(
  names: string[],
  { prefix, only }: { prefix: string; only: string | undefined },
  { cwd, input }: Pick<Terminal, 'cwd' | 'input'>,
): LocalFiles {
  const found: LocalFiles = { files: [], leftOut: [] };
  for (const name of names) {
    if (name === '-') found.files.push({ name, fileName: only ?? '', source: input, sizeBytes: null });
    else if (isFolder(resolve(cwd, name))) addFolder(found, { name, prefix: prefix + folderName(cwd, name) }, cwd);
    else found.files.push(localFile(name, only ?? prefix + basename(name), cwd));
  }
  requireDistinctPaths(found.files);
  return found;
}

export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** `work/` for the folder `work`; nothing for `.`, whose contents are meant. */
const folderName = (cwd: string, name: string): string =>
  basename(name) === '.' ? '' : `${basename(resolve(cwd, name))}/`;

function localFile(name: string, fileName: string, cwd: string): LocalFile {
  const path = resolve(cwd, name);
  const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size ?? null;
  return { name, fileName, source: fromFile(path), sizeBytes };
}

/** In the order of names, so that two runs do the same. */
function addFolder(found: LocalFiles, { name, prefix }: { name: string; prefix: string }, cwd: string): void {
  const before = found.files.length;
  const visit = (folder: string): void => {
    const entries = readdirSync(resolve(cwd, name, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(below);
      else if (entry.isFile()) found.files.push(localFile(join(name, below), prefix + below, cwd));
      else found.leftOut.push(join(name, below));
    }
  };
  try {
    visit('');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ArtifactError('source_unreadable', `${name} cannot be read: ${reason}`, { cause: error });
  }
  if (found.files.length === before) throw new ArtifactError('source_unreadable', `${name} has no files in it`);
}

function requireDistinctPaths(files: LocalFile[]): void {
  const nameOf = new Map<string, string>();
  for (const { name, fileName } of files) {
    const path = canonicalPath(fileName);
    const other = nameOf.get(path);
    if (other !== undefined)
      throw new ArtifactError('path_taken', `${other} and ${name} would both be stored as ${path}; nothing was sent`, {
        details: { path },
      });
    nameOf.set(path, name);
  }
}
