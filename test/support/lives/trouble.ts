import { TimeoutFailure } from '@temporalio/common';
import type { ActivityDeps } from '../../../src/activities/index.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { HOUR_MS, SECOND_MS } from '../../../src/domain/units.js';
import type { World } from '../virtual-time/virtual-artifact.js';
import type { Trouble } from './script.js';

/** Within this after trouble is over everything that it held up has been done: retries are at most an hour apart. */
const GRACE_MS = 3 * HOUR_MS;
/** What a slow activity takes; a local one is given up after 8 seconds. */
const SLOW_MS = 40 * SECOND_MS;
const SLOW_LOCAL_MS = 5 * SECOND_MS;

interface Period {
  fromMs: number;
  toMs: number;
}

/** What the world does to a life: one trouble at a time, each for a while. */
export class Weather {
  #trouble: Trouble | null = null;
  #endsAtMs = 0;
  #count = 0;
  readonly #periods: Period[] = [];

  begin(trouble: Trouble, nowMs: number): void {
    this.end(nowMs);
    this.#trouble = trouble;
    this.#endsAtMs = nowMs + trouble.forMs;
    this.#count = 0;
    this.#periods.push({ fromMs: nowMs, toMs: this.#endsAtMs });
  }

  end(nowMs: number): void {
    const last = this.#periods.at(-1);
    if (this.#trouble !== null && last !== undefined) last.toMs = Math.min(last.toMs, nowMs);
    this.#trouble = null;
  }

  /** When the trouble of now is over; null when there is none. */
  get endsAtMs(): number | null {
    return this.#trouble === null ? null : this.#endsAtMs;
  }

  /** Something of it can still be felt. */
  blame(nowMs: number): void {
    const last = this.#periods.at(-1);
    if (last !== undefined) last.toMs = Math.max(last.toMs, nowMs);
  }

  get wasEver(): boolean {
    return this.#periods.length > 0;
  }

  /** Whether whatever did not happen between these two moments may be blamed on it. */
  explains(fromMs: number, toMs: number): boolean {
    let coveredMs = fromMs;
    for (const period of this.#periods)
      if (period.fromMs <= coveredMs && period.toMs + GRACE_MS >= coveredMs) coveredMs = period.toMs + GRACE_MS;
    return (
      coveredMs >= toMs && this.#periods.some((period) => period.fromMs <= toMs && period.toMs + GRACE_MS >= fromMs)
    );
  }

  /** Nothing of it can be felt any more. */
  isCalm(nowMs: number): boolean {
    return !this.explains(nowMs, nowMs);
  }

  /** Store and database as activities reach them. */
  ports({ store, records }: World): Pick<ActivityDeps, 'store' | 'records'> {
    return { store: this.#over(store, 'store'), records: this.#over(records, 'database') };
  }

  /** What an activity that did its work throws; null: it may answer. */
  loss(): Error | null {
    return this.#isHit('activitiesGetNoAnswer')
      ? new TimeoutFailure('activity timed out', undefined, 'SCHEDULE_TO_CLOSE')
      : null;
  }

  activityMs(isLocal: boolean): number {
    if (!this.#isHit('activitiesAreSlow')) return 0;
    return isLocal ? SLOW_LOCAL_MS : SLOW_MS;
  }

  #isHit(...kinds: Trouble['kind'][]): boolean {
    if (this.#trouble === null || !kinds.includes(this.#trouble.kind)) return false;
    this.#count += 1;
    return this.#count % this.#trouble.everyNth === 0;
  }

  #isAway(port: 'store' | 'database'): boolean {
    const kind = this.#trouble?.kind;
    return kind === 'bothAway' || kind === `${port}Away`;
  }

  #over<T extends object>(target: T, port: 'store' | 'database'): T {
    const error = (): ArtifactError =>
      new ArtifactError(port === 'store' ? 'storage_unavailable' : 'database_unavailable', 'made to fail');
    return new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]): Promise<unknown> => {
          if (this.#isAway(port) || this.#isHit('requestsFail')) throw error();
          const answer: unknown = await Reflect.apply(member, target, args);
          if (this.#isHit('requestsGetNoAnswer')) throw error();
          return answer;
        };
      },
    });
  }
}
