import { Client, WorkflowNotFoundError } from '@temporalio/client';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { completeRecord } from '../domain/artifact-record.js';
import type { PublicationReport } from '../domain/publish.js';
import { SECOND_MS } from '../domain/units.js';
import { describe, publicationStatus } from '../workflows/messages.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { translateTemporalError } from './errors.js';
import { artifactIdOf, artifactWorkflowId, publicationWorkflowId, RUNNING_LIVES } from './ids.js';

/** A worker has to take the life up from its history first. */
const ANSWER_MS = 15 * SECOND_MS;

/** The lives that run, as an operator's program reads them. All throw `workflows_unavailable`, `not_yet_answered`. */
export interface RunningLives {
  count(): Promise<number>;
  /** Ids of artifacts whose life runs, in pages of the server's; of an execution, or of all (null). */
  list(executionId: string | null): AsyncIterable<string>;
  /**
   * What a life knows of its row; null when it has ended. A worker has to run.
   * @throws `not_yet_answered` when none answers.
   */
  recordOf(artifactId: string): Promise<ArtifactRecord | null>;
  /** Whether a publication was committed, as far as its workflow can still say so. */
  isCommitted(executionId: string, publicationId: string): Promise<boolean>;
  /** Whether the workflow of a publication runs. */
  runs(workflowId: string): Promise<boolean>;
  close(): Promise<void>;
}

export function connectRunningLives(settings: TemporalSettings): RunningLives {
  const connection = lazyConnection(settings);
  const client = new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE });
  async function ask<T, A>(what: string, question: () => Promise<T>, absent: A): Promise<T | A> {
    try {
      return await client.withDeadline(Date.now() + ANSWER_MS, question);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return absent;
      throw translateTemporalError(error, what);
    }
  }
  return {
    count: () => ask('lives', async () => (await client.workflow.count(RUNNING_LIVES)).count, 0),
    list: async function* (executionId) {
      const query = executionId === null ? RUNNING_LIVES : `${RUNNING_LIVES} AND ExecutionId = "${executionId}"`;
      try {
        for await (const { workflowId } of client.workflow.list({ query, pageSize: 500 }))
          yield artifactIdOf(workflowId) ?? '';
      } catch (error) {
        throw translateTemporalError(error, 'lives');
      }
    },
    recordOf: (artifactId) =>
      ask(
        `artifact ${artifactId}`,
        async () =>
          completeRecord((await client.workflow.getHandle(artifactWorkflowId(artifactId)).query(describe)).record),
        null,
      ),
    isCommitted: async (executionId, publicationId) => {
      const handle = client.workflow.getHandle(publicationWorkflowId(executionId, publicationId));
      const report = await ask<PublicationReport, null>('publication', () => handle.query(publicationStatus), null);
      return report?.outcome === 'published';
    },
    runs: (workflowId) =>
      ask(
        workflowId,
        async () => (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING',
        false,
      ),
    close: () => connection.close(),
  };
}
