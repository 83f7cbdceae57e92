import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND_MS } from './domain/units.js';

/**
 * A gate through which so many may go in a second, evenly; whoever comes too early waits for his turn. One for a whole process limits what all
 * of it sends.
 * @param signal once it has fired, nobody is let through any more: what waits throws its reason.
 */
export function createPace(perSecond: number, signal?: AbortSignal): () => Promise<void> {
  const intervalMs = SECOND_MS / perSecond;
  let nextMs = 0;
  return async () => {
    signal?.throwIfAborted();
    const nowMs = performance.now();
    const turnMs = Math.max(nowMs, nextMs);
    nextMs = turnMs + intervalMs;
    // Timers are exact to the millisecond; what is sent a little early is made up for by the next.
    if (turnMs - nowMs >= 1) await sleep(turnMs - nowMs, undefined, signal === undefined ? {} : { signal });
  };
}
