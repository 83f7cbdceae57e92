import type { RecordChange } from '../db/artifact-records.js';
import { announcementOf, type WrittenChange } from '../domain/announcements.js';
import type { Change } from '../domain/changes.js';
import { caughtUp } from '../domain/repair-changes.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { ActivityDeps } from './deps.js';

type Deps = Pick<ActivityDeps, 'records' | 'lives' | 'webhooks'> & Partial<Pick<ActivityDeps, 'settings'>>;
export type ChangeToRecord = Omit<RecordChange, 'quotas'> & Pick<Change, 'addsBytes'>;

/**
 * Writes a change of an artifact and tells whoever must hear of it: receivers of webhooks, and the manifest of its execution. The only way
 * in which activities do it. Of one that waits for its publication nobody hears before that is committed. Safe to repeat: it counts as done only when it is told too, and what is known is not done again.
 */
export async function changeRecord(deps: Deps, change: ChangeToRecord): Promise<ArtifactRecord> {
  const { addsBytes, ...rest } = change;
  const quotas = deps.settings?.quotas;
  const record = await deps.records.change(addsBytes && quotas ? { ...rest, quotas } : rest);
  const { changeNumber, event } = change;
  if (record.revision === changeNumber && record.awaitsPublication === null && record.untoldPublication === null) {
    const written = { ...event, changeNumber, atMs: record.updatedAtMs };
    await Promise.all([announce(deps, record, written), deps.lives.executionChanged(record.executionId)]);
  } else {
    // The row knew more: changes whose answers were lost, and with them perhaps their announcements; or it was hidden until now.
    await announceChanges(deps, record, changeNumber - 1);
  }
  return record;
}

/**
 * The row of an artifact, brought up to what its workflow knows if it is behind that, as one of an older backup is; null when there is none.
 * Safe to repeat.
 */
export async function rowAsKnown(deps: Deps, known: ArtifactRecord): Promise<ArtifactRecord | null> {
  const row = await deps.records.get(known.id);
  if (row === null || row.revision >= known.revision) return row;
  const { id: artifactId, revision } = known;
  return changeRecord(deps, { artifactId, changeNumber: revision + 1, atMs: Date.now(), ...caughtUp(row, known) });
}

/**
 * Tells of all changes of an artifact after a revision, which whoever wrote them may have died before it could; of all there are when it
 * has just become visible, as what came before must come first. Safe to repeat.
 */
export async function announceChanges(deps: Deps, record: ArtifactRecord, afterRevision: number): Promise<void> {
  const isUntold = record.untoldPublication !== null;
  if (record.awaitsPublication !== null || (record.revision <= afterRevision && !isUntold)) return;
  await deps.lives.executionChanged(record.executionId);
  if (deps.webhooks !== undefined)
    for (const change of await deps.records.history(record.id))
      if (change.changeNumber > afterRevision || isUntold) await announce(deps, record, change);
  if (isUntold) await deps.records.markTold([record.id]);
}

async function announce({ lives, webhooks }: Deps, record: ArtifactRecord, change: WrittenChange): Promise<void> {
  const announcement = webhooks && announcementOf(record, change, webhooks.sender.receivers);
  if (announcement) await lives.announce(announcement);
}
