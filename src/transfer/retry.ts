import { setTimeout as sleep } from 'node:timers/promises';
import { ArtifactError } from '../domain/errors.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import { abortedError, throwIfAborted } from './aborted.js';

/** How often and how long something is tried again. */
export interface RetryPolicy {
  /** All tries, the first included. */
  tries: number;
  /** No new try begins after this much time, waiting included. */
  budgetMs: number;
  /** Wait before the second try; doubles with each, up to `maxDelayMs`. Half of it is random. */
  firstDelayMs: number;
  maxDelayMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  tries: 5,
  budgetMs: 30 * SECOND_MS,
  firstDelayMs: 200,
  maxDelayMs: 5 * SECOND_MS,
};

/** Long work is worth more patience than a question: it outlives a restart of the API or the store. About 20 s in all. */
export const PATIENT_RETRY: RetryPolicy = { ...DEFAULT_RETRY, tries: 9 };

/** A part outlives an outage of two minutes, and connections that stall for as long as they may before they are given up. */
export const PART_RETRY: RetryPolicy = {
  tries: 30,
  budgetMs: 10 * MINUTE_MS,
  firstDelayMs: 200,
  maxDelayMs: 5 * SECOND_MS,
};

export interface RetryOptions {
  policy: RetryPolicy;
  signal?: AbortSignal | undefined;
  /** Default: the catalogue's word, except `internal`, which a repetition seldom heals. */
  isRetryable?: (error: ArtifactError) => boolean;
  /** Told why, before each new try. */
  onRetry?: ((error: ArtifactError) => void) | undefined;
}

const mayRetry = (error: ArtifactError): boolean => error.retryable && error.code !== 'internal';

/** The server's wish in `details.retryAfterSeconds` (from Retry-After) wins over our own delay when it is longer. */
function delayMs(error: ArtifactError, attempt: number, policy: RetryPolicy): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
  const wished = error.details['retryAfterSeconds'];
  return Math.max(ceiling / 2 + Math.random() * (ceiling / 2), typeof wished === 'number' ? wished * SECOND_MS : 0);
}

/**
 * Runs `attempt` (numbered from 1) until it succeeds, fails for good, or the policy is used up: then its last error is thrown.
 * @throws `aborted` as soon as the signal fires, also while waiting.
 */
export async function withRetry<T>(attempt: (number: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { policy, signal, isRetryable = mayRetry, onRetry } = options;
  const endsAtMs = Date.now() + policy.budgetMs;
  for (let number = 1; ; number += 1) {
    throwIfAborted(signal);
    try {
      return await attempt(number);
    } catch (error) {
      if (!(error instanceof ArtifactError) || !isRetryable(error) || number >= policy.tries) throw error;
      const waitMs = delayMs(error, number, policy);
      if (Date.now() + waitMs > endsAtMs) throw error;
      onRetry?.(error);
      await pause(waitMs, signal);
    }
  }
}

async function pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw abortedError(signal);
  }
}
