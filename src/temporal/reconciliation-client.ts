import { Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import {
  RECONCILIATION_WORKFLOW_ID,
  type ReconciliationMode,
  type ReconciliationProgress,
} from '../domain/reconcile.js';
import { SECOND_MS } from '../domain/units.js';
import { reconciliationProgress } from '../workflows/messages.js';
import type { reconcile } from '../workflows/reconcile.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { translateTemporalError } from './errors.js';
import { LIFECYCLE_TASK_QUEUE } from './ids.js';
import { withPatience } from './patience.js';

const CALL_MS = 10 * SECOND_MS;

/** The reconciliation by its workflow, of which one runs at a time. @throws `workflows_unavailable`. */
export interface ReconciliationClient {
  /** Starts one, or joins the one that runs, whatever its mode. */
  startReconciliation(mode: ReconciliationMode): Promise<{ runId: string; hasJoined: boolean }>;
  /** `problem`: why what it is at has failed and is tried again; null: it has not. */
  lookAt(runId: string): Promise<{ isRunning: boolean; problem: string | null }>;
  /**
   * How the workflow of a run ended, in the words of Temporal (`terminated`), and when, if that is known; null: it runs.
   * @param runId the first of its chain.
   */
  endOf(runId: string): Promise<{ how: string; atMs: number | null } | null>;
  /** Null when no worker answers now. */
  progressOf(): Promise<ReconciliationProgress | null>;
}

/** Connects with its first call. */
export function connectReconciliation(settings: TemporalSettings): {
  client: ReconciliationClient;
  close(): Promise<void>;
} {
  const connection = lazyConnection(settings);
  const client = new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE });
  const underWay = new Set<Promise<unknown>>();
  return {
    client: reconciliationClient(client, underWay),
    close: async () => {
      // The SDK goes on trying what nobody waits for any more, and would throw where nobody can catch it.
      await Promise.allSettled(underWay);
      await connection.close();
    },
  };
}

/** @param underWay has the calls that have not ended, at most 10 s each, also when they were given up. */
export function reconciliationClient(client: Client, underWay = new Set<Promise<unknown>>()): ReconciliationClient {
  const handle = () => client.workflow.getHandle<typeof reconcile>(RECONCILIATION_WORKFLOW_ID);
  const call = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await withPatience(client, CALL_MS, () => {
        const running = run();
        underWay.add(running);
        const ended = () => void underWay.delete(running);
        running.then(ended, ended);
        return running;
      });
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError || error instanceof WorkflowNotFoundError) throw error;
      throw translateTemporalError(error, 'the reconciliation');
    }
  };
  /** Null: there never was one that is remembered. */
  const describe = async (): Promise<{
    runId: string;
    isRunning: boolean;
    status: string;
    closedAtMs: number | null;
    problem: string | null;
  } | null> => {
    try {
      const { status, raw, closeTime } = await call(() => handle().describe());
      const failed = (raw.pendingActivities ?? []).find(({ lastFailure }) => lastFailure);
      return {
        runId: raw.workflowExecutionInfo?.firstRunId ?? '',
        isRunning: status.name === 'RUNNING',
        status: status.name,
        closedAtMs: closeTime?.getTime() ?? null,
        problem: failed?.lastFailure?.message ?? null,
      };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  };
  return {
    startReconciliation: async (mode) => {
      for (;;) {
        try {
          const start = () =>
            client.workflow.start<typeof reconcile>('reconcile', {
              workflowId: RECONCILIATION_WORKFLOW_ID,
              taskQueue: LIFECYCLE_TASK_QUEUE,
              args: [{ mode }],
              workflowIdReusePolicy: 'ALLOW_DUPLICATE',
              workflowIdConflictPolicy: 'FAIL',
              staticSummary: `asked for by an operator (${mode})`,
            });
          return { runId: (await call(start)).firstExecutionRunId, hasJoined: false };
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
          const running = await describe();
          if (running?.isRunning === true) return { runId: running.runId, hasJoined: true };
        }
      }
    },
    lookAt: async (runId) => {
      const last = await describe();
      return { isRunning: last?.isRunning === true && last.runId === runId, problem: last?.problem ?? null };
    },
    endOf: async (runId) => {
      const last = await describe();
      if (last === null) return { how: 'and its workflow is not known any more', atMs: null };
      if (last.runId !== runId) return { how: 'before the next one began', atMs: null };
      return last.isRunning ? null : { how: last.status.toLowerCase().replaceAll('_', ' '), atMs: last.closedAtMs };
    },
    progressOf: async () => {
      try {
        return await call(() => handle().query(reconciliationProgress));
      } catch {
        // A worker that is busy or away: how far it is can wait, and whether it runs is asked for separately.
        return null;
      }
    },
  };
}
