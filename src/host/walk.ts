import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { ArtifactError } from '../domain/errors.js';
import type { RefusedFile } from '../domain/publish.js';
import { handlePath, isInside, openInside, resolveInside, unreadable, type Roots } from './roots.js';
import type { Selection } from './selection.js';

/** Something below a folder: a file that may be read, or why it may not. */
export type Found = { file: string; refused: null } | { file: string; refused: RefusedFile };

/**
 * Everything wanted below a folder, in the order of `file` as JavaScript compares strings, so that two walks agree. Links to regular files
 * inside the roots count as files; links to folders are not followed, as they may go in circles.
 * @param after only what comes behind this file; folders that lie before it are not looked into.
 */
export async function* walk(
  roots: Roots,
  folder: string,
  { selection, after }: { selection: Selection; after: string | null },
): AsyncGenerator<Found> {
  // Folders sort as what lies in them does.
  const keyOf = (entry: Dirent): string => (entry.isDirectory() ? `${entry.name}/` : entry.name);
  const isPassed = (below: string): boolean =>
    after !== null && below <= after && !(below.endsWith('/') && after.startsWith(below));

  async function* visit(below: string): AsyncGenerator<Found> {
    const entries = await listFolder(roots, folder, below);
    const keys = entries.map((entry) => ({ entry, key: keyOf(entry) }));
    keys.sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const { entry, key } of keys) {
      const file = below + entry.name;
      if (isPassed(below + key)) continue;
      if (entry.isDirectory()) {
        if (!selection.enters(file)) continue;
        yield* guarded(file, visit(`${file}/`));
      } else if (selection.wants(file)) yield { file, refused: await judge(roots, folder, { file, entry }) };
    }
  }
  yield* visit('');
}

/** A folder that cannot be read does not hide the others. */
async function* guarded(file: string, found: AsyncGenerator<Found>): AsyncGenerator<Found> {
  try {
    yield* found;
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    yield { file, refused: { file, code: error.code, message: error.message } };
  }
}

/** Lists what the handle holds, where the platform can: a folder that is swapped for a link meanwhile shows nothing of its target. */
async function listFolder(roots: Roots, folder: string, below: string): Promise<Dirent[]> {
  const name = below === '' ? 'the folder' : below.slice(0, -1);
  const path = below === '' ? folder : `${folder}/${below.slice(0, -1)}`;
  const { handle } = await openInside(roots, path, { name, kind: 'folder' });
  try {
    return await readdir(process.platform === 'linux' ? handlePath(handle) : path, { withFileTypes: true });
  } catch (error) {
    throw unreadable(name, error);
  } finally {
    await handle.close();
  }
}

async function judge(
  roots: Roots,
  folder: string,
  { file, entry }: { file: string; entry: Dirent },
): Promise<RefusedFile | null> {
  if (entry.isFile()) return null;
  const refuse = (message: string): RefusedFile => ({ file, code: 'source_not_allowed', message });
  if (!entry.isSymbolicLink()) return refuse(`${file} is no regular file`);
  try {
    const target = await resolveInside(roots, `${folder}/${file}`);
    const stats = await stat(target);
    if (stats.isFile() && isInside(roots, target)) return null;
    return refuse(
      `${file} is a link to ${stats.isDirectory() ? 'a folder' : 'no regular file'}, which is not followed`,
    );
  } catch (error) {
    if (error instanceof ArtifactError && error.code === 'source_not_allowed')
      return refuse(`${file} is a link that leads out of the roots of this upload worker`);
    return { file, code: 'source_unreadable', message: `${file} is a link that leads nowhere` };
  }
}
