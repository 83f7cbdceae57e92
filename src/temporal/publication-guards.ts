import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { PublicationReport, PublishRequest } from '../domain/publish.js';
import { SECOND_MS } from '../domain/units.js';
import { publicationStatus } from '../workflows/messages.js';
import type { publicationGuard } from '../workflows/publication-guard.js';
import { translateTemporalError } from './errors.js';
import { LIFECYCLE_TASK_QUEUE, publicationGuardWorkflowId, publicationWorkflowId } from './ids.js';

const CALL_MS = 10 * SECOND_MS;

export interface PublicationGuards {
  guardPublication(request: PublishRequest): Promise<void>;
  isPublishing(executionId: string, publicationId: string): Promise<boolean>;
  lastReport(executionId: string, publicationId: string): Promise<PublicationReport | null>;
}

/** Of the port `ArtifactLives` of the activities: what is about the workflows of publications. */
export function publicationGuards(client: Client): PublicationGuards {
  async function call<T>(publicationId: string, run: () => Promise<T>): Promise<T> {
    try {
      return await client.withDeadline(Date.now() + CALL_MS, run);
    } catch (error) {
      throw error instanceof WorkflowNotFoundError
        ? error
        : translateTemporalError(error, `publication ${publicationId}`);
    }
  }
  const handleOf = (executionId: string, publicationId: string) =>
    client.workflow.getHandle(publicationWorkflowId(executionId, publicationId));

  return {
    guardPublication: async (request) => {
      const { executionId, publicationId } = request;
      await call(publicationId, () =>
        client.workflow.start<typeof publicationGuard>('publicationGuard', {
          workflowId: publicationGuardWorkflowId(executionId, publicationId),
          taskQueue: LIFECYCLE_TASK_QUEUE,
          args: [request],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: `guards publication ${publicationId}`,
        }),
      );
    },
    isPublishing: async (executionId, publicationId) => {
      try {
        const { status } = await call(publicationId, () => handleOf(executionId, publicationId).describe());
        return status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
    lastReport: async (executionId, publicationId) => {
      try {
        return await call(publicationId, () => handleOf(executionId, publicationId).query(publicationStatus));
      } catch {
        // Its history may be gone, or its code: the end of a publication must not depend on it.
        return null;
      }
    },
  };
}
