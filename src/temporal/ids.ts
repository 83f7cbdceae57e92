/** Names that the server, the worker and its clients must agree on, each in one place. */

/** Queue of the entity workflows and their activities. */
export const LIFECYCLE_TASK_QUEUE = 'artifact-lifecycle';

const ARTIFACT_PREFIX = 'artifact/';

/** Workflow id of an artifact's life. Never reused: an artifact id lives once. */
export const artifactWorkflowId = (artifactId: string): string => `${ARTIFACT_PREFIX}${artifactId}`;

/** The artifact id of a workflow id; null when it is another kind of workflow. */
export const artifactIdOf = (workflowId: string): string | null =>
  workflowId.startsWith(ARTIFACT_PREFIX) ? workflowId.slice(ARTIFACT_PREFIX.length) : null;
