import type { ArtifactRecord } from './artifact-record.js';
import type { DeletionReason } from './artifact.js';
import type { Command } from './commands.js';
import type { ErrorCode } from './errors.js';

/**
 * What the workflow carries through its whole life, plain JSON. `v` is the version of this shape: continue-as-new hands it
 * to newer code, which must go on accepting old ones.
 */
export interface LifecycleState {
  v: 1;
  /** The row as last written. */
  record: ArtifactRecord;
  /** When a running restore is looked at next; null when none runs. */
  nextRestorePollMs: number | null;
  /** Accepted messages that nobody waits for and that could not be carried out yet. */
  unfinished: UnfinishedCommand[];
  /** A deletion that was decided and is not proven yet; there is no way back from it. */
  deletion: PendingDeletion | null;
  /** When no more PUTs were signed from, which may outlive a deletion; null while uploading. */
  uploadEndedMs: number | null;
  /** When the sweep after a deletion is due; null when none is needed, or it is done. */
  sweepAtMs: number | null;
  /** What stands in the way of the next action, shown to operators; null when nothing does. */
  problem: Problem | null;
}

export interface UnfinishedCommand {
  command: Command;
  failures: number;
  nextTryMs: number;
}

export interface PendingDeletion {
  reason: DeletionReason;
  actor: string;
  /** Tries that failed. */
  failures: number;
  nextTryMs: number;
  /** No row was found once; a registration that was given up may still be written, so it is looked for again. */
  rowMissing: boolean;
}

export interface Problem {
  code: ErrorCode;
  message: string;
  sinceMs: number;
}

/** The next thing that happens by itself, when, and which rule causes it. */
export type NextAction =
  | { kind: 'none'; atMs: null; rule: 'deleted' | 'permanent' }
  | { kind: 'sweep'; atMs: number; rule: 'signed_urls_outlive_deletion' }
  | { kind: 'delete'; atMs: number; rule: DeletionReason }
  | { kind: 'finishCommand'; atMs: number; rule: 'message_accepted' }
  | { kind: 'abandonUpload'; atMs: number; rule: 'upload_deadline' }
  | { kind: 'pollRestore'; atMs: number; rule: 'restore_requested' }
  | { kind: 'expire'; atMs: number; rule: 'default_retention' | 'execution_retention' | 'artifact_retention' };

/**
 * The state diagram: one pure function that the workflow loop, the `describe` query and every preview use.
 * `atMs` never lies before `nowMs`: what is overdue is due now. Expiry wins over anything else at the same instant.
 */
export function nextAction(state: LifecycleState, nowMs: number): NextAction {
  const { record, deletion, nextRestorePollMs: pollMs } = state;
  const due = (atMs: number): number => Math.max(atMs, nowMs);
  if (record.status === 'DELETED')
    return state.sweepAtMs === null
      ? { kind: 'none', atMs: null, rule: 'deleted' }
      : { kind: 'sweep', atMs: due(state.sweepAtMs), rule: 'signed_urls_outlive_deletion' };
  if (deletion !== null) return { kind: 'delete', atMs: due(deletion.nextTryMs), rule: deletion.reason };
  const [unfinished] = inTurn(state.unfinished);
  const finish: NextAction | null =
    unfinished === undefined
      ? null
      : { kind: 'finishCommand', atMs: due(unfinished.nextTryMs), rule: 'message_accepted' };
  // A keep that was accepted in time wins, however long it takes to carry it out.
  if (finish !== null && state.unfinished.some(({ command }) => command.verb === 'keepForever')) return finish;
  if (record.status === 'UPLOADING')
    return { kind: 'abandonUpload', atMs: due(record.uploadDeadlineMs), rule: 'upload_deadline' };
  const expiry = expiryOf(record, due);
  const poll: NextAction | null =
    pollMs === null ? null : { kind: 'pollRestore', atMs: due(pollMs), rule: 'restore_requested' };
  const earliest = [finish, poll].filter((action) => action !== null).sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))[0];
  if (earliest === undefined) return expiry;
  return expiry.atMs !== null && expiry.atMs <= (earliest.atMs ?? 0) ? expiry : earliest;
}

/** Unfinished commands in the order in which they are tried. */
export const inTurn = (unfinished: UnfinishedCommand[]): UnfinishedCommand[] =>
  [...unfinished].sort((a, b) => a.nextTryMs - b.nextTryMs);

function expiryOf({ retention, expiresAtMs }: ArtifactRecord, due: (atMs: number) => number): NextAction {
  if (retention.rule === 'permanent' || expiresAtMs === null) return { kind: 'none', atMs: null, rule: 'permanent' };
  return { kind: 'expire', atMs: due(expiresAtMs), rule: `${retention.rule}_retention` };
}
