import type { Connection } from '@temporalio/client';
import { uploadTaskQueue } from '../domain/publish.js';
import { LIFECYCLE_TASK_QUEUE } from '../temporal/ids.js';

const TIMEOUT_MS = 2_000;
/** temporal.api.enums.v1.TaskQueueType */
const TASK_QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

export interface PolledQueue {
  name: string;
  type: keyof typeof TASK_QUEUE_TYPES;
}

const LIFECYCLE_QUEUE: PolledQueue = { name: LIFECYCLE_TASK_QUEUE, type: 'workflow' };

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
  { name, type }: PolledQueue = LIFECYCLE_QUEUE,
): Promise<boolean> {
  const { pollers } = await connection.withDeadline(Date.now() + TIMEOUT_MS, () =>
    connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name },
      taskQueueType: TASK_QUEUE_TYPES[type],
    }),
  );
  return (pollers ?? []).some(({ lastAccessTime: at }) => {
    const atMs = Number(at?.seconds ?? 0) * 1_000 + (at?.nanos ?? 0) / 1_000_000;
    return atMs >= sinceMs;
  });
}
