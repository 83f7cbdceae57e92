import { WithStartWorkflowOperation, WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { TypedSearchAttributes, type SearchAttributePair } from '@temporalio/common';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { lifeOfRow } from '../domain/life-of-row.js';
import { SECOND_MS } from '../domain/units.js';
import type { artifactLifecycle } from '../workflows/artifact-lifecycle.js';
import { SEARCH_ATTRIBUTES, searchAttributeValues } from '../workflows/search-attributes.js';
import { translateTemporalError } from './errors.js';
import { artifactWorkflowId, LIFECYCLE_TASK_QUEUE } from './ids.js';
import { lifeSummary } from './life-summary.js';

const START_MS = 10 * SECOND_MS;

/** See the port `ArtifactLives` of the activities. That there is one at a time is what Temporal itself sees to. */
export async function revive(client: Client, record: ArtifactRecord): Promise<boolean> {
  const start = () =>
    client.workflow.start<typeof artifactLifecycle>('artifactLifecycle', {
      ...startOf(record),
      workflowIdConflictPolicy: 'FAIL',
    });
  try {
    await client.withDeadline(Date.now() + START_MS, start);
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw translateTemporalError(error, `artifact ${record.id}`);
  }
}

/** Joins the life that runs, or starts one as {@link revive} does, to be told something at once. */
export const revival = (record: ArtifactRecord): WithStartWorkflowOperation<typeof artifactLifecycle> =>
  new WithStartWorkflowOperation<typeof artifactLifecycle>('artifactLifecycle', {
    ...startOf(record),
    workflowIdConflictPolicy: 'USE_EXISTING',
  });

const startOf = (record: ArtifactRecord) => ({
  workflowId: artifactWorkflowId(record.id),
  taskQueue: LIFECYCLE_TASK_QUEUE,
  args: [{ state: lifeOfRow(record, Date.now()) }] as Parameters<typeof artifactLifecycle>,
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
  typedSearchAttributes: new TypedSearchAttributes(searchAttributesOf(record)),
  staticSummary: lifeSummary(record),
  staticDetails: `Life of artifact ${record.id} of execution ${record.executionId}, taken up again from its row`,
});

function searchAttributesOf(record: ArtifactRecord): SearchAttributePair[] {
  const values = searchAttributeValues(record, null);
  return SEARCH_ATTRIBUTES.flatMap((key, index) => {
    const value = values[index] ?? null;
    return value === null ? [] : [{ key, value } as SearchAttributePair];
  });
}
