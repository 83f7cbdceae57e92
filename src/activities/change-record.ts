import type { RecordChange } from '../db/artifact-records.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { ActivityDeps } from './deps.js';

/**
 * Writes a change of an artifact: the only way in which activities do it, so that whoever must hear of changes is told here.
 * Safe to repeat.
 */
export async function changeRecord(
  { records }: Pick<ActivityDeps, 'records'>,
  change: RecordChange,
): Promise<ArtifactRecord> {
  return records.change(change);
}
