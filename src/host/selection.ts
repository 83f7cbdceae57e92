import ignore, { type Ignore } from 'ignore';
import { ArtifactError } from '../domain/errors.js';
import { KIB_BYTES } from '../domain/units.js';
import { isMissing, openInside, type Roots } from './roots.js';

/** At the top of a published folder: what is left out, in the syntax of .gitignore. It is not published itself. */
export const IGNORE_FILE = '.artifactsignore';
const MAX_IGNORE_FILE_BYTES = 256 * KIB_BYTES;

/** Which files below a folder are wanted. Paths are relative to it, with `/`. */
export interface Selection {
  wants(file: string): boolean;
  /** False when nothing below it can be wanted, so that nobody looks. */
  enters(folder: string): boolean;
}

/**
 * Reads the ignore file of a folder and adds the patterns that were asked for. All have one syntax, that of .gitignore: `*.tmp` anywhere,
 * `/build` at the top only, `**` across folders, `!` takes back.
 * @throws `source_not_allowed` when the ignore file is a link that leads out; `invalid_request` when it is larger than 256 KiB.
 */
export async function readSelection(
  roots: Roots,
  folder: string,
  { include, exclude }: { include: readonly string[]; exclude: readonly string[] },
): Promise<Selection> {
  // Files are as different as the file system makes them: `A.txt` is not `a.txt`.
  const rules = (): Ignore => ignore({ ignorecase: false });
  const ignored = rules()
    .add(`/${IGNORE_FILE}`)
    .add(await readIgnoreFile(roots, folder));
  const excluded = rules().add(exclude);
  const included = include.length === 0 ? null : rules().add(include);
  return {
    wants: (file) => !ignored.ignores(file) && !excluded.ignores(file) && (included?.ignores(file) ?? true),
    enters: (below) => !ignored.ignores(`${below}/`) && !excluded.ignores(`${below}/`),
  };
}

async function readIgnoreFile(roots: Roots, folder: string): Promise<string> {
  try {
    const { handle } = await openInside(roots, `${folder}/${IGNORE_FILE}`, { name: IGNORE_FILE, kind: 'file' });
    try {
      const { size } = await handle.stat();
      if (size > MAX_IGNORE_FILE_BYTES)
        throw new ArtifactError('invalid_request', `${IGNORE_FILE} is larger than 256 KiB`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}
