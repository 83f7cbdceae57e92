import type { Connection } from '@temporalio/client';
import { LIFECYCLE_TASK_QUEUE } from '../temporal/ids.js';

const TIMEOUT_MS = 2_000;
/** temporal.api.enums.v1.TaskQueueType */
const TASK_QUEUE_TYPE_WORKFLOW = 1;

/**
 * Whether a worker asks our task queue for work and did so after `sinceMs` (epoch): the poll of one that has been killed since is still
 * listed. There is no other sign from outside that a worker is ready.
 */
export async function workerPolls(connection: Connection, namespace: string, sinceMs: number): Promise<boolean> {
  const { pollers } = await connection.withDeadline(Date.now() + TIMEOUT_MS, () =>
    connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: LIFECYCLE_TASK_QUEUE },
      taskQueueType: TASK_QUEUE_TYPE_WORKFLOW,
    }),
  );
  return (pollers ?? []).some(({ lastAccessTime: at }) => {
    const atMs = Number(at?.seconds ?? 0) * 1_000 + (at?.nanos ?? 0) / 1_000_000;
    return atMs >= sinceMs;
  });
}
