import { completeRecord, type ArtifactRecord } from './artifact-record.js';
import type { DeletionReason } from './artifact.js';
import { isKeeping, type Command } from './commands.js';
import type { ErrorCode } from './errors.js';
import { holdsEndMs } from './holds.js';
import { DAY_MS } from './units.js';

/**
 * What the workflow carries through its whole life, plain JSON. `v` is the version of this shape: continue-as-new hands it
 * to newer code, which must go on accepting old ones.
 */
export interface LifecycleState {
  v: 2;
  /** The row as last written. */
  record: ArtifactRecord;
  /** When a running restore is looked at next; null when none runs. */
  nextRestorePollMs: number | null;
  /** Accepted messages that nobody waits for and that could not be carried out yet. */
  unfinished: UnfinishedCommand[];
  /** A deletion that was decided and is not proven yet. */
  deletion: PendingDeletion | null;
  /** When no more PUTs were signed from, which may outlive a deletion; null while uploading. */
  uploadEndedMs: number | null;
  /** When the sweep after a deletion is due; null when none is needed, or it is done. */
  sweepAtMs: number | null;
  /** When what failed by itself is tried again, by what it is. */
  retriesMs: Retries;
  /** Since when the bytes are being read back, beside everything else. A run that hands over stops that, and the next begins anew. */
  verifyingSinceMs?: number;
  /** When a purge that failed was tried last: what it sent may still be carried out. */
  purgeTriedAtMs?: number;
  /** Its row has tags that its object may not have yet: when it is given them. Absent: it has them. */
  untagged?: { failures: number; nextTryMs: number };
  /** What stands in the way of the next action, shown to operators; null when nothing does. */
  problem: Problem | null;
}

/** A state as it may arrive from an earlier run: 1 knew neither policies nor holds, tiers, warnings and purges. */
export type HandedOverState = LifecycleState | (Omit<LifecycleState, 'v' | 'retriesMs'> & { v: 1 });

export type Retries = Partial<Record<'warn' | 'endHold' | 'changeTier' | 'purge' | 'verify', number>>;

export const acceptState = (state: HandedOverState): LifecycleState => ({
  retriesMs: {},
  ...withoutVerifying(state),
  v: 2,
  record: completeRecord(state.record),
});

/** The state when nothing is being read back any more. */
export function withoutVerifying<S extends Pick<LifecycleState, 'verifyingSinceMs'>>(state: S): S {
  const { verifyingSinceMs: _ended, ...rest } = state;
  return rest as S;
}

export interface UnfinishedCommand {
  command: Command;
  failures: number;
  nextTryMs: number;
}

export interface PendingDeletion {
  reason: DeletionReason;
  actor: string;
  /** Of the request that asked for it. */
  requestId?: string;
  /** The deletion of its whole execution that asked for it last. */
  executionDeletionId?: string;
  /** Tries that failed. */
  failures: number;
  nextTryMs: number;
  /** No row was found once; a registration that was given up may still be written, so it is looked for again. */
  rowMissing: boolean;
  /** When the last try ended. */
  triedAtMs?: number;
  /** Nothing may be brought back: the bytes go at once. */
  forGood?: boolean;
}

export interface Problem {
  code: ErrorCode;
  message: string;
  sinceMs: number;
}

/** The next thing that happens by itself, when, and which rule causes it. */
export type NextAction =
  | { kind: 'none'; atMs: null; rule: 'deleted' | 'permanent' | 'held' }
  | { kind: 'sweep'; atMs: number; rule: 'signed_urls_outlive_deletion' }
  | { kind: 'purge'; atMs: number; rule: 'undelete_window' }
  | { kind: 'delete'; atMs: number; rule: DeletionReason }
  | { kind: 'finishCommand'; atMs: number; rule: 'message_accepted' }
  | { kind: 'abandonUpload'; atMs: number; rule: 'upload_deadline' }
  | { kind: 'pollRestore'; atMs: number; rule: 'restore_requested' }
  | { kind: 'verify'; atMs: number; rule: 'unverified_checksum' }
  | { kind: 'endHold'; atMs: number; rule: 'hold_until' }
  | { kind: 'tagObject'; atMs: number; rule: 'tags_changed' }
  | { kind: 'warn'; atMs: number; rule: 'expiry_warning' }
  | { kind: 'changeTier'; atMs: number; rule: TierRule }
  | { kind: 'expire'; atMs: number; rule: ExpiryRule };

