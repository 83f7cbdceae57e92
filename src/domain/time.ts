import { ArtifactError, type ErrorCode } from './errors.js';

/** ISO 8601 as RFC 3339 narrows it: date, time and offset, all of them given. */
export const TIME = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** Epoch milliseconds of `2030-01-01T00:00:00Z`; null when it is no such text, or no day of the calendar. */
export function parseTime(text: string): number | null {
  const [matched, year, month, day] = TIME.exec(text) ?? [];
  // `Date` takes February 30 for March 2.
  if (
    matched === undefined ||
    new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day)
  )
    return null;
  const epochMs = Date.parse(text);
  return Number.isNaN(epochMs) ? null : epochMs;
}

/** @param field whose it is, for the message. @throws `code`. */
export function requireTime(text: string, field: string, code: ErrorCode): number {
  const epochMs = parseTime(text);
  if (epochMs === null)
    throw new ArtifactError(code, `${field} "${text.slice(0, 64)}" is not a time such as 2030-01-01T00:00:00Z`);
  return epochMs;
}
