import { join } from 'node:path';
import { cachedServer } from './cache.js';
import { findOnPath, runToEnd } from './run.js';
import { LocalServerError } from './running-server.js';

/** A program of the Python Package Index, in one version. */
export interface PythonProgram {
  name: string;
  version: string;
  /** What pip is asked for, without the version. Default `name`. */
  requirement?: string;
  /** For messages: `an S3 store for tests`. */
  what: string;
}

/**
 * Path of a Python that has a program: in the cache, else installed into a virtual environment there. Run it as a module (`python -m`), because
 * the scripts of a virtual environment break when it is moved.
 * @throws LocalServerError when it has to be installed and Python is missing.
 */
export async function pythonWith(program: PythonProgram, onProgress: (line: string) => void): Promise<string> {
  const { name, version, requirement = name, what } = program;
  const build = async (targetDir: string): Promise<void> => {
    const python = findOnPath('python3');
    if (python === null)
      throw new LocalServerError(`${name}, ${what}, needs python3 (3.10 or newer) with venv on PATH.`);
    onProgress(`installing ${name} ${version} with pip, about 20 seconds, only this once`);
    await runToEnd(python, ['-m', 'venv', targetDir], { onLine: onProgress });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `${requirement}==${version}`];
    await runToEnd(join(targetDir, 'bin', 'python'), pip, { onLine: onProgress });
  };
  return join(await cachedServer(name, version, build, onProgress), 'bin', 'python');
}
