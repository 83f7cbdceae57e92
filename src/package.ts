import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of our package.json: above `src` as well as above `build/src`. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package.json of durable-artifacts was not found above its own code');
    folder = parent;
  }
  return folder;
}

export function packageVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
  throw new Error('package.json names no version');
}

const SHOWN_OF_COMMIT = 12;

/** What runs: `0.2.0`, in an image that knows its commit `0.2.0+5037e4102f3c` (build metadata of SemVer). */
export const buildOf = ({ GIT_COMMIT: commit }: { GIT_COMMIT?: string }): string =>
  `${packageVersion()}${commit === undefined ? '' : `+${commit.slice(0, SHOWN_OF_COMMIT)}`}`;
