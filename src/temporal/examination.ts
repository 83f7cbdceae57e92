import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { DAY_MS, SECOND_MS } from '../domain/units.js';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { pollersOf, type Poller, type PolledQueue } from './pollers.js';
import { INDEXED_VALUE_TYPE } from './search-attributes.js';
import { msOf } from './timestamps.js';

/** What operators ask a Temporal server. Nothing here starts, signals or changes a workflow. */
export interface TemporalExamination {
  server(): Promise<{ version: string }>;
  /** Null when there is none of that name. */
  namespace(): Promise<NamespaceFacts | null>;
  /** Those of ours that are missing, or of another type. */
  searchAttributes(): Promise<{ missing: string[]; wrong: { name: string; is: string; shouldBe: string }[] }>;
  /** See {@link pollersOf}. */
  pollers(queue: PolledQueue): Promise<Poller[]>;
  /** Null when there is none of that id. */
  schedule(scheduleId: string): Promise<ScheduleFacts | null>;
  /** How many workflows a visibility query finds. */
  count(query: string): Promise<number>;
  /** Ids of the first that it finds. */
  some(query: string, atMost: number): Promise<string[]>;
  /** Versions of a worker deployment; null when there is none of that name. */
  deployment(name: string): Promise<{ currentBuildId: string | null } | null>;
  /** How far the server's clock is ahead of ours (negative: behind), give or take `accuracyMs`. */
  clock(): Promise<{ aheadMs: number; accuracyMs: number }>;
  close(): Promise<void>;
}

export interface NamespaceFacts {
  /** How long what has ended can still be looked at. */
  retentionDays: number;
  /** Verbs are updates. */
  hasUpdates: boolean;
}

export interface ScheduleFacts {
  paused: boolean;
  note: string;
  /** Null: it never ran. */
  lastRunMs: number | null;
  nextRunMs: number | null;
}

const CALL_TIMEOUT_MS = 5 * SECOND_MS;
/** gRPC status code (grpc.io, "status codes"). */
const NOT_FOUND = 5;
/** Nobody ever gives it work. One name for all, as the server keeps a line about each queue. */
const CLOCK_QUEUE = 'artifact-doctor';
const CLOCK_LOOKS = 20;
const CLOCK_LOOK_MS = 50;

/** Connects with the first question; each is given up after 5 s. Errors of the SDK pass through. */
export function examineTemporal(settings: TemporalSettings): TemporalExamination {
  const connection = lazyConnection(settings);
  const { workflowService, operatorService } = connection;
  const namespace = settings.TEMPORAL_NAMESPACE;
  const ask = <T>(run: () => Promise<T>): Promise<T> => connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, run);

  return {
    server: async () => {
      const { serverVersion } = await ask(() => workflowService.getSystemInfo({}));
      return { version: serverVersion ?? 'unknown' };
    },
    namespace: async () => {
      const found = await ask(() => workflowService.describeNamespace({ namespace })).catch(nullWhenAbsent);
      if (found === null) return null;
      const retention = found.config?.workflowExecutionRetentionTtl;
      return {
        retentionDays: msOf(retention) / DAY_MS,
        hasUpdates: found.namespaceInfo?.capabilities?.syncUpdate === true,
      };
    },
    searchAttributes: async () => {
      const { customAttributes } = await ask(() => operatorService.listSearchAttributes({ namespace }));
      return compareSearchAttributes(customAttributes ?? {});
    },
    pollers: (queue) => ask(() => pollersOf(connection, namespace, queue)),
    schedule: async (scheduleId) => {
      const found = await ask(() => workflowService.describeSchedule({ namespace, scheduleId })).catch(nullWhenAbsent);
      if (found === null) return null;
      const lastRun = (found.info?.recentActions ?? []).at(-1)?.actualTime;
      const nextRun = found.info?.futureActionTimes?.[0];
      return {
        paused: found.schedule?.state?.paused === true,
        note: found.schedule?.state?.notes ?? '',
        lastRunMs: lastRun ? msOf(lastRun) : null,
        nextRunMs: nextRun ? msOf(nextRun) : null,
      };
    },
    count: async (query) => {
      const { count } = await ask(() => workflowService.countWorkflowExecutions({ namespace, query }));
      return Number(count ?? 0);
    },
    some: async (query, pageSize) => {
      const page = await ask(() => workflowService.listWorkflowExecutions({ namespace, query, pageSize }));
      return (page.executions ?? []).map(({ execution }) => execution?.workflowId ?? '');
    },
    deployment: async (deploymentName) => {
      const found = await ask(() => workflowService.describeWorkerDeployment({ namespace, deploymentName })).catch(
        nullWhenAbsent,
      );
      if (found === null) return null;
      const current = found.workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId;
      return { currentBuildId: current ? current : null };
    },
    clock: () => clockOf(connection, namespace),
    close: () => connection.close(),
  };
}

function nullWhenAbsent(error: unknown): null {
  if (isGrpcServiceError(error) && Number(error.code) === NOT_FOUND) return null;
  throw error;
}

const nameOfType = (type: unknown): string =>
  Object.entries(INDEXED_VALUE_TYPE).find(([, number]) => number === type)?.[0] ?? String(type);

/** @param registered name and temporal.api.enums.v1.IndexedValueType of each. */
export function compareSearchAttributes(
  registered: Record<string, unknown>,
): Awaited<ReturnType<TemporalExamination['searchAttributes']>> {
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => !(name in registered)).map(({ name }) => name);
  const wrong = SEARCH_ATTRIBUTES.flatMap(({ name, type }) => {
    const is = nameOfType(registered[name]);
    return !(name in registered) || is === type ? [] : [{ name, is, shouldBe: type }];
  });
  return { missing, wrong };
}

/**
 * The server tells its time nowhere, but it notes when it was last asked for work: so an empty queue is asked for work, and who asked it is
 * looked up meanwhile.
 */
async function clockOf(connection: Connection, namespace: string): Promise<{ aheadMs: number; accuracyMs: number }> {
  const { workflowService } = connection;
  const taskQueue = { name: CLOCK_QUEUE };
  const identity = `doctor-${randomUUID()}`;
  const done = new AbortController();
  const beganMs = Date.now();
  const question = connection
    .withDeadline(beganMs + CALL_TIMEOUT_MS, () =>
      connection.withAbortSignal(done.signal, () =>
        workflowService.pollActivityTaskQueue({ namespace, taskQueue, identity }),
      ),
    )
    .catch(() => undefined);
  try {
    for (let look = 0; look < CLOCK_LOOKS; look += 1) {
      const pollers = await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
        pollersOf(connection, namespace, { name: CLOCK_QUEUE, type: 'activity' }),
      );
      const endedMs = Date.now();
      const own = pollers.find((poller) => poller.identity === identity);
      if (own !== undefined)
        return {
          aheadMs: own.lastSeenMs - (beganMs + endedMs) / 2,
          accuracyMs: (endedMs - beganMs) / 2,
        };
      await sleep(CLOCK_LOOK_MS);
    }
    throw new Error('the server does not say who asks it for work');
  } finally {
    done.abort();
    await question;
  }
}
