import { ArtifactError } from './errors.js';
import { DAY_MS } from './units.js';

export const DEFAULT_RETENTION_DAYS = 30;
export const MAX_RETENTION_DAYS = 36_500;
/** The latest moment that may be given as an expiry. */
const MAX_EXPIRES_AT_MS = Date.UTC(2200, 0, 1);

/** Who did something: the `sub` of a token, `worker`, or `signal` for a message that names nobody. */
export type Actor = string;

/**
 * How long an artifact is kept, and by whose word. Days count from `createdAt`.
 * `default` and `execution` are inherited; `artifact` is its own, as is `date`, the moment itself; `permanent` never expires and
 * remembers who, why and when.
 */
export type Retention =
  | { rule: 'default' | 'execution' | 'artifact'; days: number }
  | { rule: 'date'; expiresAtMs: number }
  | { rule: 'permanent'; by: Actor; reason: string; atMs: number };

/** What somebody wants for one artifact: days from its creation, or a moment. */
export type OwnRetention = { days: number } | { expiresAtMs: number };

/** Own > execution's > default. @throws `invalid_retention` unless whole days from 1 to 36500. */
export function chooseRetention(
  own: OwnRetention | null,
  executionDays: number | null,
  defaultDays: number,
): Retention {
  if (own !== null) return ownRetention(own);
  if (executionDays !== null) return { rule: 'execution', days: executionDays };
  return { rule: 'default', days: defaultDays };
}

/** @throws `invalid_retention`. */
export function ownRetention(own: OwnRetention): Retention {
  if ('days' in own) return { rule: 'artifact', days: requireRetentionDays(own.days) };
  if (!Number.isSafeInteger(own.expiresAtMs) || own.expiresAtMs < 0 || own.expiresAtMs > MAX_EXPIRES_AT_MS)
    throw new ArtifactError('invalid_retention', `${own.expiresAtMs} is not a time before the year 2200`);
  return { rule: 'date', expiresAtMs: own.expiresAtMs };
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
export function expiresAtMs(createdAtMs: number, retention: Retention): number | null {
  if (retention.rule === 'permanent') return null;
  return retention.rule === 'date' ? retention.expiresAtMs : createdAtMs + retention.days * DAY_MS;
}