/** By its age, or by how long nobody has used it. */
export type TierRule = 'warm_age' | 'cold_age' | 'warm_unused' | 'cold_unused';

/** Does the rule lead to COLD, which is ARCHIVED? */
export const isCold = (rule: NextAction['rule']): boolean => rule === 'cold_age' || rule === 'cold_unused';

export type ExpiryRule = 'default_retention' | 'execution_retention' | 'artifact_retention' | 'date_retention';

/**
 * The state diagram: one pure function that the workflow loop, the `describe` query and every preview use.
 * `atMs` never lies before `nowMs`: what is overdue is due now. Of what is due at the same instant, expiry wins.
 */
export function nextAction(state: LifecycleState, nowMs: number): NextAction {
  const { record, deletion } = state;
  const [first] = candidatesOf(state, nowMs)
    .filter((action) => action !== null)
    .map((action) => ({ ...action, atMs: Math.max(action.atMs, nowMs) }))
    // Stable: what stands first wins at the same instant.
    .sort((a, b) => a.atMs - b.atMs);
  if (first !== undefined) return first;
  if (record.status === 'DELETED' || deletion !== null) return { kind: 'none', atMs: null, rule: 'deleted' };
  return { kind: 'none', atMs: null, rule: record.retention.rule === 'permanent' ? 'permanent' : 'held' };
}

type Timed = Exclude<NextAction, { kind: 'none' }>;
type Candidates = (Timed | null)[];

function candidatesOf(state: LifecycleState, nowMs: number): Candidates {
  const [unfinished] = inTurn(state.unfinished);
  const finish: Timed | null =
    unfinished === undefined ? null : { kind: 'finishCommand', atMs: unfinished.nextTryMs, rule: 'message_accepted' };
  // A keep that was accepted in time wins, however long it takes to carry it out.
  if (finish !== null && state.unfinished.some(({ command }) => isKeeping(command))) return [finish];
  return state.record.status === 'DELETED' ? afterDeletion(state, finish) : beforeDeletion(state, finish, nowMs);
}

/** A purge looks for everything that is there, so one that comes later than the sweep makes it needless. */
function afterDeletion({ record, sweepAtMs, retriesMs }: LifecycleState, finish: Timed | null): Candidates {
  const { purgeAtMs } = record;
  const isSwept = sweepAtMs === null || (purgeAtMs !== null && purgeAtMs >= sweepAtMs);
  return [
    finish,
    purgeAtMs === null ? null : notBefore(retriesMs.purge, { kind: 'purge', atMs: purgeAtMs, rule: 'undelete_window' }),
    isSwept ? null : { kind: 'sweep', atMs: sweepAtMs, rule: 'signed_urls_outlive_deletion' },
  ];
}

/** In the order in which they win at the same instant. */
function beforeDeletion(state: LifecycleState, finish: Timed | null, nowMs: number): Candidates {
  const { record, deletion, retriesMs, untagged, nextRestorePollMs: pollMs } = state;
  if (deletion !== null) return [{ kind: 'delete', atMs: deletion.nextTryMs, rule: deletion.reason }];
  if (record.status === 'UPLOADING')
    return [{ kind: 'abandonUpload', atMs: record.uploadDeadlineMs, rule: 'upload_deadline' }];
  return [
    expiryOf(record),
    notBefore(retriesMs.endHold, holdEndOf(record)),
    finish,
    untagged === undefined ? null : { kind: 'tagObject', atMs: untagged.nextTryMs, rule: 'tags_changed' },
    notBefore(retriesMs.verify, verificationOf(state)),
    pollMs === null ? null : { kind: 'pollRestore', atMs: pollMs, rule: 'restore_requested' },
    notBefore(retriesMs.warn, warningOf(record)),
    tierChangeOf(state, nowMs),
  ];
}

