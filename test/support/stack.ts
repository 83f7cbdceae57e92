import { randomUUID } from 'node:crypto';
import { delimiter } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { inject } from 'vitest';
import { mintToken, type TokenOptions } from '../../src/api/plugins/token.js';
import { freePort } from '../../src/dev/servers/ports.js';
import { createLocalBucket } from '../../src/storage/bucket/create-local-bucket.js';
import { uploadQueue, workerPolls } from '../../src/temporal/pollers.js';
import { registerSearchAttributes } from '../../src/temporal/search-attributes.js';
import { openDatabaseGate, type DatabaseGate } from './gates/database-gate.js';
import { openStoreGate, type StoreGate } from './gates/store-gate.js';
import { createTestDatabase } from './postgres.js';
import { createTestProcess, type TestProcess } from './test-process.js';

const SECRET = 'a secret of the end-to-end tests, 32+';
const TENANT = 'acme';
const REGION = 'us-east-1';
const NAMESPACE_POLL_MS = 100;
const NAMESPACE_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 2_000;

export interface TestStackOptions {
  /** Default versitygw, which enforces checksums; moto has storage classes and accepts any bytes. */
  store?: 'versitygw' | 'moto';
  /** Over the configuration of API and worker. */
  env?: Record<string, string>;
  /** Versions in the bucket can be locked. */
  objectLock?: boolean;
  /** False: the bucket keeps no versions. */
  versioning?: boolean;
}

/** Where the objects are, with keys that may do everything. */
export interface TestStackStore {
  endpoint: string;
  region: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** API and worker as real processes over the servers of the run, with a namespace, database and bucket of their own. */
export interface TestStack {
  apiUrl: string;
  temporalAddress: string;
  namespace: string;
  databaseUrl: string;
  store: TestStackStore;
  /** What stands between the worker and its servers. The API, and who looks at them from outside, reach them directly. */
  gates: { store: StoreGate; database: DatabaseGate };
  /** A token of tenant `acme` that may read and write, for an hour, unless told otherwise. */
  token(options?: Partial<TokenOptions>): Promise<string>;
  kill9Api(): Promise<void>;
  /** Same address as before. Resolves when it answers. */
  startApi(): Promise<void>;
  kill9Worker(): Promise<void>;
  /** Resolves when it asks for work. */
  startWorker(): Promise<void>;
  /** A further worker with something else in its configuration; not started yet. `stop` stops it too. */
  anotherWorker(env: Record<string, string>): TestProcess;
  /** An upload worker of tenant `acme` on a host of this name, behind the gate of the store; not started yet. `stop` stops it too. */
  hostWorker(hostId: string, roots: string[]): TestProcess;
  /** What API and worker wrote, for the message of a failing test. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts everything and resolves when API and worker are ready. Call `stop` in any case. */
export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const temporalAddress = inject('temporalAddress');
  const connection = await Connection.connect({ address: temporalAddress });
  const database = await createTestDatabase(inject('databaseUrl'));
  const [store, namespace] = await Promise.all([createStore(options), createNamespace(connection)]);
  const apiPort = await freePort();
  const env = {
    ...environment({ apiPort, temporalAddress, namespace, databaseUrl: database.databaseUrl, store }),
    ...options.env,
  };
  const gates = {
    store: await openStoreGate(store.endpoint),
    database: await openDatabaseGate(database.databaseUrl),
  };
  const workerEnv = { ...env, S3_ENDPOINT: gates.store.url, DATABASE_URL: gates.database.url };
  const api = apiProcess(env, apiPort);
  const workers: TestProcess[] = [];
  const anotherWorker = (own: Record<string, string>): TestProcess => {
    const process = workerProcess({ ...workerEnv, ...own }, connection, namespace);
    workers.push(process);
    return process;
  };
  const hostWorker = (hostId: string, roots: string[]): TestProcess => {
    const own = { UPLOAD_HOST_ID: hostId, UPLOAD_ROOTS: roots.join(delimiter), UPLOAD_TENANT: TENANT };
    const process = uploadWorkerProcess({ ...workerEnv, ...own }, hostId, connection);
    workers.push(process);
    return process;
  };
  const worker = anotherWorker({});
  const stop = async (): Promise<void> => {
    await Promise.all([api, ...workers].map((process) => process.stop()));
    await Promise.all([gates.store.close(), gates.database.close()]);
    await connection.close();
    await database.drop();
  };
  try {
    await Promise.all([api.start(), worker.start()]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    apiUrl: `http://127.0.0.1:${apiPort}`,
    temporalAddress,
    namespace,
    databaseUrl: database.databaseUrl,
    store,
    gates,
    token,
    kill9Api: () => api.kill9(),
    startApi: () => api.start(),
    kill9Worker: () => worker.kill9(),
    startWorker: () => worker.start(),
    anotherWorker,
    hostWorker,
    output: () => `--- api\n${api.output()}\n--- worker\n${worker.output()}`,
    stop,
  };
}

const token = (options: Partial<TokenOptions> = {}): Promise<string> =>
  mintToken({
    secret: SECRET,
    issuer: 'durable-artifacts',
    audience: 'durable-artifacts',
    sub: 'agent-7',
    tenant: TENANT,
    scope: 'artifacts:read artifacts:write',
    expiresInSeconds: 3_600,
    ...options,
  });

async function createStore({
  store: kind,
  objectLock = false,
  versioning = true,
}: TestStackOptions): Promise<TestStackStore> {
  const bucket = `e2e-${randomUUID()}`;
  const keys =
    kind === 'moto'
      ? { endpoint: inject('moto').endpoint, accessKeyId: 'any', secretAccessKey: 'any' }
      : {
          endpoint: inject('versitygw').endpoint,
          accessKeyId: inject('versitygw').accessKey,
          secretAccessKey: inject('versitygw').secretKey,
        };
  const store = { ...keys, region: REGION, bucket };
  // Only when it is created can a bucket get Object Lock.
  if (objectLock || !versioning) await createPlainBucket(store, objectLock);
  if (versioning) await createLocalBucket(store);
  return store;
}

async function createPlainBucket(store: TestStackStore, objectLock: boolean): Promise<void> {
  const client = s3ClientOf(store);
  await client.send(new CreateBucketCommand({ Bucket: store.bucket, ObjectLockEnabledForBucket: objectLock }));
  client.destroy();
}

/** A plain client of the store, for what our port does not offer. */
export const s3ClientOf = ({ endpoint, region, accessKeyId, secretAccessKey }: TestStackStore): S3Client =>
  new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });

