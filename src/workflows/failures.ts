import { ActivityFailure, ApplicationFailure, TemporalFailure, TimeoutFailure } from '@temporalio/common';
import { ArtifactError, isErrorCode, type ErrorDetails } from '../domain/errors.js';

/** Our error as a failure that crosses Temporal: its type is the code. Never retried: who may try again is the caller's choice. */
export const failureOf = (error: ArtifactError): ApplicationFailure =>
  ApplicationFailure.create({ message: error.message, type: error.code, nonRetryable: true, details: [error.details] });

/**
 * Our error back from whatever Temporal wrapped it in; null when it is not one of ours. An activity that ran out of time
 * without any answer is `storage_unavailable`: all of them wait for the store or the database.
 */
export function errorOf(failure: unknown): ArtifactError | null {
  if (failure instanceof ArtifactError) return failure;
  if (!(failure instanceof TemporalFailure)) return null;
  if (failure instanceof ApplicationFailure && isErrorCode(failure.type))
    return new ArtifactError(failure.type, failure.message, {
      details: (failure.details?.[0] ?? {}) as ErrorDetails,
      cause: failure,
    });
  // Before its cause: a local activity that ran out of time fails with a wrapper and a cause while it is live, and without in a replay.
  if (failure instanceof TimeoutFailure)
    return new ArtifactError('storage_unavailable', 'an activity did not finish in time', { cause: failure });
  if (failure.cause !== undefined) {
    const inner = errorOf(failure.cause);
    if (inner !== null) return inner;
  }
  if (failure instanceof ActivityFailure)
    return new ArtifactError('storage_unavailable', `${failure.activityType} did not finish in time`, {
      cause: failure,
    });
  return null;
}
