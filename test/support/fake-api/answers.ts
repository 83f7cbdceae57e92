import { ArtifactError, type ErrorCode, type ErrorDetails } from '../../../src/domain/errors.js';

export interface Answer {
  status: number;
  body: unknown;
}

interface RefusalOptions {
  status?: number;
  retryAfterSeconds?: number;
  details?: ErrorDetails;
}

/** A problem to be answered. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly options: RefusalOptions;

  constructor(code: ErrorCode, message: string, options: RefusalOptions = {}) {
    super(message);
    this.code = code;
    this.options = options;
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
export const textOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
export const iso = (afterMs = 0): string => new Date(Date.now() + afterMs).toISOString();

/** What a rule of the domain refuses is answered as the API does. */
export function orRefuse<T>(rule: () => T): T {
  try {
    return rule();
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    throw new Refusal(error.code, error.message, { details: error.details });
  }
}
