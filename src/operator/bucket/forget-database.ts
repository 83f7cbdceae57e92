import type { DatabasesOfBucket } from '../../bucket-databases.js';
import { AT_WORK_MS, databaseText, isAtWork } from '../../domain/bucket-databases.js';
import { ArtifactError } from '../../domain/errors.js';
import { MINUTE_MS } from '../../domain/units.js';

/**
 * Says that another database is gone, with all that only it knew.
 * @param storeNowMs by the clock of the store.
 * @throws `invalid_request` when the bucket knows no such database, or it is this one; `wrong_state` while it is at work.
 */
export async function forgetDatabase(
  databases: Pick<DatabasesOfBucket, 'look' | 'forget'>,
  storeNowMs: () => Promise<number>,
  databaseId: string,
): Promise<void> {
  const { id, own, isCopy, others } = await databases.look();
  if (databaseId === id && !isCopy)
    throw new ArtifactError('invalid_request', 'That is the database of this configuration');
  // That of which this one is a copy has its id.
  const other = [...others, ...(own === null ? [] : [own])].find((one) => one.id === databaseId);
  if (other === undefined) throw new ArtifactError('invalid_request', `The bucket knows no database ${databaseId}`);
  if (isAtWork(other, await storeNowMs()) || !(await databases.forget(databaseId, other.seenMs)))
    throw new ArtifactError(
      'wrong_state',
      `Database ${databaseText(other)} was at work in the last ${AT_WORK_MS / MINUTE_MS} minutes: stop its workers, and ask again then`,
    );
}
