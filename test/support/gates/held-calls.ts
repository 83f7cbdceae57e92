import { setTimeout as sleep } from 'node:timers/promises';

/** A call is held before the server has heard of it, or after the server has done it and before the caller hears of that. */
export type When = 'before' | 'after';

/** Calls that wait at a gate. */
export interface Held {
  /** Resolves once the first one waits; rejects when none does in time. */
  reached(): Promise<void>;
}

interface HoldOptions {
  when: When;
  /** For the message when nothing comes. */
  name: string;
  /** How many that match are let through first. Default 0. */
  skip?: number;
}

interface Rule<Call> {
  when: When;
  matches: (call: Call) => boolean;
  skip: number;
  reached: boolean;
}

const REACH_TIMEOUT_MS = 120_000;
const REACH_POLL_MS = 20;

/** Which calls a gate holds. What waits goes on waiting until its caller is gone, so a repetition by the same caller waits too. */
export class HeldCalls<Call> {
  #rules: Rule<Call>[] = [];

  /** From now on, until {@link open}. */
  hold({ when, name, skip = 0 }: HoldOptions, matches: (call: Call) => boolean): Held {
    const rule: Rule<Call> = { when, matches, skip, reached: false };
    this.#rules.push(rule);
    return {
      reached: async () => {
        const deadlineMs = Date.now() + REACH_TIMEOUT_MS;
        while (!rule.reached) {
          if (Date.now() > deadlineMs) throw new Error(`nothing was held: ${name}`);
          await sleep(REACH_POLL_MS);
        }
      },
    };
  }

  /** What is held stays held; nothing else is from now on. */
  open(): void {
    this.#rules = [];
  }

  /** The moment at which this call is held, if it is. */
  ruleOn(call: Call): { when: When; wait: () => Promise<never> } | null {
    const rule = this.#rules.find(({ matches }) => matches(call));
    if (rule === undefined) return null;
    if (rule.skip > 0) {
      rule.skip -= 1;
      return null;
    }
    const wait = (): Promise<never> => {
      rule.reached = true;
      return new Promise<never>(() => undefined);
    };
    return { when: rule.when, wait };
  }
}
