import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedServer } from './cache.js';
import { findOnPath, runToEnd, startServer } from './run.js';
import { LocalServerError, type RunningServer } from './running-server.js';

export const VERSITYGW_VERSION = 'v1.8.0';
/** An S3 gateway (Apache-2.0) that keeps objects as files; it has versions, but no storage classes and no RestoreObject. */
const VERSITYGW_MODULE = `github.com/versity/versitygw/cmd/versitygw@${VERSITYGW_VERSION}`;
/** The default region of the gateway, which every signature must name. */
export const VERSITYGW_REGION = 'us-east-1';

/**
 * Path of the program: on PATH, else in the cache, else built with Go (about a minute).
 * @throws LocalServerError when it has to be built and Go is missing.
 */
export async function findVersitygw(onProgress: (line: string) => void): Promise<string> {
  const installed = findOnPath('versitygw');
  if (installed !== null) return installed;
  const build = async (targetDir: string): Promise<void> => {
    const go = findOnPath('go');
    if (go === null)
      throw new LocalServerError(
        'versitygw, the local S3 store, is not installed and cannot be built without Go. Install Go from https://go.dev/dl, ' +
          'or put a versitygw program on PATH, or set S3_ENDPOINT to a store that runs.',
      );
    onProgress(`building versitygw ${VERSITYGW_VERSION} with Go, about a minute, only this once`);
    await runToEnd(go, ['install', VERSITYGW_MODULE], { env: { GOBIN: targetDir }, onLine: onProgress });
  };
  return join(await cachedServer('versitygw', VERSITYGW_VERSION, build, onProgress), 'versitygw');
}

/** Where the gateway keeps its files, where it listens on the loopback address, and the keys of its root user. */
export interface VersitygwOptions {
  /** Created when absent; objects in `objects`, old versions in `versions`. Its file system needs extended attributes. */
  dataDir: string;
  port: number;
  accessKey: string;
  secretKey: string;
  /** Default: {@link findVersitygw}. */
  binary?: string;
}

/** Starts the gateway; what was stored in `dataDir` before is there again. @throws LocalServerError */
export async function startVersitygw(options: VersitygwOptions): Promise<RunningServer> {
  const binary = options.binary ?? (await findVersitygw(() => undefined));
  const objects = join(options.dataDir, 'objects');
  const versions = join(options.dataDir, 'versions');
  await mkdir(objects, { recursive: true });
  await mkdir(versions, { recursive: true });
  const url = `http://127.0.0.1:${options.port}`;
  return startServer({
    name: 'versitygw',
    command: binary,
    args: [
      ...['--port', `127.0.0.1:${options.port}`, '--quiet', '--keep-alive', '--health', '/health'],
      ...['posix', '--versioning-dir', versions, objects],
    ],
    env: { ROOT_ACCESS_KEY: options.accessKey, ROOT_SECRET_KEY: options.secretKey, VGW_REGION: VERSITYGW_REGION },
    url,
    isReady: async () => (await fetch(`${url}/health`)).ok,
  });
}
