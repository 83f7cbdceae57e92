import { join } from 'node:path';
import { cachedServer } from './cache.js';
import { findOnPath, runToEnd, startServer } from './run.js';
import { LocalServerError, type RunningServer } from './running-server.js';

export const MOTO_VERSION = '5.2.3';

/**
 * Path of a Python that has moto's S3 server (Apache-2.0): in the cache, else installed into a virtual environment there
 * (about 20 seconds, 300 MB).
 * @throws LocalServerError when it has to be installed and Python is missing.
 */
export async function findMoto(onProgress: (line: string) => void): Promise<string> {
  const build = async (targetDir: string): Promise<void> => {
    const python = findOnPath('python3');
    if (python === null)
      throw new LocalServerError('moto, an S3 store for tests, needs python3 (3.9 or newer) with venv on PATH.');
    onProgress(`installing moto ${MOTO_VERSION} with pip, about 20 seconds, only this once`);
    await runToEnd(python, ['-m', 'venv', targetDir], { onLine: onProgress });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `moto[server,s3]==${MOTO_VERSION}`];
    await runToEnd(join(targetDir, 'bin', 'python'), pip, { onLine: onProgress });
  };
  return join(await cachedServer('moto', MOTO_VERSION, build, onProgress), 'bin', 'python');
}

/**
 * Starts moto: storage classes, restores and versions like S3, everything in memory and gone at the end. It does not check
 * signatures, expiry or checksums, so it can say nothing about those. Any access key will do.
 * @throws LocalServerError
 */
export async function startMoto(options: { port: number; python?: string }): Promise<RunningServer> {
  const python = options.python ?? (await findMoto(() => undefined));
  const url = `http://127.0.0.1:${options.port}`;
  return startServer({
    name: 'moto',
    command: python,
    // As a module, because the scripts of a virtual environment break when it is moved.
    args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(options.port)],
    url,
    isReady: async () => (await fetch(`${url}/moto-api/`)).ok,
  });
}
