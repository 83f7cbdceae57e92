/** What is examined, in the order in which it is shown. */
export const AREAS = ['configuration', 'store', 'database', 'temporal', 'api'] as const;
export type Area = (typeof AREAS)[number];

/**
 * `ok`; `degraded`: it works, with less than everything; `failed`: something does not work at all; `skipped`: not asked, as there is nothing to
 * ask or what comes before has failed.
 */
export const VERDICTS = ['ok', 'degraded', 'failed', 'skipped'] as const;

export interface Verdict {
  status: (typeof VERDICTS)[number];
  /** What is so, in one line. */
  fact: string;
  /** What does not work because of it; only of `degraded` and `failed`. */
  effect?: string;
  /** What to do; only of `degraded` and `failed`. */
  remedy?: string;
}

/** What came of one check. */
export interface CheckResult extends Verdict {
  area: Area;
  /** Unique in its area. */
  check: string;
  durationMs: number;
}

export const ok = (fact: string): Verdict => ({ status: 'ok', fact });
export const skipped = (fact: string): Verdict => ({ status: 'skipped', fact });
export const degraded = (fact: string, effect: string, remedy: string): Verdict => ({
  ...{ status: 'degraded', fact, effect, remedy },
});
export const failed = (fact: string, effect: string, remedy: string): Verdict => ({
  ...{ status: 'failed', fact, effect, remedy },
});
