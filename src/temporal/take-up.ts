import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowStartOptions } from '@temporalio/client';
import type {
  Interrupted,
  InterruptedDeletion,
  InterruptedPublication,
  InterruptedRetention,
} from '../domain/rebuild.js';
import { SECOND_MS } from '../domain/units.js';
import type { DeletionState, executionDeletion } from '../workflows/execution-deletion.js';
import type { executionRetention } from '../workflows/execution-retention.js';
import type { publicationGuard } from '../workflows/publication-guard.js';
import { translateTemporalError } from './errors.js';
import {
  executionDeletionWorkflowId,
  executionRetentionWorkflowId,
  LIFECYCLE_TASK_QUEUE,
  publicationGuardWorkflowId,
  publicationWorkflowId,
} from './ids.js';

const START_MS = 10 * SECOND_MS;
/** What nobody can say any more of a publication. */
const UNKNOWN = 'unknown';

/** Ids of the workflows of which one would see to it. */
export function workflowsOf(interrupted: Interrupted): string[] {
  const { executionId } = interrupted;
  switch (interrupted.kind) {
    case 'execution_deletion':
      return [executionDeletionWorkflowId(executionId)];
    case 'execution_retention':
      return [executionRetentionWorkflowId(executionId)];
    case 'publication':
      return [
        publicationWorkflowId(executionId, interrupted.id),
        publicationGuardWorkflowId(executionId, interrupted.id),
      ];
  }
}

/**
 * Starts what has lost its workflow, as far as its rows say how: the deletion or the retention goes on, and a publication gets a guard, which
 * ends it unless somebody asks for it again within 15 minutes. Nothing happens to one that runs. No worker is needed.
 * @throws `workflows_unavailable`, `not_yet_answered`.
 */
export async function takeUp(client: Client, interrupted: Interrupted): Promise<void> {
  const start = (): Promise<unknown> => {
    switch (interrupted.kind) {
      case 'execution_deletion':
        return client.workflow.start<typeof executionDeletion>('executionDeletion', deletion(interrupted));
      case 'execution_retention':
        return client.workflow.start<typeof executionRetention>('executionRetention', retention(interrupted));
      case 'publication':
        return client.workflow.start<typeof publicationGuard>('publicationGuard', guard(interrupted));
    }
  };
  try {
    await client.withDeadline(Date.now() + START_MS, start);
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return;
    throw translateTemporalError(error, `execution ${interrupted.executionId}`);
  }
}

/** As a run that had accepted all of it, and told nobody yet, would hand over. */
function deletion(interrupted: InterruptedDeletion): WorkflowStartOptions<typeof executionDeletion> {
  const { executionId, id: runId, requests: accepted, lastOrdinal, actor } = interrupted;
  const nothingYet = { told: 0, orphaned: 0, left: null, quietLooks: 0 };
  const state: DeletionState = { runId, actor, lastOrdinal, accepted, ...nothingYet };
  return {
    ...started(executionDeletionWorkflowId(executionId)),
    args: [{ executionId, state }],
    staticSummary: `deletion of all artifacts of execution ${executionId}`,
    staticDetails: `Asked for by ${actor}, taken up again from its rows`,
  };
}

function retention(interrupted: InterruptedRetention): WorkflowStartOptions<typeof executionRetention> {
  const { executionId, tenantId, actor, days } = interrupted;
  return {
    ...started(executionRetentionWorkflowId(executionId)),
    args: [{ executionId, wanted: { tenantId, days, actor } }],
    staticSummary: `retention of execution ${executionId}`,
  };
}

function guard(interrupted: InterruptedPublication): WorkflowStartOptions<typeof publicationGuard> {
  const { executionId, tenantId, actor, id: publicationId } = interrupted;
  return {
    ...started(publicationGuardWorkflowId(executionId, publicationId)),
    args: [{ executionId, tenantId, actor, publicationId, hostId: UNKNOWN, folder: UNKNOWN }],
    staticSummary: `guards publication ${publicationId}`,
  };
}

const started = (workflowId: string) => ({
  ...{ workflowId, taskQueue: LIFECYCLE_TASK_QUEUE },
  ...({ workflowIdConflictPolicy: 'FAIL', workflowIdReusePolicy: 'ALLOW_DUPLICATE' } as const),
});
