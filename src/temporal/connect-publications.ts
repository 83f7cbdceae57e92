import { Client, WorkflowNotFoundError, type Connection, type WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter, TypedSearchAttributes } from '@temporalio/common';
import { uploadTaskQueue, type PublishRequest } from '../domain/publish.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import { cancelPublication, publicationStatus } from '../workflows/messages.js';
import type { publishOutputs } from '../workflows/publish-outputs.js';
import { EXECUTION_ID, TENANT_ID } from '../workflows/search-attributes.js';
import { translateTemporalError } from './errors.js';
import { publicationOptions } from './for-clients.js';
import { publicationWorkflowId } from './ids.js';
import { withPatience } from './patience.js';
import type { PublicationClient } from './publication-client.js';

const CALL_MS = 12 * SECOND_MS;
/** A worker asks for work at least once a minute; the server remembers it for five. */
const POLLED_WITHIN_MS = 2 * MINUTE_MS;
/** temporal.api.enums.v1.TaskQueueType */
const ACTIVITY_QUEUE = 2;

/** The real {@link PublicationClient}. */
export function publicationClient(connection: Connection, namespace: string): PublicationClient {
  const client = new Client({ connection, namespace });

  async function call<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await withPatience(client, CALL_MS, run);
    } catch (error) {
      throw error instanceof WorkflowNotFoundError ? error : translateTemporalError(error, what);
    }
  }
  const handleOf = (executionId: string, publicationId: string) =>
    client.workflow.getHandle<typeof publishOutputs>(publicationWorkflowId(executionId, publicationId));

  return {
    isHostThere: async (hostId) => {
      const taskQueue = { name: uploadTaskQueue(hostId) };
      const question = { namespace, taskQueue, taskQueueType: ACTIVITY_QUEUE };
      const { pollers } = await call(`host ${hostId}`, () => connection.workflowService.describeTaskQueue(question));
      const sinceMs = Date.now() - POLLED_WITHIN_MS;
      return (pollers ?? []).some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * SECOND_MS >= sinceMs);
    },
    startPublication: async (request, hostTimeoutMs) => {
      await call(`publication ${request.publicationId}`, () =>
        client.workflow.start<typeof publishOutputs>('publishOutputs', {
          ...publicationOptions({ ...request, hostTimeoutMs }),
          ...shownAs(request),
        }),
      );
    },
    getPublication: async (executionId, publicationId) => {
      const handle = handleOf(executionId, publicationId);
      const what = `publication ${publicationId}`;
      try {
        const report = await call(what, () => handle.query(publicationStatus));
        const isOver = report.phase === 'ended';
        const sendingBytes = isOver ? 0 : sendingBytesOf(await call(what, () => handle.describe()));
        return { report, sendingBytes };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },
    cancelPublication: async (executionId, publicationId, by) => {
      const handle = handleOf(executionId, publicationId);
      try {
        await call(`publication ${publicationId}`, () => handle.signal(cancelPublication, by));
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
  };
}

const shownAs = ({ executionId, publicationId, tenantId, actor }: PublishRequest) => ({
  typedSearchAttributes: new TypedSearchAttributes([
    { key: EXECUTION_ID, value: executionId },
    { key: TENANT_ID, value: tenantId },
  ]),
  staticDetails: `Publication ${publicationId} for execution ${executionId}, asked for by ${actor}`,
});

/** What the activities of the host told last. */
function sendingBytesOf({ raw }: WorkflowExecutionDescription): number {
  const told = (raw.pendingActivities ?? []).map(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    if (payload === undefined) return 0;
    const details: unknown = defaultPayloadConverter.fromPayload(payload);
    const doneBytes = typeof details === 'object' && details !== null && 'doneBytes' in details ? details.doneBytes : 0;
    return typeof doneBytes === 'number' ? doneBytes : 0;
  });
  return told.reduce((sum, bytes) => sum + bytes, 0);
}
