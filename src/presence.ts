import type { DatabasesOfBucket } from './bucket-databases.js';
import { conflictOf } from './domain/bucket-databases.js';
import { ArtifactError } from './domain/errors.js';
import { MINUTE_MS } from './domain/units.js';

/** Nothing that is younger than an hour is ever removed, so whoever was forgotten by mistake is back long before. */
const LOOK_EVERY_MS = MINUTE_MS;

interface Log {
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

/**
 * Says in the bucket that the database of this worker works with it, and goes on saying so until it is stopped. Warns when it is not the only
 * one, once for each time that others come.
 * @param everyMs default: a minute.
 * @throws what the store throws at the first time, and `database_not_migrated`; later it is tried again, as for a database that is away.
 */
export async function keepPresent(
  databases: Pick<DatabasesOfBucket, 'enter' | 'look'>,
  log: Log,
  everyMs = LOOK_EVERY_MS,
): Promise<{ stop(): void }> {
  let told: string | null = null;
  try {
    await enter();
    await lookForOthers();
  } catch (error) {
    // It is waited for, as by everything else: without it nobody puts anything into the bucket.
    if (!(error instanceof ArtifactError) || error.code !== 'database_unavailable') throw error;
    log.warn({ code: error.code }, error.message);
  }
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    enter()
      .then(lookForOthers)
      .catch((error: unknown) =>
        log.error({ err: error }, 'the bucket was not told or asked which databases work with it'),
      )
      .finally(() => (isBusy = false));
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };

  async function enter(): Promise<void> {
    const before = await databases.enter();
    if (before !== null) log.warn({ before }, 'this database is a copy, or was restored: it has another id now');
  }

  async function lookForOthers(): Promise<void> {
    const conflict = conflictOf(await databases.look());
    if (conflict !== null && conflict !== told) log.warn({ conflict }, 'another database works with this bucket');
    told = conflict;
  }
}
