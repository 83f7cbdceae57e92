import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ArtifactError } from '../domain/errors.js';
import { errorOf } from '../workflows/failures.js';

/** gRPC status codes (grpc.io, "status codes"). */
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const FAILED_PRECONDITION = 9;
const CANCELLED = 1;

/** Whatever a call to Temporal threw, as our error; a bug passes through. `what` names the artifact in the message. */
export function translateTemporalError(error: unknown, what: string): unknown {
  if (error instanceof WorkflowUpdateFailedError) return errorOf(error.cause) ?? error;
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || hasGrpcCode(error, [DEADLINE_EXCEEDED, CANCELLED]))
    return new ArtifactError('not_yet_answered', `${what}: no answer in time`, { cause: error });
  if (error instanceof WorkflowNotFoundError || error instanceof WorkflowExecutionAlreadyStartedError)
    return new ArtifactError('wrong_state', `the workflow of ${what} has ended`, { cause: error });
  if (error instanceof ServiceError || isGrpcServiceError(error))
    return new ArtifactError('workflows_unavailable', `${what}: Temporal does not answer`, { cause: error });
  return error;
}

/** Is there no workflow, none that was ever taken up, or none whose history anybody can read in time? */
export const cannotSay = (error: unknown): boolean =>
  error instanceof WorkflowNotFoundError ||
  error instanceof QueryNotRegisteredError ||
  hasGrpcCode(error, [INVALID_ARGUMENT, DEADLINE_EXCEEDED, FAILED_PRECONDITION]);

/** Did the workflow itself refuse, for a reason that may be gone by the next try? */
export const isTransientFailure = (error: unknown): boolean =>
  error instanceof WorkflowUpdateFailedError && errorOf(error.cause)?.retryable === true;

export const hasGrpcCode = (error: unknown, codes: number[]): boolean => {
  const grpcError = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(grpcError) && codes.includes(grpcError.code);
};
