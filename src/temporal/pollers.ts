import { hostname } from 'node:os';
import type { Connection } from '@temporalio/client';
import { uploadTaskQueue } from '../domain/publish.js';
import { msOf, type Timestamp } from './timestamps.js';
import { LIFECYCLE_TASK_QUEUE } from './ids.js';

const TIMEOUT_MS = 2_000;
/** temporal.api.enums.v1.TaskQueueType */
const TASK_QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

export interface PolledQueue {
  name: string;
  type: keyof typeof TASK_QUEUE_TYPES;
}

/** Who asks a task queue for work. */
export interface Poller {
  /** Process id and host, unless it was given another name. */
  identity: string;
  /** Of its code, see `buildOf`; null: it does not tell. */
  build: string | null;
  /** When its last question began, by the server's clock; a question waits for work up to a minute. */
  lastSeenMs: number;
  /** Null: its versions are not told apart (Worker Versioning is off). */
  deployment: { name: string; buildId: string } | null;
}

/** What a worker of ours calls itself: as the SDK would, and its build, which is told nowhere else. */
export const identityOf = (build: string): string => `${process.pid}@${hostname()} ${build}`;

export const LIFECYCLE_QUEUE: PolledQueue = { name: LIFECYCLE_TASK_QUEUE, type: 'workflow' };

/** What the upload worker of a host asks for work. */
export const uploadQueue = (hostId: string): PolledQueue => ({ name: uploadTaskQueue(hostId), type: 'activity' });

/**
 * Whether a worker asks a task queue (default: that of the lifecycle) for work and did so after `sinceMs` (epoch): the poll of one that has been killed since is still
 * listed. There is no other sign from outside that a worker is ready.
 */
export async function workerPolls(
  connection: Connection,
  namespace: string,
  sinceMs: number,
  queue: PolledQueue = LIFECYCLE_QUEUE,
): Promise<boolean> {
  const pollers = await connection.withDeadline(Date.now() + TIMEOUT_MS, () => pollersOf(connection, namespace, queue));
  return pollers.some(({ lastSeenMs }) => lastSeenMs >= sinceMs);
}

/** Who has asked a task queue for work in the last minutes, also those that have been killed since; the latest first. */
export async function pollersOf(
  { workflowService }: Connection,
  namespace: string,
  { name, type }: PolledQueue,
): Promise<Poller[]> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name },
    taskQueueType: TASK_QUEUE_TYPES[type],
  });
  return (pollers ?? [])
    .map(({ identity, lastAccessTime, deploymentOptions: options }) => ({
      ...nameOf(identity ?? ''),
      lastSeenMs: msOf(lastAccessTime as Timestamp),
      deployment:
        options?.deploymentName && options.buildId ? { name: options.deploymentName, buildId: options.buildId } : null,
    }))
    .sort((a, b) => b.lastSeenMs - a.lastSeenMs);
}

function nameOf(identity: string): Pick<Poller, 'identity' | 'build'> {
  const [, name = identity, build = null] = /^(\d+@\S+) (\S+)$/.exec(identity) ?? [];
  return { identity: name, build };
}
