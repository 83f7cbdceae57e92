import { pythonWith } from './python.js';
import { startServer } from './run.js';
import type { RunningServer } from './running-server.js';

export const MOTO_VERSION = '5.2.3';

/**
 * Path of a Python that has moto's S3 server (Apache-2.0): in the cache, else installed into a virtual environment there
 * (about 20 seconds, 300 MB).
 * @throws LocalServerError when it has to be installed and Python is missing.
 */
export const findMoto = (onProgress: (line: string) => void): Promise<string> =>
  pythonWith(
    { name: 'moto', version: MOTO_VERSION, requirement: 'moto[server,s3]', what: 'an S3 store for tests' },
    onProgress,
  );

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
