import { Client, ScheduleNotFoundError, type Connection, type ScheduleOptions } from '@temporalio/client';
import type { ReconciliationMode } from '../domain/reconcile.js';
import { HOUR_MS, MINUTE_MS } from '../domain/units.js';
import { LIFECYCLE_TASK_QUEUE } from './ids.js';

/** Of the schedule, and what the ids of the workflows that it starts begin with. */
export const RECONCILE_SCHEDULE_ID = 'artifact-reconcile';

/** Deployments of one server do not all begin at the same moment. */
const LONGEST_JITTER_MS = 10 * MINUTE_MS;

export interface ReconcileScheduleSettings {
  namespace: string;
  /** 0: no schedule. */
  everyMinutes: number;
  mode: ReconciliationMode;
  /** What is there stays as it is, whatever it says. Default false. */
  onlyIfMissing?: boolean;
}

type Options = ScheduleOptions & Pick<Required<ScheduleOptions>, 'spec' | 'action' | 'policies'>;

/**
 * Makes the schedule of the reconciliation, brings it up to date, or removes it. Safe to repeat. Whether it is paused is the operator's: it stays so.
 * @returns what is so now, for people.
 */
export async function scheduleReconciliations(
  connection: Connection,
  { namespace, everyMinutes, mode, onlyIfMissing = false }: ReconcileScheduleSettings,
): Promise<string> {
  const client = new Client({ connection, namespace });
  const schedule = client.schedule.getHandle(RECONCILE_SCHEDULE_ID);
  const isThere = await ifThere(() => schedule.describe());
  if (isThere !== null && onlyIfMissing) return `the schedule ${RECONCILE_SCHEDULE_ID} is there`;
  if (everyMinutes === 0) {
    if (isThere !== null) await ifThere(() => schedule.delete());
    return 'no reconciliation by itself (RECONCILE_EVERY_MINUTES is 0)';
  }
  const options = optionsOf(everyMinutes, mode);
  if (isThere === null) await client.schedule.create(options);
  // What is there is replaced as a whole but for its state, in which it says whether it is paused.
  else await schedule.update(({ state }) => ({ ...options, state }));
  const paused = isThere?.state.paused === true ? ', paused' : '';
  return `reconciliation every ${everyMinutes} minutes (${mode}${paused})`;
}

function optionsOf(everyMinutes: number, mode: ReconciliationMode): Options {
  const everyMs = everyMinutes * MINUTE_MS;
  return {
    scheduleId: RECONCILE_SCHEDULE_ID,
    spec: { intervals: [{ every: everyMs }], jitter: Math.min(LONGEST_JITTER_MS, everyMs / 10) },
    // One that was missed for longer is not worth making up for: the next one finds all the same.
    policies: { overlap: 'SKIP', catchupWindow: HOUR_MS },
    action: {
      type: 'startWorkflow',
      workflowType: 'reconcile',
      workflowId: RECONCILE_SCHEDULE_ID,
      taskQueue: LIFECYCLE_TASK_QUEUE,
      args: [{ mode }],
    },
  };
}

/** Null when there is no schedule. */
async function ifThere<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}
