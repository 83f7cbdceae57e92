import { throwIfAborted } from '../problems.js';

/**
 * Runs `work` over the items that `next` hands out, at most `concurrency` at a time. The first failure aborts the signal the
 * others got; they are waited for, then it is thrown.
 */
export async function runConcurrently<T>(
  next: (signal: AbortSignal) => Promise<T | null>,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  options: { concurrency: number; signal: AbortSignal },
): Promise<void> {
  const siblings = new AbortController();
  const signal = AbortSignal.any([options.signal, siblings.signal]);
  const failures: unknown[] = [];
  // One after the other: the order of the items is the order in which they are handed out.
  let turn: Promise<unknown> = Promise.resolve();
  const take = (): Promise<T | null> => {
    const mine = turn.then(() => (signal.aborted ? null : next(signal)));
    turn = mine.catch(() => null);
    return mine;
  };
  const worker = async (): Promise<void> => {
    try {
      for (let item = await take(); item !== null; item = await take()) await work(item, signal);
    } catch (error) {
      failures.push(error);
      siblings.abort(error);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  if (failures.length > 0) throw failures[0];
  throwIfAborted(options.signal);
}

/** A few buffers of one size that are used again and again, made when first needed. */
export class BufferPool {
  readonly #sizeBytes: number;
  readonly #free: Buffer[] = [];

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  take(): Buffer {
    // Slow: not a slice of Node's shared pool, and freed as a whole.
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#sizeBytes);
  }

  giveBack(buffer: Buffer): void {
    this.#free.push(buffer);
  }
}
