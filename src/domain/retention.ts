import { ArtifactError } from './errors.js';
import { DAY_MS } from './units.js';

export const DEFAULT_RETENTION_DAYS = 30;
export const MAX_RETENTION_DAYS = 36_500;

/** Who did something: the `sub` of a token, `worker`, or `signal` for a message that names nobody. */
export type Actor = string;

/**
 * How long an artifact is kept, and by whose word. Days count from `createdAt`.
 * `default` and `execution` are inherited; `artifact` is its own; `permanent` never expires and remembers who, why and when.
 */
export type Retention =
  | { rule: 'default' | 'execution' | 'artifact'; days: number }
  | { rule: 'permanent'; by: Actor; reason: string; atMs: number };

/** Own > execution's > default. @throws `invalid_retention` unless whole days from 1 to 36500. */
export function chooseRetention(
  ownDays: number | undefined,
  executionDays: number | null,
  defaultDays: number,
): Retention {
  if (ownDays !== undefined) return { rule: 'artifact', days: requireRetentionDays(ownDays) };
  if (executionDays !== null) return { rule: 'execution', days: executionDays };
  return { rule: 'default', days: defaultDays };
}

export function requireRetentionDays(days: number): number {
  if (!Number.isInteger(days) || days < 1 || days > MAX_RETENTION_DAYS)
    throw new ArtifactError(
      'invalid_retention',
      `${days} is not a whole number of days from 1 to ${MAX_RETENTION_DAYS}`,
    );
  return days;
}

/** Does it follow its execution's retention when that changes? */
export const inherits = (retention: Retention): boolean =>
  retention.rule === 'default' || retention.rule === 'execution';

/** The absolute deadline in epoch milliseconds; null when it never expires. */
export const expiresAtMs = (createdAtMs: number, retention: Retention): number | null =>
  retention.rule === 'permanent' ? null : createdAtMs + retention.days * DAY_MS;
