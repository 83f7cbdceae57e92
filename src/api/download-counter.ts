import type { AccessCounts, Downloads } from '../db/access.js';
import { SECOND_MS } from '../domain/units.js';

/** How often counts are written, and so how many are lost at most when the process is killed. */
const WRITE_EVERY_MS = 5 * SECOND_MS;
/** Rows of one statement. */
const BATCH = 1_000;
/** Artifacts whose downloads wait, when the database does not answer: 100 bytes each. What comes on top is not counted. */
const MOST_WAITING = 100_000;

export interface DownloadCounterOptions {
  nowMs: () => number;
  /** Told why counts could not be written; they are written later. */
  onError: (error: unknown) => void;
  writeEveryMs?: number;
  mostWaiting?: number;
}

/** A download that goes on is no further one, but it is a use. */
export interface DownloadPart {
  /** Not from the first byte on. Default false. */
  isContinued?: boolean;
}

/**
 * Counts downloads in memory and writes them in batches, so that giving an artifact out costs no write of its own. Answers that the database
 * does not give in time may have counted: what is written again then counts twice.
 */
export class DownloadCounter {
  readonly #access: AccessCounts;
  readonly #options: Required<DownloadCounterOptions>;
  #waiting = new Map<string, Downloads>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(access: AccessCounts, options: DownloadCounterOptions) {
    this.#access = access;
    this.#options = { writeEveryMs: WRITE_EVERY_MS, mostWaiting: MOST_WAITING, ...options };
  }

  /** Never throws, never waits. */
  count(artifactId: string, { isContinued = false }: DownloadPart = {}): void {
    this.#add({ artifactId, count: isContinued ? 0 : 1, lastAtMs: this.#options.nowMs() });
    // Only while there is something to write, so a process at rest stays at rest.
    this.#timer ??= setTimeout(() => void this.flush(), this.#options.writeEveryMs).unref();
  }

  /** Writes what was counted until now. Never throws: what could not be written waits for the next time. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const all = [...this.#waiting.values()];
    this.#waiting = new Map();
    for (let begin = 0; begin < all.length; begin += BATCH) {
      try {
        this.#addLater(await this.#access.addDownloads(all.slice(begin, begin + BATCH)));
      } catch (error) {
        this.#addLater(all.slice(begin));
        this.#options.onError(error);
        return;
      }
    }
  }

  #addLater(batch: Downloads[]): void {
    if (batch.length === 0) return;
    for (const downloads of batch) this.#add(downloads);
    this.#timer ??= setTimeout(() => void this.flush(), this.#options.writeEveryMs).unref();
  }

  #add({ artifactId, count, lastAtMs }: Downloads): void {
    const before = this.#waiting.get(artifactId);
    if (before === undefined && this.#waiting.size >= this.#options.mostWaiting) return;
    this.#waiting.set(artifactId, {
      artifactId,
      count: count + (before?.count ?? 0),
      lastAtMs: Math.max(lastAtMs, before?.lastAtMs ?? 0),
    });
  }
}
