import { join } from 'node:path';
import { lazyConnection } from '../temporal/connection.js';
import { defaultHostId } from '../host/host-id.js';
import { LIFECYCLE_TASK_QUEUE } from '../temporal/ids.js';
import { uploadQueue, workerPolls, type PolledQueue } from '../temporal/pollers.js';
import type { ProcessRecords } from './processes.js';
import type { Progress } from './progress.js';
import type { Secrets } from './secrets.js';
import { startService, type Service } from './service.js';
import { packageRoot, type PortName, type StackSettings } from './settings.js';
import { inStep, type Access } from './stack-servers.js';

const PROBE_TIMEOUT_MS = 2_000;
/** Of the local token, and of the upload worker. */
export const LOCAL_TENANT = 'local';

/** A client connection with the settings API and worker use. Close it. */
export function temporalConnection(
  { env, namespace }: StackSettings,
  address: string,
): ReturnType<typeof lazyConnection> {
  const apiKey = env['TEMPORAL_API_KEY'];
  return lazyConnection({
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_TLS: env['TEMPORAL_TLS'] === 'true',
    ...(apiKey === undefined || apiKey === '' ? {} : { TEMPORAL_API_KEY: apiKey }),
  });
}

/** What API and worker are given: our own environment, with everything the stack decides in its place. */
export function serviceEnvironment(
  { settings, ports, secrets }: { settings: StackSettings; ports: Record<PortName, number>; secrets: Secrets },
  { temporal, databaseUrl, store }: Access,
): Record<string, string | undefined> {
  const { env } = settings;
  const secret = env['AUTH_JWT_SECRET'];
  return {
    ...env,
    API_HOST: '127.0.0.1',
    API_PORT: String(ports.api),
    AUTH_JWT_SECRET: secret === undefined || secret === '' ? secrets.jwtSecret : secret,
    // The local stack makes its own tokens.
    AUTH_JWKS_URL: undefined,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: settings.namespace,
    S3_BUCKET: settings.bucket,
    S3_REGION: store.region,
    S3_ENDPOINT: store.endpoint,
    UPLOAD_HOST_ID: valueOr(env['UPLOAD_HOST_ID'], defaultHostId()),
    UPLOAD_ROOTS: valueOr(env['UPLOAD_ROOTS'], packageRoot),
    UPLOAD_TENANT: LOCAL_TENANT,
    ...(store.keys === null
      ? {}
      : { AWS_ACCESS_KEY_ID: store.keys.accessKeyId, AWS_SECRET_ACCESS_KEY: store.keys.secretAccessKey }),
  };
}

const valueOr = (value: string | undefined, otherwise: string): string =>
  value === undefined || value === '' ? otherwise : value;

/** Starts API and workers side by side, and adds each to `services` when it is ready. */
export async function startServices(
  { settings, progress, signal }: { settings: StackSettings; progress: Progress; signal?: AbortSignal },
  { services, records }: { services: Service[]; records: ProcessRecords },
  { env, apiUrl, access }: { env: Record<string, string | undefined>; apiUrl: string; access: Access },
): Promise<void> {
  const common = { env, records, signal, say: (line: string) => progress.line(`  ! ${line}`) };
  const logFile = (name: string): string => join(settings.directory, 'logs', `${name}.log`);
  const polls = async (startedAtMs: number, queue?: PolledQueue): Promise<boolean> => {
    const connection = temporalConnection(settings, access.temporal.address);
    try {
      return await workerPolls(connection, settings.namespace, startedAtMs, queue);
    } finally {
      await connection.close();
    }
  };
  const worker = inStep(progress, 'Worker', async () => {
    const isReady = (startedAtMs: number): Promise<boolean> => polls(startedAtMs);
    const service = { ...common, name: 'The worker', entry: 'src/worker.ts', logFile: logFile('worker'), isReady };
    services.push(await startService(service));
    return { value: undefined, result: `task queue ${LIFECYCLE_TASK_QUEUE}` };
  });
  const api = inStep(progress, 'API', async () => {
    const isReady = async (): Promise<boolean> =>
      (await fetch(`${apiUrl}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })).ok;
    const service = { ...common, name: 'The API', entry: 'src/api/server.ts', logFile: logFile('api'), isReady };
    services.push(await startService(service));
    return { value: undefined, result: apiUrl };
  });
  const uploadWorker = inStep(progress, 'Upload worker', async () => {
    const hostId = env['UPLOAD_HOST_ID'] ?? '';
    const isReady = (startedAtMs: number): Promise<boolean> => polls(startedAtMs, uploadQueue(hostId));
    const entry = 'src/upload-worker.ts';
    const service = { ...common, name: 'The upload worker', entry, logFile: logFile('upload-worker'), isReady };
    services.push(await startService(service));
    return { value: undefined, result: `host ${hostId}, reads ${env['UPLOAD_ROOTS'] ?? ''}` };
  });
  const all = [worker, api, uploadWorker];
  await Promise.allSettled(all);
  await Promise.all(all);
}
