import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND_MS } from '../../domain/units.js';

/** Waits until it is one's turn: so many in a second, evenly. @throws when the signal has fired. */
export function paced(perSecond: number, signal: AbortSignal): () => Promise<void> {
  let nextMs = 0;
  return async () => {
    signal.throwIfAborted();
    const nowMs = performance.now();
    const atMs = Math.max(nowMs, nextMs);
    nextMs = atMs + SECOND_MS / perSecond;
    if (atMs > nowMs) await sleep(atMs - nowMs, undefined, { signal });
  };
}
