import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND_MS } from '../../domain/units.js';

/**
 * A gate through which so many may go in a second, evenly; whoever comes too early waits for his turn. One for a whole process limits what all
 * of it sends.
 */
export function createPace(perSecond: number): () => Promise<void> {
  const intervalMs = SECOND_MS / perSecond;
  let nextMs = 0;
  return async () => {
    const nowMs = performance.now();
    const turnMs = Math.max(nowMs, nextMs);
    nextMs = turnMs + intervalMs;
    // Timers are exact to the millisecond; what is sent a little early is made up for by the next.
    if (turnMs - nowMs >= 1) await sleep(turnMs - nowMs);
  };
}

const PAGE_SECONDS = 5;
const LARGEST_PAGE = 1_000;

/**
 * How many things an inspection takes at a time. Each may cost ten requests, if all of them are odd: so a page is over within a minute at any
 * pace, and an attempt has come further before its time is up.
 */
export const pageSizeAt = (perSecond: number): number =>
  Math.min(LARGEST_PAGE, Math.max(2, Math.floor(perSecond * PAGE_SECONDS)));
