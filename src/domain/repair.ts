import type { ArtifactRecord } from './artifact-record.js';
import { MAX_ARTIFACT_BYTES } from './artifact.js';
import { isKeeping } from './commands.js';
import { nextAction, type LifecycleState } from './lifecycle.js';
import { mending, type Mending } from './mending.js';
import { isTampered, ROW_BEHIND, ROW_DIFFERS, type Wrong } from './repair-changes.js';
import { expiresAtMs } from './retention.js';
import { isWhole, YOUNG_MS, type Seen, type SeenVersion } from './seen.js';

/*
 * What an artifact does about what the store and its row really have. Its workflow is right about what was decided, the store about its
 * bytes, and the row about nothing but changes that the workflow has not heard of.
 */

/** What came of the wish that an artifact looks at itself, and puts right what is not as it should be. */
export interface Repair {
  /** `nothing`: all was as it should be, or it is not for it to change. `failed`: something is wrong still. */
  outcome: 'repaired' | 'nothing' | 'failed';
  /** What was wrong, or stands in the way; for people. */
  note: string;
}

export type RepairPlan =
  | { kind: 'nothing'; note: string }
  /** Something is wrong, and what is right is not certain. */
  | { kind: 'unclear'; note: string }
  /** The row tells of changes that the workflow has not heard of. */
  | { kind: 'adoptRow'; row: ArtifactRecord }
  /** The same of a deletion. */
  | { kind: 'followDeletion'; row: ArtifactRecord }
  | { kind: 'restoreRow' }
  /** The row knows less than the workflow, or something else. */
  | { kind: 'rewriteRow'; row: ArtifactRecord; wrong: Wrong }
  /** What is decided, or overdue, is tried now. */
  | { kind: 'erase' | 'expire' | 'purge' }
  /** Something is there of one that is deleted for good. */
  | { kind: 'sweep'; versions: number }
  /** Its bytes are gone; to be believed only when a second look says so too. */
  | { kind: 'lost' }
  /** They were, and are back. */
  | { kind: 'comeBack'; found: SeenVersion }
  | Mending;

const nothing = (note: string): RepairPlan => ({ kind: 'nothing', note });

/**
 * What is to be done about one look at an artifact. Whatever is not certain is left as it is.
 * @param rewritesRows default: true; false: as it was decided before 0.6.0, for runs that have such a decision in their history.
 */
export function planRepair(state: LifecycleState, seen: Seen, nowMs: number, { rewritesRows = true } = {}): RepairPlan {
  const { record, deletion, unfinished } = state;
  const { row, named, others } = seen;
  const isKept = unfinished.some(({ command }) => isKeeping(command));
  if (deletion !== null)
    return deletion.rowMissing || isKept ? nothing('its deletion waits for a reason') : { kind: 'erase' };
  if (row === null)
    return seen.hasExecution ? { kind: 'restoreRow' } : nothing('its row went with its execution; its life goes on');
  if (row.revision > record.revision) {
    const isDeletion = row.deletionReason !== null && record.status !== 'DELETED';
    return isDeletion ? { kind: 'followDeletion', row } : { kind: 'adoptRow', row };
  }
  if (rewritesRows) {
    if (row.revision < record.revision) return { kind: 'rewriteRow', row, wrong: ROW_BEHIND };
    if (!hasBytes(record) && isTampered(row, record)) return { kind: 'rewriteRow', row, wrong: ROW_DIFFERS };
  } else if (seen.isRowSetBack === true)
    return { kind: 'unclear', note: `its row was set back to change ${row.revision}, its history was not` };
  if (record.status === 'UPLOADING') return nothing('it is being uploaded');
  if (isKept) return nothing('what was accepted is done first, as soon as the store and the database answer');
  const next = nextAction({ ...state, retriesMs: {} }, nowMs);
  if ((next.kind === 'expire' || next.kind === 'purge') && next.atMs <= nowMs) return { kind: next.kind };
  const version = named ?? others.find((other) => isWhole(record, other)) ?? others[0] ?? null;
  if (record.status === 'DELETED' && record.purgeAtMs === null)
    return version === null ? nothing('it is deleted, and nothing of it is there') : afterTheEnd(record, seen, nowMs);
  if (version === null)
    return seen.isUnclear
      ? { kind: 'unclear', note: `the store does not say whose the bytes at ${record.key} are` }
      : { kind: 'lost' };
  if (version.sizeBytes > MAX_ARTIFACT_BYTES)
    return { kind: 'unclear', note: 'what the store has is larger than an artifact can be' };
  const isStuck = seen.isHidden && seen.isCovered && record.status !== 'DELETED';
  return (
    mending(state, { seen, row, version, nowMs }) ??
    (isStuck
      ? { kind: 'unclear', note: 'it is hidden, and bytes of somebody else would come to light with it' }
      : nothing('all is as it should be'))
  );
}

const hasBytes = ({ status, purgeAtMs }: ArtifactRecord): boolean =>
  status === 'DELETED' ? purgeAtMs !== null : status !== 'UPLOADING';

/** What nobody wished to lose comes back, if it is the same and its time is not over. */
function afterTheEnd(record: ArtifactRecord, { named, others }: Seen, nowMs: number): RepairPlan {
  const left = named === null ? others : [named, ...others];
  const found = left.find((version) => isWhole(record, version));
  const isOver = (expiresAtMs(record.createdAtMs, record.retention) ?? Infinity) <= nowMs && record.holds.length === 0;
  if (record.deletionReason === 'bytes_lost' && !isOver)
    return found === undefined
      ? { kind: 'unclear', note: 'it was lost, and other bytes of its own are there' }
      : { kind: 'comeBack', found };
  if (left.some(({ modifiedMs }) => modifiedMs > nowMs - YOUNG_MS))
    return nothing('something of it is there again, for less than an hour');
  return { kind: 'sweep', versions: left.length };
}
