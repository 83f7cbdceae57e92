import { randomUUID } from 'node:crypto';
import {
  Client,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  type Connection,
  type WorkflowHandle,
} from '@temporalio/client';
import { TypedSearchAttributes, type SearchAttributePair, type UpdateDefinition } from '@temporalio/common';
import type { ByActor } from '../domain/commands.js';
import { SECOND_MS } from '../domain/units.js';
import type { artifactLifecycle } from '../workflows/artifact-lifecycle.js';
import type { executionDeletion } from '../workflows/execution-deletion.js';
import type { executionRetention } from '../workflows/execution-retention.js';
import * as messages from '../workflows/messages.js';
import {
  ARTIFACT_PERMANENT,
  ARTIFACT_SIZE_BYTES,
  ARTIFACT_STATE,
  ARTIFACT_TIER,
  EXECUTION_ID,
  TENANT_ID,
} from '../workflows/search-attributes.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { isTransientFailure, translateTemporalError } from './errors.js';
import {
  artifactWorkflowId,
  executionDeletionWorkflowId,
  executionRetentionWorkflowId,
  LIFECYCLE_TASK_QUEUE,
} from './ids.js';
import { publicationClient } from './connect-publications.js';
import { lifeSummary } from './life-summary.js';
import type { LifecycleClient } from './lifecycle-client.js';
import { once } from './once.js';
import { pingTemporal, withPatience } from './patience.js';
import type { PublicationClient } from './publication-client.js';

/** How long a caller waits for a verb that takes one short step. Longer than the step itself may take (8 s). */
const SHORT_VERB_MS = 12 * SECOND_MS;
/** For verbs that may move or read the whole file; then the answer is `not_yet_answered` and the work goes on. */
const LONG_VERB_MS = 50 * SECOND_MS;

/** The real {@link LifecycleClient}, and what else goes over its connection. Connects with its first call, so it can be made while Temporal is down. */
export function connectLifecycle(settings: TemporalSettings): {
  client: LifecycleClient;
  publications: PublicationClient;
  close(): Promise<void>;
} {
  const connection = lazyConnection(settings);
  return {
    client: lifecycleClient(connection, settings.TEMPORAL_NAMESPACE),
    publications: publicationClient(connection, settings.TEMPORAL_NAMESPACE),
    close: () => connection.close(),
  };
}

function lifecycleClient(connection: Connection, namespace: string): LifecycleClient {
  const client = new Client({ connection, namespace });

  const ping = () => pingTemporal(client);

  async function call<T>(what: string, timeoutMs: number, run: () => Promise<T>): Promise<T> {
    try {
      return await withPatience(client, timeoutMs, run);
    } catch (error) {
      throw translateTemporalError(error, what);
    }
  }

  const update =
    <M extends ByActor>(definition: UpdateDefinition<messages.Row, [M]>, timeoutMs: number) =>
    (artifactId: string, message: M, requestKey?: string): Promise<messages.Row> => {
      const handle = client.workflow.getHandle(artifactWorkflowId(artifactId));
      const send = (updateId: string) => handle.executeUpdate(definition, { args: [message], updateId });
      return call(`artifact ${artifactId}`, timeoutMs, () =>
        requestKey === undefined
          ? send(newUpdateId(message))
          : once(requestKey, { send, outcomeOf: (id) => outcomeOf(handle, id), isTransient: isTransientFailure }),
      );
    };

  return {
    beginUpload: (upload) =>
      call(`artifact ${upload.artifactId}`, SHORT_VERB_MS, () =>
        client.workflow.executeUpdateWithStart(messages.beginUpload, {
          startWorkflowOperation: startOperation(upload),
        }),
      ),
    completeUpload: update(messages.completeUpload, LONG_VERB_MS),
    abortUpload: update(messages.abortUpload, SHORT_VERB_MS),
    setRetention: update(messages.setRetention, SHORT_VERB_MS),
    keepForever: update(messages.keepForever, SHORT_VERB_MS),
    addHold: update(messages.addHold, SHORT_VERB_MS),
    endHold: update(messages.endHold, SHORT_VERB_MS),
    setTags: update(messages.setTags, SHORT_VERB_MS),
    undeleteArtifact: update(messages.undeleteArtifact, SHORT_VERB_MS),
    purgeArtifact: update(messages.purgeArtifact, LONG_VERB_MS),
    deleteArtifact: update(messages.deleteArtifact, LONG_VERB_MS),
    archiveArtifact: update(messages.archiveArtifact, LONG_VERB_MS),
    restoreArtifact: update(messages.restoreArtifact, SHORT_VERB_MS),
    setExecutionRetention: (executionId, message) =>
      call(`execution ${executionId}`, SHORT_VERB_MS, () =>
        client.workflow.executeUpdateWithStart(messages.setExecutionRetention, {
          args: [message],
          startWorkflowOperation: executionRetentionOperation(executionId),
        }),
      ),
    deleteExecutionArtifacts: async (executionId, message, waitMs) => {
      const what = `execution ${executionId}`;
      const startWorkflowOperation = executionDeletionOperation(executionId, message);
      const run = await call(what, SHORT_VERB_MS, async () => {
        // Whoever asks again and again joins his own message instead of adding to the history.
        const updateId = message.deletionId;
        const options = { args: [message] as [typeof message], updateId, startWorkflowOperation };
        await client.workflow.executeUpdateWithStart(messages.deleteExecutionArtifacts, options);
        return startWorkflowOperation.workflowHandle();
      });
      await call(what, waitMs, () => run.result());
    },
    describe: (artifactId) =>
      call(`artifact ${artifactId}`, SHORT_VERB_MS, () =>
        client.workflow.getHandle(artifactWorkflowId(artifactId)).query(messages.describe),
      ),
    ping,
  };
}

