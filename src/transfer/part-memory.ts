import { MIB_BYTES } from '../domain/units.js';
import { abortedError, throwIfAborted } from './aborted.js';

/** Six parts of the usual size. */
const DEFAULT_BUDGET_BYTES = 48 * MIB_BYTES;

interface TakeOptions {
  signal: AbortSignal;
  /** Takes it at once, beyond the budget if need be. */
  isOwed?: boolean;
  /** Told when it must be waited for. */
  onWait?: () => void;
}

interface Waiting {
  sizeBytes: number;
  grant: () => void;
}

/**
 * The memory of all parts under way in a process, however many files are sent: each part takes its buffer from here before it is
 * read and gives it back when it has arrived, so that never more than the budget is in use. First come, first served. Buffers are
 * used again and again.
 */
export class PartMemory {
  readonly budgetBytes: number;
  #usedBytes = 0;
  readonly #free: Buffer[] = [];
  #users = 0;
  readonly #waiting: Waiting[] = [];

  constructor(budgetBytes: number = DEFAULT_BUDGET_BYTES) {
    this.budgetBytes = budgetBytes;
  }

  /** Bytes in buffers that were taken and not given back. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Whoever will take one buffer after another says so, for as long as it does: those that are free meanwhile are kept for it.
   * @returns what ends that.
   */
  enter(): () => void {
    this.#users += 1;
    return () => {
      this.#users -= 1;
      this.#forget();
    };
  }

  /**
   * A buffer of exactly this size, as soon as the budget has room. Something larger than the budget gets it when nothing else is in use.
   * @throws `aborted`.
   */
  async take(sizeBytes: number, { signal, isOwed = false, onWait }: TakeOptions): Promise<Buffer> {
    throwIfAborted(signal);
    if (!isOwed && (this.#waiting.length > 0 || !this.#hasRoom(sizeBytes))) {
      const granted = this.#wait(sizeBytes, signal);
      onWait?.();
      await granted;
    } else this.#usedBytes += sizeBytes;
    const index = this.#free.findIndex((buffer) => buffer.length === sizeBytes);
    // Slow: not a slice of Node's shared pool, and freed as a whole.
    return index < 0 ? this.#allocate(sizeBytes) : (this.#free.splice(index, 1)[0] ?? this.#allocate(sizeBytes));
  }

  giveBack(buffer: Buffer): void {
    this.#usedBytes -= buffer.length;
    this.#free.push(buffer);
    this.#trim();
    this.#grantWaiting();
    this.#forget();
  }

  /** Who has nothing more to send should not sit on the memory of its last upload. */
  #forget(): void {
    if (this.#usedBytes === 0 && this.#users === 0) this.#free.length = 0;
  }

  #hasRoom(sizeBytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + sizeBytes <= this.budgetBytes;
  }

  #allocate(sizeBytes: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(sizeBytes);
    this.#trim();
    return buffer;
  }

  /** Free buffers, which may have a size that nobody asks for any more, count too. */
  #trim(): void {
    let freeBytes = this.#free.reduce((sum, { length }) => sum + length, 0);
    while (freeBytes > 0 && this.#usedBytes + freeBytes > this.budgetBytes)
      freeBytes -= this.#free.shift()?.length ?? 0;
  }

  async #wait(sizeBytes: number, signal: AbortSignal): Promise<void> {
    let giveUp = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const waiting = { sizeBytes, grant: resolve };
        giveUp = () => {
          const index = this.#waiting.indexOf(waiting);
          // Granted already: it is taken, and given back by whoever holds it.
          if (index < 0) return;
          this.#waiting.splice(index, 1);
          reject(abortedError(signal));
          this.#grantWaiting();
        };
        signal.addEventListener('abort', giveUp, { once: true });
        this.#waiting.push(waiting);
      });
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #grantWaiting(): void {
    for (let [first] = this.#waiting; first !== undefined && this.#hasRoom(first.sizeBytes); [first] = this.#waiting) {
      this.#waiting.shift();
      this.#usedBytes += first.sizeBytes;
      first.grant();
    }
  }
}

/** Shared by every upload of this process that is given no other one. */
export const sharedPartMemory = new PartMemory();
