import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { ArtifactError } from '../domain/errors.js';
import { SECOND_MS } from '../domain/units.js';

/** Often enough for a heartbeat timeout of 30 s to notice a dead worker and never a slow one. */
const HEARTBEAT_INTERVAL_MS = 5 * SECOND_MS;

/** Between two attempts of a local activity: the `maximumInterval` of all of them. */
const LONGEST_PAUSE_MS = 2 * SECOND_MS;

type Activity = (...args: never[]) => Promise<unknown>;

/**
 * Wraps every activity so that what leaves it is a failure whose type is a code of the catalogue and whose retryability is the
 * catalogue's. What is not ours is a bug or an outage we have no name for: `internal`, retried.
 */
export function withBoundary<T extends Record<string, Activity>>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, run]) => [
    name,
    async (...args: never[]): Promise<unknown> => {
      try {
        return await run(...args);
      } catch (error) {
        throw toFailure(error, { isLast: isTimeUp() });
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

/**
 * The SDK minds the `scheduleToCloseTimeout` of a local activity only while an attempt runs: attempts that fail are followed by others
 * for ever, and the workflow is stuck. So the attempt that leaves no time for another one says that it was the last.
 */
function isTimeUp(): boolean {
  const { isLocal, scheduledTimestampMs, scheduleToCloseTimeoutMs } = activityInfo();
  return isLocal && Date.now() + LONGEST_PAUSE_MS >= scheduledTimestampMs + scheduleToCloseTimeoutMs;
}

interface FailureOptions {
  /** Not tried again, though its code may be. Default false. */
  isLast?: boolean;
  /** Instead of the retry policy's, for one that is retried; null: the policy's. */
  nextRetryDelayMs?: number | null;
}

export function toFailure(error: unknown, { isLast = false, nextRetryDelayMs = null }: FailureOptions = {}): unknown {
  // A cancellation must stay one.
  if (error instanceof TemporalFailure) return error;
  const known =
    error instanceof ArtifactError
      ? error
      : new ArtifactError('internal', error instanceof Error ? error.message : String(error), { cause: error });
  return ApplicationFailure.create({
    message: known.message,
    type: known.code,
    nonRetryable: isLast || !known.retryable,
    details: [known.details],
    cause: known,
    ...(nextRetryDelayMs === null ? {} : { nextRetryDelay: nextRetryDelayMs }),
  });
}

/** What a long activity tells the server while it runs; `phase` names the step an operator would look for. */
export interface HeartbeatDetails {
  phase: string;
  doneBytes?: number;
}

/**
 * Runs a long activity with heartbeats from its first to its last line, also while one step takes long, and with a signal that
 * fires when the workflow cancels it, its time is up, or the worker shuts down. A local activity has no heartbeats: its worker watches
 * it itself.
 */
export async function withHeartbeat<T>(
  phase: string,
  run: (context: { signal: AbortSignal; tell: (details: HeartbeatDetails) => void }) => Promise<T>,
): Promise<T> {
  let details: HeartbeatDetails = { phase };
  const beat = activityInfo().isLocal ? (): void => undefined : (): void => heartbeat(details);
  beat();
  const timer = setInterval(beat, HEARTBEAT_INTERVAL_MS);
  const signal = cancellationSignal();
  try {
    return await run({ signal, tell: (next) => (details = next) });
  } catch (error) {
    // What was given up has not failed.
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
  }
}