/** The Temporal UI shows by which request an update came. Callers may say the same id twice, which makes no update the same. */
const newUpdateId = ({ requestId }: ByActor): string =>
  requestId === undefined ? randomUUID() : `${requestId}/${randomUUID()}`;

/** @throws what the update failed with. */
async function outcomeOf(handle: WorkflowHandle, updateId: string): Promise<{ value: messages.Row } | null> {
  try {
    return { value: await handle.getUpdateHandle<messages.Row>(updateId).result() };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Starts the artifact's workflow, or joins the one that runs; an id that was used before is refused. */
function startOperation(upload: messages.NewUpload): WithStartWorkflowOperation<typeof artifactLifecycle> {
  return new WithStartWorkflowOperation<typeof artifactLifecycle>('artifactLifecycle', {
    workflowId: artifactWorkflowId(upload.artifactId),
    taskQueue: LIFECYCLE_TASK_QUEUE,
    args: [{ upload }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    typedSearchAttributes: new TypedSearchAttributes(initialSearchAttributes(upload)),
    staticSummary: lifeSummary(upload),
    staticDetails: `Life of artifact ${upload.artifactId} of execution ${upload.executionId}, uploaded by ${upload.actor}`,
  });
}

/** Joins the change of this execution's retention that runs, or starts one. */
function executionRetentionOperation(executionId: string): WithStartWorkflowOperation<typeof executionRetention> {
  return new WithStartWorkflowOperation<typeof executionRetention>('executionRetention', {
    workflowId: executionRetentionWorkflowId(executionId),
    taskQueue: LIFECYCLE_TASK_QUEUE,
    args: [{ executionId }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `retention of execution ${executionId}`,
  });
}

/** Joins the deletion of this execution's artifacts that runs, or starts one. */
function executionDeletionOperation(
  executionId: string,
  request: messages.DeleteExecutionArtifacts,
): WithStartWorkflowOperation<typeof executionDeletion> {
  return new WithStartWorkflowOperation<typeof executionDeletion>('executionDeletion', {
    workflowId: executionDeletionWorkflowId(executionId),
    taskQueue: LIFECYCLE_TASK_QUEUE,
    args: [{ executionId, request }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `deletion of all artifacts of execution ${executionId}`,
    staticDetails: `Asked for by ${request.actor}`,
  });
}

/** What is known at the start costs no event when it is given with the start. */
function initialSearchAttributes(upload: messages.NewUpload): SearchAttributePair[] {
  return [
    { key: ARTIFACT_STATE, value: 'UPLOADING' },
    { key: ARTIFACT_TIER, value: 'HOT' },
    { key: EXECUTION_ID, value: upload.executionId },
    { key: TENANT_ID, value: upload.tenantId },
    { key: ARTIFACT_PERMANENT, value: false },
    ...(upload.sizeBytes === null ? [] : [{ key: ARTIFACT_SIZE_BYTES, value: upload.sizeBytes }]),
  ];
}
