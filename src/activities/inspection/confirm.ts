import { setTimeout as sleep } from 'node:timers/promises';
import { mapConcurrently } from '../../domain/concurrency.js';
import type { Finding } from '../../domain/drift.js';

/** How many things are looked at at the same time; how many in a second is decided by the pace. */
export const LOOKS_AT_ONCE = 16;

/**
 * Looks at each suspect, and a while later again at those that had something: what is found both times is a finding, as it is then. Work that is
 * under way is over in between, or shows.
 */
export async function foundTwice<T>(
  suspects: readonly T[],
  look: (suspect: T) => Promise<Finding[]>,
  { secondLookMs, signal }: { secondLookMs: number; signal: AbortSignal },
): Promise<Finding[]> {
  const lookAt = (suspect: T): Promise<Finding[]> => {
    signal.throwIfAborted();
    return look(suspect);
  };
  const first = await mapConcurrently(suspects, LOOKS_AT_ONCE, async (suspect) => ({
    suspect,
    findings: await lookAt(suspect),
  }));
  const odd = first.filter(({ findings }) => findings.length > 0);
  if (odd.length === 0) return [];
  await sleep(secondLookMs, undefined, { signal });
  const second = await mapConcurrently(odd, LOOKS_AT_ONCE, async ({ suspect, findings }) => {
    const again = await lookAt(suspect);
    return again.filter(({ kind, subject }) => findings.some((one) => one.kind === kind && one.subject === subject));
  });
  return second.flat();
}
