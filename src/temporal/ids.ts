/** Names that the server, the worker and its clients must agree on, each in one place. */

/** Queue of the entity workflows and their activities. */
export const LIFECYCLE_TASK_QUEUE = 'artifact-lifecycle';

export { READ_BACK_TASK_QUEUE, WEBHOOK_TASK_QUEUE } from '../workflows/task-queues.js';

/** Workflow id of the writing of an execution's manifest: one at a time. */
export const executionManifestWorkflowId = (executionId: string): string => `execution/${executionId}`;

/** Workflow id of the changes of an execution's retention: one at a time. */
export const executionRetentionWorkflowId = (executionId: string): string => `execution/${executionId}/retention`;

/** Workflow id of the deletion of all artifacts of an execution: one at a time. */
export const executionDeletionWorkflowId = (executionId: string): string => `execution/${executionId}/deletion`;

/** Workflow id of a publication. */
export const publicationWorkflowId = (executionId: string, publicationId: string): string =>
  `execution/${executionId}/publication/${publicationId}`;

/** Workflow id of what cleans up after a publication whose workflow was ended from outside. */
export const publicationGuardWorkflowId = (executionId: string, publicationId: string): string =>
  `${publicationWorkflowId(executionId, publicationId)}/guard`;

/** Workflow id of an artifact's life: one at a time. Used again only when a life is taken up from its row. */
export const artifactWorkflowId = (artifactId: string): string => `artifact/${artifactId}`;

/** Visibility query: every life that runs. */
export const RUNNING_LIVES = 'WorkflowType = "artifactLifecycle" AND ExecutionStatus = "Running"';

const LIFE = /^artifact\/([^/]+)$/;

/** The artifact whose life has this workflow id; null when it is of something else. */
export const artifactIdOf = (workflowId: string): string | null => LIFE.exec(workflowId)?.[1] ?? null;

/** Workflow id of what delivers the announcements of an artifact: one at a time, in their order. */
export const webhookWorkflowId = (artifactId: string): string => `${artifactWorkflowId(artifactId)}/webhooks`;
