import { delimiter } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { ConfigError, type Config } from './config.js';
import { openStore } from './deps.js';
import { ArtifactError } from './domain/errors.js';
import { requireHostId, uploadTaskQueue } from './domain/publish.js';
import { SECOND_MS } from './domain/units.js';
import { createHostActivities } from './host/activities.js';
import { Places } from './host/places.js';
import type { HostLog } from './host/deps.js';
import { defaultHostId } from './host/host-id.js';
import { openRoots } from './host/roots.js';
import { buildOf } from './package.js';
import type { ObjectStore } from './storage/object-store.js';
import { connectLifecycle } from './temporal/connect-lifecycle.js';
import { identityOf } from './temporal/pollers.js';
import { connectWorker } from './temporal/worker-connection.js';
import { sharedPartMemory } from './transfer/part-memory.js';
import { StoreConnections } from './transfer/put.js';
import { PATIENT_RETRY } from './transfer/retry.js';

/** Which host's files are read, where, and for whom. */
export interface HostSettings {
  hostId: string;
  /** As they were configured. */
  roots: string[];
  tenantId: string;
}

/**
 * Activities at once. They share the places below, so most of them wait, which costs nothing; but one that finds no slot looks like a host
 * that is gone.
 */
const MAX_CONCURRENT_ACTIVITIES = 200;
/** An upload of a few KiB waits for Temporal most of its time. */
const SMALL_FILES_AT_ONCE = 48;
/** Each sends several parts at once. */
const LARGE_FILES_AT_ONCE = 2;
/** What is nearly there may end; the rest is handed over. */
const SHUTDOWN_GRACE_MS = 2 * SECOND_MS;
const SHUTDOWN_FORCE_MS = 15 * SECOND_MS;
/** A killed worker loses at most so much of its progress, and a cancellation is heard of as soon. */
const HEARTBEAT_THROTTLE_MS = 3 * SECOND_MS;

/** @throws ConfigError that names what is missing. */
export function hostSettings(config: Config, given: Partial<HostSettings> = {}): HostSettings {
  const roots = given.roots ?? config.UPLOAD_ROOTS?.split(delimiter).filter((root) => root !== '') ?? [];
  const tenantId = given.tenantId ?? config.UPLOAD_TENANT ?? '';
  const missing = [
    ...(roots.length === 0 ? ['--root (UPLOAD_ROOTS): a folder below which it may read'] : []),
    ...(tenantId === '' ? ['--tenant (UPLOAD_TENANT): the tenant that may be given files of this host'] : []),
  ];
  if (missing.length > 0) throw new ConfigError(`An upload worker needs:\n  ${missing.join('\n  ')}`);
  return { hostId: requireHostId(given.hostId ?? config.UPLOAD_HOST_ID ?? defaultHostId()), roots, tenantId };
}

/**
 * Runs the upload worker of a host until it is told to stop (SIGINT, SIGTERM): then it hands over within seconds, and another one goes on
 * from the first missing part.
 * @throws ConfigError, or `ArtifactError` for a bad host name, a root that is none, no bucket, no Temporal.
 */
export async function runHostWorker(config: Config, settings: HostSettings, log: HostLog): Promise<void> {
  const { hostId, tenantId } = settings;
  const roots = await openRoots(settings.roots);
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ message, meta }) => {
      // It is meant to have none.
      if (!message.startsWith('No workflows registered')) log.warn(meta ?? {}, message);
    }),
  });
  // It signs for itself; what clients reach may be out of its own reach.
  const { S3_PUBLIC_ENDPOINT: _clients, ...internal } = config;
  const store = openStore(internal);
  await checkBucket(store, log);
  const connection = await connectWorker(config);
  const lifecycle = connectLifecycle(config);
  const connections = new StoreConnections();
  const taskQueue = uploadTaskQueue(hostId);
  try {
    const worker = await Worker.create({
      connection,
      namespace: config.TEMPORAL_NAMESPACE,
      identity: identityOf(buildOf(config)),
      taskQueue,
      activities: createHostActivities({
        ...{ tenantId, roots, store, connections, log },
        lifecycle: lifecycle.client,
        memory: sharedPartMemory,
        limits: { smallFiles: new Places(SMALL_FILES_AT_ONCE), largeFiles: new Places(LARGE_FILES_AT_ONCE) },
        signedSeconds: config.PRESIGN_UPLOAD_SECONDS,
        retry: PATIENT_RETRY,
      }),
      activityTaskPollerBehavior: { type: 'autoscaling' },
      maxConcurrentActivityTaskExecutions: MAX_CONCURRENT_ACTIVITIES,
      maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
      shutdownGraceTime: SHUTDOWN_GRACE_MS,
      shutdownForceTime: SHUTDOWN_FORCE_MS,
    });
    log.info({ hostId, tenantId, roots, taskQueue }, 'upload worker is ready');
    await worker.run();
    log.info({ hostId }, 'upload worker has ended; what was being sent is handed over');
  } finally {
    connections.close();
    await connection.close();
    await lifecycle.close();
    store.close();
  }
}

/** A store that does not answer now may do so later; a bucket that does not exist is a mistake. */
async function checkBucket(store: ObjectStore, log: HostLog): Promise<void> {
  try {
    await store.checkBucket();
  } catch (error) {
    if (!(error instanceof ArtifactError) || !error.retryable || error.code === 'bucket_not_found') throw error;
    log.warn({ code: error.code }, error.message);
  }
}
