import type { Config } from '../../../config.js';
import { openDatabases, openRecords } from '../../../deps.js';
import { databaseText, type BucketDatabases } from '../../../domain/bucket-databases.js';
import { ArtifactError } from '../../../domain/errors.js';
import type { ObjectStore } from '../../../storage/object-store.js';
import { durationText, listText } from '../rules.js';
import { failed, ok, skipped, type Verdict } from '../verdicts.js';

/** Whether this database is the only one that works with the bucket. */
export async function databasesVerdict(config: Config, store: ObjectStore): Promise<Verdict> {
  const database = openRecords(config);
  try {
    // Why it does not answer, or lacks its tables, is told where it is examined.
    const id = await database.identity.databaseId().catch(() => null);
    if (id === null) return skipped('not asked: the database does not say which one it is');
    return verdictOf(await openDatabases(config, { store, identity: database.identity }).look(), Date.now());
  } catch (error) {
    if (!(error instanceof ArtifactError) || error.code !== 'storage_rejected') throw error;
    return failed(
      'the store refuses to tell',
      'Workers do not start, as each must say in the bucket which database works with it.',
      'Allow the keys below artifacts-databases/: artifacts bucket plan --role worker=<arn> shows what is needed.',
    );
  } finally {
    await database.close();
  }
}

const NOTHING_REMOVED =
  'No repair removes what only one of them knows, and deletions that need to be sure of that wait.';

/** Pure. */
export function verdictOf({ id, own, isCopy, others }: BucketDatabases, nowMs: number): Verdict {
  if (isCopy)
    return failed(
      'the bucket knows a later state of this database, which is a copy or was restored from a backup',
      NOTHING_REMOVED,
      'A copy: give it a bucket of its own. Restored: artifacts rebuild --apply (docs/operators.md).',
    );
  if (others.length > 0)
    return failed(
      `it is also that of ${listText(others.map((other) => `${databaseText(other)}, seen ${durationText(nowMs - other.seenMs)} ago`))}`,
      NOTHING_REMOVED,
      'Give each a bucket of its own. One that is gone: artifacts bucket databases --forget <id>, or, if it was lost, artifacts rebuild --apply.',
    );
  return own === null
    ? ok('no other works with it; no worker of this one was here yet')
    : ok(`no other than this one (${id}) works with it`);
}
