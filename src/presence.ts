import type { DatabasesOfBucket } from './bucket-databases.js';
import { conflictOf } from './domain/bucket-databases.js';
import { MINUTE_MS } from './domain/units.js';

/** Nothing that is younger than an hour is ever removed, so whoever was forgotten by mistake is back long before. */
const LOOK_EVERY_MS = MINUTE_MS;

interface Log {
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

/**
 * Says in the bucket that the database of this worker works with it, and goes on saying so until it is stopped. Warns when it is not the only
 * one.
 * @param everyMs default: a minute.
 * @throws what store and database throw at the first time; later it is tried again.
 */
export async function keepPresent(
  databases: Pick<DatabasesOfBucket, 'enter' | 'look'>,
  log: Log,
  everyMs = LOOK_EVERY_MS,
): Promise<{ stop(): void }> {
  await enter();
  const conflict = conflictOf(await databases.look());
  if (conflict !== null) log.warn({ conflict }, 'another database works with this bucket');
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    enter()
      .catch((error: unknown) => log.error({ err: error }, 'the bucket was not told which database works with it'))
      .finally(() => (isBusy = false));
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };

  async function enter(): Promise<void> {
    const before = await databases.enter();
    if (before !== null) log.warn({ before }, 'this database is a copy, or was restored: it has another id now');
  }
}
