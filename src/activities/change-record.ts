import type { RecordChange } from '../db/artifact-records.js';
import { announcementOf, type WrittenChange } from '../domain/announcements.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { ActivityDeps } from './deps.js';

type Deps = Pick<ActivityDeps, 'records' | 'lives' | 'webhooks'>;

/**
 * Writes a change of an artifact and announces it: the only way in which activities do it. Safe to repeat: it counts as done only when
 * it is announced too, and an announcement that is known is not delivered again.
 */
export async function changeRecord(deps: Deps, change: RecordChange): Promise<ArtifactRecord> {
  const record = await deps.records.change(change);
  const { changeNumber, event } = change;
  if (record.revision === changeNumber)
    await announce(deps, record, { ...event, changeNumber, atMs: record.updatedAtMs });
  // The row knew more: changes whose answers were lost, and with them perhaps their announcements.
  else await announceChanges(deps, record, changeNumber - 1);
  return record;
}

/** Announces all changes of an artifact after a revision, from the audit. Safe to repeat. */
export async function announceChanges(deps: Deps, record: ArtifactRecord, afterRevision: number): Promise<void> {
  if (deps.webhooks === undefined || record.revision <= afterRevision) return;
  for (const change of await deps.records.history(record.id))
    if (change.changeNumber > afterRevision) await announce(deps, record, change);
}

async function announce({ lives, webhooks }: Deps, record: ArtifactRecord, change: WrittenChange): Promise<void> {
  const announcement = webhooks && announcementOf(record, change, webhooks.sender.receivers);
  if (announcement) await lives.announce(announcement);
}
