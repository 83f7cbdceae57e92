import { access, chmod, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { cachedServer } from './cache.js';
import { freePort } from './ports.js';
import { findOnPath, runToEnd, startServer } from './run.js';
import { LocalServerError, type RunningServer } from './running-server.js';

/** Version of the Temporal command line, whose dev server 1.29.1 is. From 1.6 on it cannot be installed by `go install`. */
export const TEMPORAL_CLI_VERSION = '1.5.1';

const GO_PACKAGE = `github.com/temporalio/cli/cmd/temporal@v${TEMPORAL_CLI_VERSION}`;
const DOWNLOAD_HOST = 'https://temporal.download';
/** A machine without a way to the download host should find out fast. */
const PROBE_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;
const BUILD_TIMEOUT_MS = 900_000;
const READY_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * The Temporal command line: `temporal` on PATH, else the one kept from an earlier run, else the SDK's own download, else
 * built by Go (about two minutes on two cores).
 * @param onProgress told what is being done when it takes time.
 * @returns the path of the executable.
 * @throws LocalServerError that says what to install when every way fails.
 */
export async function findTemporal(onProgress: (line: string) => void = () => undefined): Promise<string> {
  const installed = findOnPath('temporal');
  if (installed !== null) return installed;
  const directory = await cachedServer(
    'temporal',
    TEMPORAL_CLI_VERSION,
    async (target) => {
      if (!(await download(target, onProgress))) await build(target, onProgress);
    },
    onProgress,
  );
  return join(directory, 'temporal');
}

/**
 * Lets the SDK download the command line into `target`; false when it cannot, so that the next way is tried.
 * The SDK offers no download alone, so its dev server is started once and torn down.
 */
async function download(target: string, onProgress: (line: string) => void): Promise<boolean> {
  try {
    await fetch(DOWNLOAD_HOST, { method: 'HEAD', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
  } catch {
    return false;
  }
  onProgress(`downloading the Temporal command line ${TEMPORAL_CLI_VERSION} (about 100 MB)`);
  try {
    await withTimeout(startOnce(target), DOWNLOAD_TIMEOUT_MS);
  } catch {
    // It may have been downloaded and only been too slow to start: the SDK gives it five seconds.
  }
  const [file] = (await readdir(target)).filter((name) => name.startsWith('temporal'));
  if (file === undefined) return false;
  await chmod(join(target, file), 0o755);
  const runs = await runToEnd(join(target, file), ['--version'], { timeoutMs: PROBE_TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
  if (runs) await rename(join(target, file), join(target, 'temporal'));
  return runs;
}

async function startOnce(downloadDir: string): Promise<void> {
  // Loads the native core: only when it is needed.
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const executable = { type: 'cached-download', downloadDir, version: `v${TEMPORAL_CLI_VERSION}` } as const;
  const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await environment.teardown();
}

async function withTimeout(work: Promise<void>, timeoutMs: number): Promise<void> {
  const abort = new AbortController();
  const late = new Promise<never>((_, reject) => {
    AbortSignal.any([abort.signal, AbortSignal.timeout(timeoutMs)]).addEventListener('abort', () => {
      reject(new LocalServerError(`no answer within ${timeoutMs} ms`));
    });
  });
  try {
    await Promise.race([work, late]);
  } finally {
    abort.abort();
  }
}

async function build(target: string, onProgress: (line: string) => void): Promise<void> {
  const go = findOnPath('go');
  if (go === null)
    throw new LocalServerError(
      `The Temporal command line is not installed and cannot be downloaded from ${DOWNLOAD_HOST}. ` +
        'Install it (https://docs.temporal.io/cli/setup-cli), or install Go 1.24 or later (https://go.dev/dl) so that it is ' +
        'built here, or set TEMPORAL_ADDRESS to a server that runs.',
    );
  onProgress(`building the Temporal command line ${TEMPORAL_CLI_VERSION} with Go (2 to 5 minutes, once)`);
  await runToEnd(go, ['install', GO_PACKAGE], {
    env: { GOBIN: target, CGO_ENABLED: '0' },
    onLine: onProgress,
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  await access(join(target, 'temporal'));
}

export interface TemporalOptions {
  /** SQLite file that keeps everything; without it nothing survives the server. */
  dbFile?: string;
  /** gRPC port on 127.0.0.1; default a free one. */
  port?: number;
  /** Port of the web UI on 127.0.0.1; without it there is no UI. */
  uiPort?: number;
  /** Made at start; default `default`, which always exists. */
  namespace?: string;
  onProgress?: (line: string) => void;
  /** Receives every line the server writes. */
  onLine?: (line: string) => void;
}

export interface RunningTemporal extends RunningServer {
  /** host:port for gRPC. */
  address: string;
  /** Null when started without UI. */
  uiUrl: string | null;
}

/**
 * Starts the Temporal dev server and resolves when the namespace answers over gRPC.
 * @throws LocalServerError when there is no command line, or when it does not answer within 60 s.
 */
export async function startTemporal(options: TemporalOptions = {}): Promise<RunningTemporal> {
  const command = await findTemporal(options.onProgress);
  const namespace = options.namespace ?? 'default';
  const address = `127.0.0.1:${options.port ?? (await freePort())}`;
  const server = await startServer({
    name: 'Temporal',
    command,
    args: [...serverArguments(address, options), '--namespace', namespace],
    url: address,
    isReady: () => answers(address, namespace),
    readyTimeoutMs: READY_TIMEOUT_MS,
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  });
  const uiUrl = options.uiPort === undefined ? null : `http://127.0.0.1:${options.uiPort}`;
  return { ...server, address, uiUrl };
}

function serverArguments(address: string, { uiPort, dbFile }: TemporalOptions): string[] {
  return [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    address.slice(address.indexOf(':') + 1),
    '--log-level',
    'error',
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(dbFile === undefined ? [] : ['--db-filename', dbFile]),
  ];
}

async function answers(address: string, namespace: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } finally {
    await connection.close();
  }
}
