import { join } from 'node:path';
import { cachedServer } from '../../src/dev/servers/cache.js';
import { findOnPath, runToEnd } from '../../src/dev/servers/run.js';

const AWSCLI_VERSION = '1.46.3';

/** Path of a Python that has awscli: in the cache, else installed into a virtual environment there (about 20 seconds). */
export async function findAwscli(): Promise<string> {
  const build = async (targetDir: string): Promise<void> => {
    const python = findOnPath('python3');
    if (python === null) throw new Error('the peer of this benchmark, awscli, needs python3 with venv on PATH');
    console.log(`installing awscli ${AWSCLI_VERSION} with pip, about 20 seconds, only this once`);
    await runToEnd(python, ['-m', 'venv', targetDir]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `awscli==${AWSCLI_VERSION}`];
    await runToEnd(join(targetDir, 'bin', 'python'), pip);
  };
  return join(await cachedServer('awscli', AWSCLI_VERSION, build), 'bin', 'python');
}

/** Arguments of `python` for `aws …`; as a module, because the scripts of a virtual environment break when it is moved. */
export const awsArgs = (endpoint: string, args: string[]): string[] => [
  ...['-c', 'import awscli.clidriver, sys; sys.exit(awscli.clidriver.main())'],
  ...['--endpoint-url', endpoint, ...args],
];
