import { ArtifactError, errorKind } from '../../domain/errors.js';
import { failed, skipped, type Area, type CheckResult, type Verdict } from './verdicts.js';

/** One question to one dependency. */
export interface Check {
  /** A word or two, unique in its area. */
  name: string;
  /** When this one has failed, or was skipped, so is this check. Default: the first of the area. */
  needs?: string;
  /** Asked also when the user has had enough. */
  always?: true;
  /** Default 15,000. */
  timeoutMs?: number;
  /** What it throws becomes a failure. */
  ask: () => Promise<Verdict> | Verdict;
}

export interface AreaChecks {
  area: Area;
  /** What is examined: addresses and names, no secrets. */
  target: string;
  checks: Check[];
  /** Runs when the last check has ended, in any case; nothing of it is told. */
  close?: () => Promise<void>;
}

export interface RunOptions {
  /** Fires when the user has had enough: what has not begun is skipped. */
  signal: AbortSignal;
  /** Told of each check that is asked. */
  onBegin: (area: Area, check: string) => void;
  /** Told of each check, also of those that were skipped. */
  onEnd: (area: Area) => void;
}

const CHECK_TIMEOUT_MS = 15_000;
/** How long a check that was given up may still take before what it has opened is closed. */
const LATE_MS = 3_000;
const CLOSE_TIMEOUT_MS = 5_000;

/** Runs the checks of an area one after the other. None keeps the others from running, unless they need it, and none takes longer than its time. */
export async function runChecks(
  { area, checks, close }: AreaChecks,
  { signal, onBegin, onEnd }: RunOptions,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  /** By name, the check that has really failed. */
  const unasked = new Map<string, string>();
  const late: Promise<unknown>[] = [];
  for (const check of checks) {
    const sinceMs = performance.now();
    const needed = neededBy(check, results);
    let verdict: Verdict;
    if (signal.aborted && check.always !== true) verdict = skipped('not asked: interrupted');
    else if (needed !== null) {
      const cause = unasked.get(needed) ?? needed;
      unasked.set(check.name, cause);
      verdict = skipped(notAsked(cause));
    } else {
      onBegin(area, check.name);
      verdict = await askInTime(check, late);
    }
    results.push({ area, check: check.name, ...verdict, durationMs: Math.round(performance.now() - sinceMs) });
    onEnd(area);
  }
  await withinTime(Promise.allSettled(late), LATE_MS);
  if (close !== undefined) await withinTime(close().catch(ignore), CLOSE_TIMEOUT_MS);
  return results;
}

/** What a check is skipped with when another one, that it needs, did not go well. */
export const notAsked = (cause: string): string => `not asked, because of "${cause}"`;

const ignore = (): void => undefined;

/** Name of what it waits for in vain; null when it can be asked. */
function neededBy({ needs }: Check, results: CheckResult[]): string | null {
  const needed = needs === undefined ? results[0] : results.find(({ check }) => check === needs);
  return needed === undefined || needed.status === 'ok' || needed.status === 'degraded' ? null : needed.check;
}

async function askInTime({ ask, timeoutMs = CHECK_TIMEOUT_MS }: Check, late: Promise<unknown>[]): Promise<Verdict> {
  const answer = Promise.resolve().then(ask).catch(verdictOf);
  const inTime = await withinTime(answer, timeoutMs);
  if (inTime !== null) return inTime;
  late.push(answer);
  return failed(
    `no answer within ${Math.round(timeoutMs / 1_000)} s`,
    'Whatever needs this waits, and then fails.',
    'Look at its load and at the network between, and ask again.',
  );
}

/** Null when it takes longer. Keeps no process alive. */
async function withinTime<T>(work: Promise<T>, timeoutMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a check threw, as a failure: our errors by the catalogue. */
export function verdictOf(error: unknown): Verdict {
  const message = error instanceof Error ? error.message.split('\n')[0] || error.name : String(error);
  if (!(error instanceof ArtifactError))
    return failed(
      message ?? '',
      'What this checks cannot be told.',
      'Look at the message; report it if it makes no sense.',
    );
  const { title, remedy } = errorKind(error.code);
  return failed(message ?? '', `${title}.`, remedy);
}
