import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import pino from 'pino';
import { createActivities, pageSizeAt } from './activities/index.js';
import { SENDS_PER_RECEIVER } from './activities/webhooks.js';
import { loadConfig, quotasOf, type Config } from './config.js';
import { ArtifactError, errorKind } from './domain/errors.js';
import { SECOND_MS } from './domain/units.js';
import { lifePolicyOf } from './life-policy.js';
import { openDatabases, openRecords, openStore, openWebhooks, type Database } from './deps.js';
import { buildOf } from './package.js';
import { createPace } from './pace.js';
import { keepPresent } from './presence.js';
import { probeStore } from './storage/probe.js';
import { connectArtifactLives } from './temporal/artifact-lives.js';
import { identityOf } from './temporal/pollers.js';
import { connectFleet } from './temporal/fleet.js';
import { connectWorker } from './temporal/worker-connection.js';
import { LIFECYCLE_TASK_QUEUE, READ_BACK_TASK_QUEUE, WEBHOOK_TASK_QUEUE } from './temporal/ids.js';

/** Process entry of the role `worker`: runs the lifecycle workflows and all their activities. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const log = pino({ level: config.LOG_LEVEL, name: 'worker' });
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => log[toPinoLevel(level)](meta ?? {}, message)),
  });

  // It signs nothing for clients, and what they reach may be out of its own reach.
  const { S3_PUBLIC_ENDPOINT: _clients, ...internal } = config;
  const store = openStore(internal);
  const database = openRecords(config);
  await requireMigrated(database, log);
  const capabilities = await probeStore(store);
  log.info({ bucket: store.bucket, ...capabilities }, 'what the object store can do');
  const databases = openDatabases(config, { store, identity: database.identity });
  // Before its first object, so that no other database ever takes one for nobody's.
  const presence = await keepPresent(databases, log);
  const connection = await connectWorker(config);
  const others = connectArtifactLives(config);
  const fleet = connectFleet(config);
  const { webhooks } = openWebhooks(config);
  const activities = createActivities({
    ...(webhooks === undefined ? {} : { webhooks }),
    records: database.records,
    reconciliations: database.reconciliations,
    shares: database.shares,
    quarantine: database.quarantine,
    databases,
    store,
    capabilities,
    lives: others.lives,
    inspection: {
      rows: database.rows,
      fleet: fleet.fleet,
      pace: createPace(config.RECONCILE_REQUESTS_PER_SECOND),
      pageSize: pageSizeAt(config.RECONCILE_REQUESTS_PER_SECOND),
    },
    settings: activitySettings(config),
  });
  const common = {
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    identity: identityOf(buildOf(config)),
    ...versioning(config),
    activityTaskPollerBehavior: { type: 'autoscaling' },
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
  } satisfies Partial<WorkerOptions>;
  const lifecycle = await Worker.create({
    ...common,
    taskQueue: LIFECYCLE_TASK_QUEUE,
    activities,
    ...workflowSource(config),
    maxConcurrentActivityTaskExecutions: MAX_CONCURRENT_ACTIVITIES,
    workflowTaskPollerBehavior: { type: 'autoscaling' },
    // After a kill, a workflow waits this long for the dead worker's cache before any other takes it.
    stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT_MS,
  });
  // Also when nobody is to be told any more: what still waits for them is given up.
  const outward = await Worker.create({
    ...common,
    taskQueue: WEBHOOK_TASK_QUEUE,
    activities,
    maxConcurrentActivityTaskExecutions: SENDS_PER_RECEIVER * Math.max(1, webhooks?.sender.receivers.length ?? 0),
  });
  const readBacks = await Worker.create({
    ...common,
    taskQueue: READ_BACK_TASK_QUEUE,
    activities,
    maxConcurrentActivityTaskExecutions: config.READ_BACKS_AT_ONCE,
  });
  log.info({ taskQueue: LIFECYCLE_TASK_QUEUE, build: buildOf(config) }, 'worker is ready');
  try {
    await runTogether([lifecycle, outward, readBacks]);
  } finally {
    presence.stop();
    await connection.close();
    await Promise.all([others.close(), fleet.close()]);
    await database.close();
    store.close();
  }
}

/** A database that does not answer now may do so later, and activities wait for it; one that is not migrated is a mistake. */
async function requireMigrated(database: Database, log: pino.Logger): Promise<void> {
  try {
    await database.records.ping();
  } catch (error) {
    if (!(error instanceof ArtifactError) || error.code !== 'database_unavailable') {
      await database.close();
      throw error;
    }
    log.warn({ code: error.code }, error.message);
  }
}

/** Activities hold one stream of at most a few MiB each, so this bounds the worker's memory and its connections to the store. */
const MAX_CONCURRENT_ACTIVITIES = 40;
const STICKY_TIMEOUT_MS = 3 * SECOND_MS;
/** Activities are repeatable, so a shutdown waits for short ones only. */
const SHUTDOWN_GRACE_MS = 5 * SECOND_MS;
const SHUTDOWN_FORCE_MS = 15 * SECOND_MS;

/** The bundle that the build made; only a worker that runs from its sources bundles them itself. */
function workflowSource({ WORKFLOW_BUNDLE }: Config): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const fromSources = import.meta.url.endsWith('.ts');
  if (WORKFLOW_BUNDLE === undefined && fromSources)
    return { workflowsPath: fileURLToPath(new URL('./workflows/index.ts', import.meta.url)) };
  return {
    workflowBundle: { codePath: WORKFLOW_BUNDLE ?? fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)) },
  };
}

/** Ends when all have ended; when one ends, the others do too. @throws what the first that failed ended with. */
async function runTogether(workers: Worker[]): Promise<void> {
  const shutDown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const endings = await Promise.allSettled(workers.map((worker) => worker.run().finally(shutDown)));
  for (const ending of endings) if (ending.status === 'rejected') throw ending.reason;
}

/**
 * Worker Versioning, when it is configured. Lives last for years, so each goes on on whatever version is the current one: what is new in
 * their code counts by the policy in their row (decision 0007), as without versioning.
 */
function versioning({
  WORKER_DEPLOYMENT_NAME: deploymentName,
  WORKER_BUILD_ID: buildId,
}: Config): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (deploymentName === undefined || buildId === undefined) return {};
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName, buildId },
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

const activitySettings = (config: Config): Parameters<typeof createActivities>[0]['settings'] => ({
  defaultRetentionDays: config.DEFAULT_RETENTION_DAYS,
  uploadDeadlineMs: config.UPLOAD_DEADLINE_SECONDS * SECOND_MS,
  putUrlMs: config.PRESIGN_UPLOAD_SECONDS * SECOND_MS,
  restorePollMs: config.RESTORE_POLL_SECONDS * SECOND_MS,
  quotas: quotasOf(config),
  reconciliation: { quarantineDays: config.RECONCILE_QUARANTINE_DAYS, keepDays: config.RECONCILE_KEEP_DAYS },
  policy: lifePolicyOf(config),
});

const toPinoLevel = (level: string): 'trace' | 'debug' | 'info' | 'warn' | 'error' => {
  const name = level.toLowerCase();
  return name === 'trace' || name === 'debug' || name === 'warn' || name === 'error' ? name : 'info';
};

/** What is wrong, without a stack, and what to do. */
function explain(error: unknown): string {
  if (error instanceof ArtifactError) return `${error.message}. ${errorKind(error.code).remedy}`;
  return error instanceof Error ? error.message : String(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`worker: ${explain(error)}\n`);
  process.exitCode = 1;
});