/** A namespace keeps the stacks apart, as the task queue has one name. The server needs a moment until it knows a new one everywhere. */
export async function createNamespace(connection: Connection): Promise<string> {
  const namespace = `e2e-${randomUUID()}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const deadlineMs = Date.now() + NAMESPACE_TIMEOUT_MS;
  for (;;) {
    try {
      await registerSearchAttributes(connection, namespace);
      await workerPolls(connection, namespace, 0);
      return namespace;
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
      await sleep(NAMESPACE_POLL_MS);
    }
  }
}

interface Parts {
  apiPort: number;
  temporalAddress: string;
  namespace: string;
  databaseUrl: string;
  store: TestStackStore;
}

const environment = ({ apiPort, temporalAddress, namespace, databaseUrl, store }: Parts): Record<string, string> => ({
  LOG_LEVEL: 'warn',
  WORKFLOW_BUNDLE: inject('workflowBundle'),
  API_HOST: '127.0.0.1',
  API_PORT: String(apiPort),
  AUTH_JWT_SECRET: SECRET,
  DATABASE_URL: databaseUrl,
  TEMPORAL_ADDRESS: temporalAddress,
  TEMPORAL_NAMESPACE: namespace,
  S3_ENDPOINT: store.endpoint,
  S3_REGION: store.region,
  S3_BUCKET: store.bucket,
  AWS_ACCESS_KEY_ID: store.accessKeyId,
  AWS_SECRET_ACCESS_KEY: store.secretAccessKey,
});

const apiProcess = (env: Record<string, string>, port: number): TestProcess =>
  createTestProcess({
    entry: 'src/api/server.ts',
    env,
    isReady: async () => {
      const ready = `http://127.0.0.1:${port}/readyz`;
      return (await fetch(ready, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })).ok;
    },
  });

const workerProcess = (env: Record<string, string>, connection: Connection, namespace: string): TestProcess =>
  createTestProcess({
    entry: 'src/worker.ts',
    env,
    isReady: (startedAtMs) => workerPolls(connection, env['TEMPORAL_NAMESPACE'] ?? namespace, startedAtMs),
  });

const uploadWorkerProcess = (env: Record<string, string>, hostId: string, connection: Connection): TestProcess =>
  createTestProcess({
    entry: 'src/upload-worker.ts',
    env,
    isReady: (startedAtMs) =>
      workerPolls(connection, env['TEMPORAL_NAMESPACE'] ?? '', startedAtMs, uploadQueue(hostId)),
  });
