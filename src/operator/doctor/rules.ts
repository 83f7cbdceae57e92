import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/units.js';
import { degraded, failed, ok, type Verdict } from './verdicts.js';

/** How far a clock was found to be ahead of ours (negative: behind), give or take. */
export interface ClockReading {
  aheadMs: number;
  accuracyMs: number;
}

const NOTICEABLE_MS = 5 * SECOND_MS;
/** S3 refuses what was signed more than 15 minutes off. */
const HARMFUL_MS = 5 * MINUTE_MS;

/** @param whose `the store`. */
export function clockVerdict(whose: string, { aheadMs, accuracyMs }: ClockReading): Verdict {
  const offMs = Math.max(0, Math.abs(aheadMs) - accuracyMs);
  const fact =
    offMs < SECOND_MS
      ? `the same as here, within ${durationText(Math.abs(aheadMs) + accuracyMs)}`
      : `${durationText(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine`;
  if (offMs < NOTICEABLE_MS) return ok(fact);
  const effect = 'Deadlines come early or late by as much, and signed URLs live shorter or longer than they say.';
  const remedy = `Set the clocks of this machine and of ${whose} by NTP.`;
  return offMs < HARMFUL_MS
    ? degraded(fact, effect, remedy)
    : failed(fact, `${effect} From 15 minutes on S3 refuses every request.`, remedy);
}

/** `12 ms`, `1.5 s`, `3 min`, `7 h`, `12 days`. */
export function durationText(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < 2 * MINUTE_MS) return `${(ms / SECOND_MS).toFixed(ms < 10 * SECOND_MS ? 1 : 0)} s`;
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} h`;
  return `${Math.round(ms / DAY_MS)} days`;
}

/** `a, b and c`; of many the first. */
export function listText(items: string[], atMost = 5): string {
  const shown = items.length > atMost ? [...items.slice(0, atMost), `${items.length - atMost} more`] : items;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

/** Is an address of this machine: nobody else can read along. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || host === '::1' || /^127\./.test(host);
