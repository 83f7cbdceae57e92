import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mintToken } from '../api/plugins/token.js';
import { loadConfig } from '../config.js';
import { migrate } from '../db/migrate.js';
import { createLocalBucket } from '../storage/bucket/create-local-bucket.js';
import { prepareNamespace } from '../temporal/prepare-namespace.js';
import { removeConnection, writeConnection, type Connection } from './connection.js';
import { takeLock } from './lock.js';
import { endLeftovers, recordProcesses, type ProcessRecords } from './processes.js';
import type { Progress } from './progress.js';
import { loadSecrets } from './secrets.js';
import type { RunningServer } from './servers/running-server.js';
import type { Service } from './service.js';
import type { StackSettings } from './settings.js';
import { inStep, openPostgres, openStore, openTemporal, type Access, type ServerContext } from './stack-servers.js';
import { LOCAL_TENANT, serviceEnvironment, startServices, temporalConnection } from './stack-services.js';
import { takePorts } from './take-ports.js';

const TOKEN_SECONDS = 30 * 86_400;
const WATCH_MS = 500;

export interface StackOptions {
  settings: StackSettings;
  progress: Progress;
  /** Ends the start between two steps; what runs by then is ended in order. */
  signal?: AbortSignal;
  /** A server ended by itself. API and worker are started again; without a server there is nothing to run on: stop. */
  onServerLost: (message: string) => void;
}

/** The whole product on this machine. */
export interface Stack {
  connection: Connection;
  /** API and worker, then Temporal, S3 and Postgres. Safe to repeat. */
  stop(): Promise<void>;
  /** SIGKILL to everything, now. */
  kill(): void;
}

/** What the stack holds, in the order in which it came. */
interface Holding {
  directory: string;
  records: ProcessRecords;
  unlock: () => void;
  services: Service[];
  servers: Map<'Temporal' | 'Postgres' | 'S3', RunningServer>;
  stopping: Promise<void> | null;
}

/**
 * Starts what is missing of Temporal, Postgres and S3 with their data in the settings' directory, brings schema, search attributes and bucket
 * up to date, and runs API and worker as children that are started again when they die.
 * @throws StackError, LocalServerError or ArtifactError with a message for the person in front of it; nothing is left running.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { settings } = options;
  for (const folder of ['logs', 'temporal']) mkdirSync(join(settings.directory, folder), { recursive: true });
  const unlock = takeLock(settings.directory);
  const records = recordProcesses(settings.directory);
  const holding: Holding = {
    directory: settings.directory,
    records,
    unlock,
    services: [],
    servers: new Map(),
    stopping: null,
  };
  try {
    const connection = await start(options, holding);
    watchServers(holding, options.onServerLost);
    return {
      connection,
      stop: () => stopHolding(holding),
      kill: () => {
        records.killAll();
      },
    };
  } catch (error) {
    await stopHolding(holding);
    throw error;
  }
}

async function start({ settings, progress, signal }: StackOptions, holding: Holding): Promise<Connection> {
  for (const name of await endLeftovers(settings.directory))
    progress.line(`  ! ended ${name}, which an earlier stack that was killed had left behind`);
  const ports = await takePorts(settings);
  const secrets = loadSecrets(settings.directory);
  const access = await openServers({ settings, ports, secrets, progress }, holding);
  signal?.throwIfAborted();
  await prepare(settings, access, progress);
  signal?.throwIfAborted();
  const apiUrl = `http://127.0.0.1:${ports.api}`;
  const env = serviceEnvironment({ settings, ports, secrets }, access);
  await startServices({ settings, progress, ...(signal === undefined ? {} : { signal }) }, holding, {
    env,
    apiUrl,
    access,
  });
  signal?.throwIfAborted();
  const connection: Connection = {
    apiUrl,
    token: await mintToken({
      secret: env['AUTH_JWT_SECRET'] ?? secrets.jwtSecret,
      issuer: settings.issuer,
      audience: settings.audience,
      sub: 'local-developer',
      tenant: LOCAL_TENANT,
      scope: 'artifacts:read artifacts:write artifacts:admin',
      expiresInSeconds: TOKEN_SECONDS,
    }),
    temporalUiUrl: access.temporal.uiUrl,
    temporalAddress: access.temporal.address,
    namespace: settings.namespace,
    s3Endpoint: access.store.endpoint,
    s3Bucket: settings.bucket,
    s3Region: access.store.region,
    s3AccessKeyId: access.store.keys?.accessKeyId ?? null,
    s3SecretAccessKey: access.store.keys?.secretAccessKey ?? null,
    tenant: LOCAL_TENANT,
    uploadHostId: env['UPLOAD_HOST_ID'] ?? '',
    databaseUrl: access.databaseUrl,
    supervisorPid: process.pid,
  };
  writeConnection(settings.directory, connection);
  return connection;
}

/** All three at once; waits for all of them even when one fails, so that each that runs is known and can be ended. */
async function openServers(base: Omit<ServerContext, 'started'>, { records, servers }: Holding): Promise<Access> {
  const context: ServerContext = {
    ...base,
    started: (name, server) => {
      servers.set(name, server);
      records.add(name, server.pid);
    },
  };
  const opening = [openTemporal(context), openPostgres(context), openStore(context)] as const;
  await Promise.allSettled(opening);
  const [temporal, databaseUrl, store] = await Promise.all(opening);
  return { temporal, databaseUrl, store };
}

async function prepare(settings: StackSettings, access: Access, progress: Progress): Promise<void> {
  await inStep(progress, 'Schema', async () => {
    const applied = await migrate(access.databaseUrl);
    return { value: undefined, result: applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}` };
  });
  await inStep(progress, 'Workflows', async () => {
    const connection = temporalConnection(settings, access.temporal.address);
    try {
      const { namespace } = settings;
      const { RECONCILE_EVERY_MINUTES: everyMinutes, RECONCILE_MODE: mode } = loadConfig(settings.env);
      const said = await prepareNamespace(connection, { namespace, everyMinutes, mode });
      return { value: undefined, result: said.join(', ') };
    } finally {
      await connection.close();
    }
  });
  const { keys, endpoint, region } = access.store;
  if (keys === null) return;
  await inStep(progress, 'Bucket', async () => {
    await createLocalBucket({ endpoint, region, bucket: settings.bucket, ...keys });
    return { value: undefined, result: `${settings.bucket}, versioning on` };
  });
}

function watchServers(holding: Holding, onLost: (message: string) => void): void {
  const isGone = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };
  void (async () => {
    for (;;) {
      await sleep(WATCH_MS, undefined, { ref: false });
      if (holding.stopping !== null) return;
      for (const [name, { pid }] of holding.servers)
        if (pid !== null && isGone(pid)) {
          onLost(
            `${name} ended by itself; its log is in ${join(holding.directory, 'logs')}. The stack stops. Run npm start again.`,
          );
          return;
        }
    }
  })();
}

function stopHolding(holding: Holding): Promise<void> {
  holding.stopping ??= (async () => {
    const { services, servers, records, directory, unlock } = holding;
    removeConnection(directory);
    await Promise.all(services.map((service) => service.stop()));
    for (const name of ['Temporal', 'S3', 'Postgres'] as const) await servers.get(name)?.stop();
    records.clear();
    unlock();
  })();
  return holding.stopping;
}
