import { ArtifactError } from '../domain/errors.js';

/** The error of everything that stops because its AbortSignal fired. */
export const abortedError = (signal?: AbortSignal): ArtifactError =>
  new ArtifactError('aborted', 'The caller gave up', { cause: signal?.reason });

/** @throws `aborted` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(signal);
}
