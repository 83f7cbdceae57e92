import { NativeConnection, Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import { createActivities } from '../../src/activities/index.js';
import type { InspectionPatience } from '../../src/activities/deps.js';
import { loadConfig } from '../../src/config.js';
import { openDatabases, openRecords, openStore } from '../../src/deps.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../src/domain/units.js';
import { probeStore } from '../../src/storage/probe.js';
import { connectArtifactLives } from '../../src/temporal/artifact-lives.js';
import { connectFleet } from '../../src/temporal/fleet.js';
import { LIFECYCLE_TASK_QUEUE } from '../../src/temporal/ids.js';
import type { TestStack } from './stack.js';

/** What a worker of this stack, and an operator's command, find in their environment. */
export const operatorEnvironmentOf = (stack: TestStack): Record<string, string> => ({
  DATABASE_URL: stack.databaseUrl,
  TEMPORAL_ADDRESS: stack.temporalAddress,
  TEMPORAL_NAMESPACE: stack.namespace,
  S3_ENDPOINT: stack.store.endpoint,
  S3_REGION: stack.store.region,
  S3_BUCKET: stack.store.bucket,
  AWS_ACCESS_KEY_ID: stack.store.accessKeyId,
  AWS_SECRET_ACCESS_KEY: stack.store.secretAccessKey,
});

/**
 * A worker in this process, over the real servers of a stack whose own worker is stopped. What it inspects is not work under way, so it does not
 * wait for it to end. `stop` it.
 */
export async function startImpatientWorker(
  stack: TestStack,
  patience: Partial<InspectionPatience>,
): Promise<{ stop(): Promise<void> }> {
  const config = loadConfig(operatorEnvironmentOf(stack));
  const store = openStore(config);
  const database = openRecords(config);
  const [others, fleet] = [connectArtifactLives(config), connectFleet(config)];
  const connection = await NativeConnection.connect({ address: stack.temporalAddress });
  const { records, reconciliations, quarantine, shares, rows, identity } = database;
  const databases = openDatabases(config, { store, identity });
  await databases.enter();
  const worker = await Worker.create({
    ...{ connection, namespace: stack.namespace, taskQueue: LIFECYCLE_TASK_QUEUE },
    workflowBundle: { codePath: inject('workflowBundle') },
    activities: createActivities({
      ...{ store, records, reconciliations, quarantine, databases, shares, lives: others.lives },
      capabilities: await probeStore(store),
      inspection: { rows, fleet: fleet.fleet, pace: () => Promise.resolve(), patience },
      settings: {
        ...{ defaultRetentionDays: 30, uploadDeadlineMs: DAY_MS, putUrlMs: HOUR_MS, restorePollMs: SECOND_MS },
        policy: DEFAULT_POLICY,
        reconciliation: { quarantineDays: 7, keepDays: 30 },
      },
    }),
  });
  const running = worker.run();
  return {
    stop: async () => {
      worker.shutdown();
      await running;
      await Promise.all([connection.close(), others.close(), fleet.close(), database.close()]);
      store.close();
    },
  };
}
