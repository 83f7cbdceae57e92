/** How many parts may be under way. */
export interface PaceLimits {
  /** At least 1. */
  max: number;
  /** Where to begin; at most `max` is used. Default 4: enough for a store nearby, and soon more where it pays. */
  start?: number;
  nowMs?: () => number;
}

const DEFAULT_START = 4;
/** A change of the throughput that is smaller than this says nothing. */
const TELLING_RATIO = 1.05;
/** How long one number of parts is measured, at least. */
const WINDOW_MS = 500;
/** How many windows a number that was found good stays, before another one is tried. */
const REST_WINDOWS = 8;

/**
 * How many parts are sent at once: goes up while that makes the whole faster and down when it does not, from the bytes that arrive;
 * half of it when the store asks for less. A number that was found good is kept for a while before the next one is tried.
 */
export class Pace {
  readonly #max: number;
  readonly #nowMs: () => number;
  #limit: number;
  /** The number that was best so far, and its throughput in bytes a millisecond. */
  #good = { limit: 1, rate: 0 };
  #step = 1;
  #rest = 0;
  #windowBytes = 0;
  #windowParts = 0;
  #windowSinceMs: number | null = null;

  constructor({ max, start = DEFAULT_START, nowMs = () => performance.now() }: PaceLimits) {
    this.#max = max;
    this.#nowMs = nowMs;
    this.#limit = Math.min(start, max);
  }

  /** Parts that may be under way now. */
  get limit(): number {
    return this.#limit;
  }

  /** A part has arrived. */
  arrived(sizeBytes: number): void {
    const nowMs = this.#nowMs();
    // What was sent before the first part arrived is nobody's throughput.
    if (this.#windowSinceMs === null) {
      this.#begin(nowMs);
      return;
    }
    this.#windowBytes += sizeBytes;
    this.#windowParts += 1;
    const elapsedMs = nowMs - this.#windowSinceMs;
    // Every slot must have had its turn, or a lucky one would speak for all.
    if (elapsedMs < WINDOW_MS || this.#windowParts < 2 * this.#limit) return;
    this.#judge(this.#windowBytes / elapsedMs);
    this.#begin(nowMs);
  }

  /** The store has asked for less, or lost a connection. */
  slowDown(): void {
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
    this.#rest = REST_WINDOWS;
    this.#windowSinceMs = null;
  }

  #begin(nowMs: number): void {
    this.#windowSinceMs = nowMs;
    this.#windowBytes = 0;
    this.#windowParts = 0;
  }

  #judge(rate: number): void {
    if (this.#rest > 0) {
      this.#rest -= 1;
      // The network changes: what the next number is held against is what this one gives now.
      this.#good = { limit: this.#limit, rate };
      if (this.#rest === 0) this.#move();
    } else if (rate > this.#good.rate * TELLING_RATIO) {
      this.#good = { limit: this.#limit, rate };
      this.#move();
    } else {
      // It did not pay: back, and next time the other way.
      this.#limit = this.#good.limit;
      this.#step = -this.#step;
      this.#rest = REST_WINDOWS;
    }
  }

  #move(): void {
    const next = this.#limit + this.#step;
    if (next < 1 || next > this.#max) {
      this.#step = -this.#step;
      this.#rest = REST_WINDOWS;
      return;
    }
    this.#limit = next;
  }
}
