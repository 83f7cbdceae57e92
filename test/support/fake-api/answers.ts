import type { ErrorCode } from '../../../src/domain/errors.js';

export interface Answer {
  status: number;
  body: unknown;
}

/** A problem to be answered. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly options: { status?: number; retryAfterSeconds?: number };

  constructor(code: ErrorCode, message: string, options: { status?: number; retryAfterSeconds?: number } = {}) {
    super(message);
    this.code = code;
    this.options = options;
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
export const textOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
export const iso = (afterMs = 0): string => new Date(Date.now() + afterMs).toISOString();
