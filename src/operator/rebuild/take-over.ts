import { AT_WORK_MS, databaseText, isAtWork, type BucketDatabase } from '../../domain/bucket-databases.js';
import { ArtifactError } from '../../domain/errors.js';
import type { RebuildReport } from '../../domain/rebuild.js';
import { MINUTE_MS } from '../../domain/units.js';
import type { RebuildDeps, RebuildOptions } from './deps.js';

/**
 * Those that work with the bucket besides this one.
 * @throws `wrong_state` when one of them is at work, and is not said to be lost.
 */
export async function otherDatabases(
  { databases, storeNowMs }: Pick<RebuildDeps, 'databases' | 'storeNowMs'>,
  { apply, lost }: Pick<RebuildOptions, 'apply' | 'lost'>,
): Promise<BucketDatabase[]> {
  // A database that was restored goes on under another id, and takes the place of what it was.
  if (apply) await databases.enter();
  const { others } = await databases.look();
  const nowMs = apply && others.length > 0 ? await storeNowMs() : 0;
  const busy = apply ? others.filter((other) => isAtWork(other, nowMs) && !lost.includes(other.id)) : [];
  if (busy.length === 0) return others;
  const names = busy.map(databaseText).join(', ');
  throw new ArtifactError(
    'wrong_state',
    `The bucket is also that of database ${names}, which was at work in the last ${AT_WORK_MS / MINUTE_MS} minutes. ` +
      `If it works with this bucket by mistake, stop its workers. If it is lost, say so: ${busy.map(({ id }) => `--lost ${id}`).join(' ')}`,
    { details: { databases: busy.map(({ id }) => id) } },
  );
}

/** What was there at the beginning and has said nothing since is gone, and this database knows all that can be known of what it knew. */
export async function takeOver({ databases }: Pick<RebuildDeps, 'databases'>, report: RebuildReport): Promise<void> {
  for (const { id, seenMs } of report.otherDatabases) if (await databases.forget(id, seenMs)) report.takenOver.push(id);
}
