import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { canonicalPath } from '../domain/keys.js';
import { ArtifactError } from '../domain/errors.js';

/**
 * Writes what comes into a file, which appears under its name only when all of it is on the disk; when anything fails there is none.
 * @param onBytes told how many have been written so far.
 * @throws `destination_unwritable`, and what the stream fails with.
 */
export async function saveFile(
  body: ReadableStream<Uint8Array>,
  path: string,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 60)}.${randomUUID().slice(0, 8)}.part`);
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'wx');
    let bytes = 0;
    for await (const chunk of body) {
      await file.writeFile(chunk);
      bytes += chunk.length;
      onBytes(bytes);
    }
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    if (file === undefined) await body.cancel().catch(() => undefined);
    await file?.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw unwritable(path, error);
  }
}

/**
 * The file below a folder for the path of an artifact, with the folders on the way there, which are made. Below that folder nothing
 * is followed that leads out of it: no `..`, no link.
 * @throws `destination_unwritable`.
 */
export async function placeBelow(folder: string, artifactPath: string): Promise<string> {
  const place = join(folder, artifactPath);
  try {
    // The paths of our own API are like this anyway; who answers may be another.
    if (canonicalPath(artifactPath) !== artifactPath) throw new Error('it is no path of an artifact');
    await makeFolder(folder);
    const segments = artifactPath.split('/');
    for (let depth = 1; depth < segments.length; depth += 1) {
      const below = join(folder, ...segments.slice(0, depth));
      await mkdir(below).catch(async (error: unknown) => {
        if (!(await lstat(below)).isDirectory()) throw new Error(`${below} is no folder`, { cause: error });
      });
    }
    return place;
  } catch (error) {
    throw unwritable(place, error);
  }
}

/** With the folders above it. Node's own way never ends where a parent is there and says that it is not, as below /proc. */
async function makeFolder(folder: string): Promise<void> {
  const above = dirname(folder);
  const isFolder = async (): Promise<boolean> => (await stat(folder).catch(() => null))?.isDirectory() === true;
  try {
    await mkdir(folder);
  } catch (error) {
    if (await isFolder()) return;
    if (above === folder || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    await makeFolder(above);
    // Somebody else may have made it meanwhile.
    await mkdir(folder).catch(async (again: unknown) => {
      if (!(await isFolder())) throw again;
    });
  }
}

/**
 * Whether a file is there already, with these bytes.
 * @param expected `sha256` null when they are not known: then nothing is the same.
 * @throws `destination_taken` for anything else that is there, unless it may be replaced; `destination_unwritable`; `aborted`.
 */
export async function isThere(
  path: string,
  expected: { sizeBytes: number; sha256: string | null },
  { replace, signal }: { replace: boolean; signal?: AbortSignal | undefined },
): Promise<boolean> {
  const there = await lookAt(path, expected, signal);
  if (there === 'other' && !replace)
    throw new ArtifactError('destination_taken', `${path} is there already, with other content`, {
      details: { file: path },
    });
  return there === 'same';
}

/** What is at a path: nothing, a regular file with these bytes, or something else. Links are not followed. */
async function lookAt(
  path: string,
  expected: { sizeBytes: number; sha256: string | null },
  signal: AbortSignal | undefined,
): Promise<'nothing' | 'same' | 'other'> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw unwritable(path, error);
  });
  if (found === null) return 'nothing';
  if (!found.isFile() || found.size !== expected.sizeBytes || !expected.sha256) return 'other';
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash, ...(signal === undefined ? [] : [{ signal }]));
  } catch (error) {
    throw unwritable(path, error);
  }
  return hash.digest('hex') === expected.sha256 ? 'same' : 'other';
}

function unwritable(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || (error instanceof ArtifactError && error.code !== 'invalid_path')) return error;
  return new ArtifactError('destination_unwritable', `${path} cannot be written: ${error.message}`, { cause: error });
}
