/**
 * `durable-artifacts/workflows`: what a program with nothing but `@temporalio/client` needs to publish a folder of its host. Types, and
 * names that both sides must agree on; nothing of the service is loaded.
 *
 * ```ts
 * const report = await client.workflow.execute<typeof publishOutputs>('publishOutputs', publicationOptions(request));
 * ```
 */
import type { PublishOutputsInput } from '../workflows/publish-outputs.js';
import { LIFECYCLE_TASK_QUEUE, publicationWorkflowId } from './ids.js';

export type { publishOutputs, PublishOutputsInput } from '../workflows/publish-outputs.js';
export type {
  ListedFile,
  PublicationCounts,
  PublicationOutcome,
  PublicationPhase,
  PublicationReport,
  PublishRequest,
  RefusedFile,
} from '../domain/publish.js';
export { publicationWorkflowId } from './ids.js';
export { uploadTaskQueue } from '../domain/publish.js';

/** How a publication is started: under the same ids it is the same one, joined while it runs and answered with its end afterwards. */
export interface PublicationOptions {
  workflowId: string;
  taskQueue: string;
  args: [PublishOutputsInput];
  workflowIdConflictPolicy: 'USE_EXISTING';
  workflowIdReusePolicy: 'ALLOW_DUPLICATE';
  staticSummary: string;
}

/** Options for `client.workflow.start` and `execute` of `publishOutputs`. */
export const publicationOptions = (input: PublishOutputsInput): PublicationOptions => ({
  workflowId: publicationWorkflowId(input.executionId, input.publicationId),
  taskQueue: LIFECYCLE_TASK_QUEUE,
  args: [input],
  workflowIdConflictPolicy: 'USE_EXISTING',
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  staticSummary: `${input.folder} of ${input.hostId}`.slice(0, 200),
});
