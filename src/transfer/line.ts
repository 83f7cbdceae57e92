interface LineOptions {
  /** How many may be under way now; may change. */
  limit: () => number;
  /** After the first, so many begin together rather than one by one: what they need can then be fetched at once. */
  company: number;
  /** The first failure. What is under way should end soon then. */
  onFailure: (error: unknown) => void;
}

/**
 * Things that are done in their order, several at once: what is ready waits in line until there is room. As many may wait as may be under
 * way, so that there is always a next one. After a failure nothing more is begun.
 */
export class Line<T> {
  readonly #work: (item: T) => Promise<void>;
  readonly #options: LineOptions;
  readonly #waiting: T[] = [];
  readonly #running = new Set<Promise<void>>();
  #failure: { error: unknown } | null = null;
  #hasBegun = false;
  /** Nothing more comes, or not for now. */
  #isLast = false;

  constructor(work: (item: T) => Promise<void>, options: LineOptions) {
    this.#work = work;
    this.#options = options;
  }

  /** Nothing waits or is under way. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#running.size === 0;
  }

  /** Resolves as soon as another one may be added. */
  async add(item: T): Promise<void> {
    this.#isLast = false;
    this.#waiting.push(item);
    this.#advance();
    while (this.#failure === null && this.#waiting.length >= this.#options.limit()) await Promise.race(this.#running);
  }

  /** Nothing more comes for now: what waits begins without company, as there is room. */
  hurry(): void {
    this.#isLast = true;
    this.#advance();
  }

  /** Something else went wrong. */
  fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = { error };
    this.#options.onFailure(error);
  }

  /** Waits until all of it is done or, after a failure, until nothing is under way any more. @returns what was not begun. */
  async end(): Promise<T[]> {
    this.hurry();
    while (this.#running.size > 0) await Promise.race(this.#running);
    return this.#waiting;
  }

  /** @throws the first failure, if there is one. */
  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  #advance(): void {
    const { company, limit } = this.#options;
    const isAlone = this.#waiting.length < Math.min(company, limit());
    if (isAlone && this.#hasBegun && !this.#isLast) return;
    while (this.#failure === null && this.#running.size < limit()) {
      const item = this.#waiting.shift();
      if (item === undefined) return;
      this.#hasBegun = true;
      const running = this.#work(item)
        .catch((error: unknown) => this.fail(error))
        .finally(() => {
          this.#running.delete(running);
          this.#advance();
        });
      this.#running.add(running);
    }
  }
}
