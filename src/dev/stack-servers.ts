import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from './progress.js';
import type { Secrets } from './secrets.js';
import { findMoto, MOTO_VERSION, startMoto } from './servers/moto.js';
import { startPostgres } from './servers/postgres.js';
import { LocalServerError, type RunningServer } from './servers/running-server.js';
import { startTemporal } from './servers/temporal.js';
import { findVersitygw, startVersitygw, VERSITYGW_REGION, VERSITYGW_VERSION } from './servers/versitygw.js';
import type { PortName, StackSettings } from './settings.js';

/** What starting a server needs. */
export interface ServerContext {
  settings: StackSettings;
  ports: Record<PortName, number>;
  secrets: Secrets;
  progress: Progress;
  /** Called with each server as soon as it runs, so that it is ended even when another one fails. */
  started: (name: 'Temporal' | 'Postgres' | 'S3', server: RunningServer) => void;
}

interface TemporalAccess {
  address: string;
  uiUrl: string | null;
}

interface StoreAccess {
  endpoint: string;
  region: string;
  /** Null for a store of somebody else's: the credentials come from the environment. */
  keys: { accessKeyId: string; secretAccessKey: string } | null;
}

/** Where the three are reached. */
export interface Access {
  temporal: TemporalAccess;
  databaseUrl: string;
  store: StoreAccess;
}

/** Temporal at `TEMPORAL_ADDRESS`, else the dev server with its data in `temporal/`. */
export async function openTemporal(context: ServerContext): Promise<TemporalAccess> {
  const { settings, ports } = context;
  if (settings.external.temporalAddress !== null) return { address: settings.external.temporalAddress, uiUrl: null };
  return inStep(context.progress, 'Temporal', async (onProgress) => {
    const server = await startTemporal({
      dbFile: join(settings.directory, 'temporal', 'temporal.db'),
      port: ports.temporal,
      uiPort: ports.temporalUi,
      namespace: settings.namespace,
      onProgress,
      onLine: toLog(settings, 'temporal'),
    });
    context.started('Temporal', server);
    return { value: server, result: server.address };
  });
}

/** URL of Postgres: `DATABASE_URL`, else the embedded one with its data in `postgres/`. */
export async function openPostgres(context: ServerContext): Promise<string> {
  const { settings, ports } = context;
  if (settings.external.databaseUrl !== null) return settings.external.databaseUrl;
  return inStep(context.progress, 'Postgres', async (onProgress) => {
    const server = await startPostgres({
      dataDir: join(settings.directory, 'postgres'),
      port: ports.postgres,
      onProgress,
      onLine: toLog(settings, 'postgres'),
    });
    context.started('Postgres', server);
    return { value: server.databaseUrl, result: `127.0.0.1:${ports.postgres}` };
  });
}

/** The store at `S3_ENDPOINT`, else versitygw with its data in `s3/`, else (when it cannot be had) moto. */
export async function openStore(context: ServerContext): Promise<StoreAccess> {
  const { settings, ports, secrets } = context;
  if (settings.external.s3Endpoint !== null)
    return { endpoint: settings.external.s3Endpoint, region: settings.region, keys: null };
  return inStep(context.progress, 'S3', async (onProgress) => {
    const { server, what } = await startOwnStore(context, onProgress);
    context.started('S3', server);
    const keys = { accessKeyId: secrets.s3AccessKey, secretAccessKey: secrets.s3SecretKey };
    const value: StoreAccess = { endpoint: server.url, region: VERSITYGW_REGION, keys };
    return { value, result: `127.0.0.1:${ports.s3} (${what})` };
  });
}

async function startOwnStore(
  { settings, ports, secrets, progress }: ServerContext,
  onProgress: (line: string) => void,
): Promise<{ server: RunningServer; what: string }> {
  const binary = await findVersitygw(onProgress).catch((error: unknown) => {
    if (!(error instanceof LocalServerError)) throw error;
    progress.line(`  ! ${error.message}`);
    return null;
  });
  if (binary === null) {
    const python = await findMoto(onProgress);
    progress.line(
      '  ! moto stands in as the S3 store. It keeps everything in memory: objects are lost at the end, while Postgres and Temporal ' +
        'remember them; and it accepts wrong checksums and expired signatures.',
    );
    return { server: await startMoto({ python, port: ports.s3 }), what: `moto ${MOTO_VERSION}` };
  }
  const server = await startVersitygw({
    binary,
    dataDir: join(settings.directory, 's3'),
    port: ports.s3,
    accessKey: secrets.s3AccessKey,
    secretKey: secrets.s3SecretKey,
  });
  return { server, what: `versitygw ${VERSITYGW_VERSION}` };
}

/** Shows `work` as a step of the progress; a failure is shown and passed on. */
export async function inStep<T>(
  progress: Progress,
  name: string,
  work: (onProgress: (line: string) => void) => Promise<{ value: T; result: string }>,
): Promise<T> {
  const step = progress.step(name);
  try {
    const { value, result } = await work((line) => {
      step.update(line);
    });
    step.done(result);
    return value;
  } catch (error) {
    step.failed();
    throw error;
  }
}

function toLog({ directory }: StackSettings, name: string): (line: string) => void {
  const file = join(directory, 'logs', `${name}.log`);
  return (line) => {
    appendFileSync(file, `${line}\n`);
  };
}