/** What failed is left alone until it is tried again. */
const notBefore = (retryMs: number | undefined, action: Timed | null): Timed | null =>
  action === null ? null : { ...action, atMs: Math.max(action.atMs, retryMs ?? 0) };

/** Unfinished commands in the order in which they are tried. */
export const inTurn = (unfinished: UnfinishedCommand[]): UnfinishedCommand[] =>
  [...unfinished].sort((a, b) => a.nextTryMs - b.nextTryMs);

function expiryOf({ retention, expiresAtMs, holds }: ArtifactRecord): Timed | null {
  if (retention.rule === 'permanent' || expiresAtMs === null || holds.length > 0) return null;
  return { kind: 'expire', atMs: expiresAtMs, rule: `${retention.rule}_retention` };
}

/** As soon as there is something to read; what is in the archive must come back first. */
function verificationOf({ record, verifyingSinceMs }: LifecycleState): Timed | null {
  if (record.status !== 'ACTIVE' || record.checksumState !== 'claimed' || verifyingSinceMs !== undefined) return null;
  return { kind: 'verify', atMs: record.updatedAtMs, rule: 'unverified_checksum' };
}

function holdEndOf({ holds }: ArtifactRecord): Timed | null {
  const ends = holds.flatMap(({ untilMs }) => (untilMs === null ? [] : [untilMs]));
  return ends.length === 0 ? null : { kind: 'endHold', atMs: Math.min(...ends), rule: 'hold_until' };
}

/** When somebody is told that it will expire, so that it can still be kept; null when nobody is, or was already. */
export function warnsAtMs(record: ArtifactRecord): number | null {
  const { expiresAtMs, createdAtMs, policy, holds } = record;
  const heldUntilMs = holdsEndMs(holds);
  if (expiresAtMs === null || heldUntilMs === null || policy.warnBeforeDays === 0) return null;
  const leadMs = Math.min(policy.warnBeforeDays * DAY_MS, Math.max(0, (expiresAtMs - createdAtMs) / 2));
  return Math.floor(Math.max(expiresAtMs, heldUntilMs) - leadMs);
}

function warningOf(record: ArtifactRecord): Timed | null {
  const atMs = record.warnedAtMs === null ? warnsAtMs(record) : null;
  return atMs === null ? null : { kind: 'warn', atMs, rule: 'expiry_warning' };
}

/**
 * The clock runs from the later of creation and last restore, and where use counts, from the last download that is known. When both are due, the colder one is gone to directly.
 */
function tierChangeOf({ record, retriesMs }: LifecycleState, nowMs: number): Timed | null {
  const { status, tier, createdAtMs, restoredAtMs, lastDownloadedAtMs, policy } = record;
  if (status !== 'ACTIVE') return null;
  const byUse = policy.tierBy === 'last_access';
  const sinceMs = Math.max(createdAtMs, restoredAtMs ?? 0, byUse ? (lastDownloadedAtMs ?? 0) : 0);
  const dueMs = (days: number | null): number | null =>
    days === null ? null : Math.max(sinceMs + days * DAY_MS, retriesMs.changeTier ?? 0);
  const coldAtMs = dueMs(policy.coldAfterDays);
  const warmAtMs = tier === 'HOT' ? dueMs(policy.warmAfterDays) : null;
  if (coldAtMs !== null && (warmAtMs === null || coldAtMs <= Math.max(warmAtMs, nowMs)))
    return { kind: 'changeTier', atMs: coldAtMs, rule: byUse ? 'cold_unused' : 'cold_age' };
  return warmAtMs === null ? null : { kind: 'changeTier', atMs: warmAtMs, rule: byUse ? 'warm_unused' : 'warm_age' };
}
