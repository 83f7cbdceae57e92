import { completeRecord, type ArtifactRecord } from './artifact-record.js';
import { nextAction, type LifecycleState } from './lifecycle.js';
import { DAY_MS, HOUR_MS } from './units.js';

/** The longest life that S3 gives a signed URL. How long those of this deployment live, no row says. */
const LONGEST_PUT_URL_MS = 7 * DAY_MS;
/** A PUT may begin just before its URL dies, and clocks differ. */
const SWEEP_SLACK_MS = HOUR_MS;

/**
 * The state of a life of which only the row is left: its workflow was terminated, or Temporal is lost. What comes next, and when, is what the
 * workflow would have done; a retry that waited is due at once, a running restore is looked at now, and what a signed PUT may bring back after a
 * deletion is looked for once no such URL can live. What is lost: messages that were accepted and not carried out, who asked for a deletion
 * that is not proven, and that one was to be for good. Whether the object has the tags of its row is not known either: a reconciliation looks.
 */
export function lifeOfRow(row: ArtifactRecord, nowMs: number): LifecycleState {
  const record = completeRecord(row);
  const { status, deletionReason, restoreState, updatedAtMs, deletedAtMs } = record;
  const isDeleted = status === 'DELETED';
  return {
    v: 2,
    record,
    nextRestorePollMs: isDeleted || restoreState === null ? null : nowMs,
    unfinished: [],
    deletion:
      isDeleted || deletionReason === null
        ? null
        : {
            reason: deletionReason,
            actor: 'worker',
            failures: 0,
            nextTryMs: nowMs,
            rowMissing: false,
            // The attempt of the workflow that is gone may still run.
            triedAtMs: nowMs,
          },
    // Not later than the last change, of which its end was one.
    uploadEndedMs: status === 'UPLOADING' ? null : (deletedAtMs ?? updatedAtMs),
    sweepAtMs: isDeleted ? sweepOf(record, nowMs) : null,
    retriesMs: {},
    problem: null,
  };
}

/** Null when no URL can live: parts are signed for one upload, which is gone. */
function sweepOf({ partSizeBytes, deletedAtMs, updatedAtMs }: ArtifactRecord, nowMs: number): number | null {
  if (partSizeBytes !== null) return null;
  const atMs = (deletedAtMs ?? updatedAtMs) + LONGEST_PUT_URL_MS + SWEEP_SLACK_MS;
  return atMs <= nowMs ? null : atMs;
}

/** Is there nothing left to do for a workflow of this row? */
export function isLifeOver(row: ArtifactRecord, nowMs: number): boolean {
  const next = nextAction(lifeOfRow(row, nowMs), nowMs);
  return next.kind === 'none' && next.rule === 'deleted';
}
