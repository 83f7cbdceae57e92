import { completeRecord, type ArtifactRecord } from '../domain/artifact-record.js';
import type { DeletionReason } from '../domain/artifact.js';
import { retentionOnceBack, undeleted } from '../domain/changes.js';
import { byOf } from '../domain/commands.js';
import type { LifecycleState } from '../domain/lifecycle.js';
import { MINUTE_MS } from '../domain/units.js';
import { bringBack, eraseArtifact, eraseAtOnce, findRow, purgeVersions, sweepArtifact } from './activity-proxies.js';
import { errorOf } from './failures.js';
import { keepForAnotherWhile, keepingTagTrue, outlastAttempt } from './keeping.js';
import { RETRY_MAX_MS, retryDelayMs, withRow, WORKER, type Life } from './life.js';

/** A registration that was given up is written within this, or never: statements end after a few seconds. */
const SECOND_LOOK_MS = MINUTE_MS;
/** A PUT may begin just before its URL dies, and clocks differ. */
const SWEEP_SLACK_MS = 15 * MINUTE_MS;

/** Once it is gone for good, or back, what was asked for before and still waits has lost its meaning. */
export const NOTHING_WAITS = { unfinished: [], retriesMs: {}, problem: null };

/** One try at a deletion that is decided. */
export async function erase(life: Life): Promise<void> {
  const { deletion, record } = life.state;
  if (deletion === null) return;
  const { reason, actor, requestId, forGood, executionDeletionId } = deletion;
  const rest = {
    ...(requestId === undefined ? {} : { requestId }),
    ...(forGood ? { forGood } : {}),
    ...(executionDeletionId === undefined ? {} : { executionDeletionId }),
  };
  // In one step on the first try, which nearly always succeeds; with heartbeats and time once something is in the way.
  const attempt = deletion.failures === 0 && record.policy.none !== true ? eraseAtOnce : eraseArtifact;
  try {
    const erasure = await attempt({ record, reason, actor, atMs: Date.now(), ...rest });
    if (erasure.outcome === 'rowAhead') return adopt(life, completeRecord(erasure.record));
    if (erasure.outcome === 'rowMissing' && !deletion.rowMissing) {
      const nextTryMs = Date.now() + SECOND_LOOK_MS;
      life.state = { ...life.state, deletion: { ...deletion, rowMissing: true, nextTryMs } };
      return;
    }
    const last = erasure.outcome === 'erased' ? completeRecord(erasure.record) : record;
    const wasSigned = last.partSizeBytes === null && (erasure.outcome === 'erased' || life.registration === 'done');
    life.state = {
      ...life.state,
      record: { ...last, status: 'DELETED', deletionReason: last.deletionReason ?? reason },
      deletion: null,
      problem: null,
      sweepAtMs: wasSigned ? sweepAtMs(life.state, erasure.putUrlMs) : null,
      retriesMs: {},
    };
  } catch (error) {
    life.noteProblem(error);
    const failures = deletion.failures + 1;
    const nextTryMs = Date.now() + retryDelayMs(failures);
    life.state = { ...life.state, deletion: { ...deletion, failures, nextTryMs, triedAtMs: Date.now() } };
  }
}

/** When what a signed PUT brings back is looked for; null when no URL lives. */
function sweepAtMs({ uploadEndedMs }: LifecycleState, putUrlMs: number): number | null {
  const urlsDeadMs = (uploadEndedMs ?? Date.now()) + putUrlMs;
  return urlsDeadMs <= Date.now() ? null : urlsDeadMs + SWEEP_SLACK_MS;
}

/** The row was written by a task that was lost with its worker: what it says was promised, so the life goes on from there. */
export function adopt(life: Life, record: ArtifactRecord): void {
  life.state = {
    ...withRow(life.state, record),
    deletion: null,
    problem: null,
    uploadEndedMs: life.state.uploadEndedMs ?? (record.status === 'UPLOADING' ? null : Date.now()),
    nextRestorePollMs: record.restoreState === null ? null : Date.now(),
  };
}

/**
 * A command was refused because the row tells of a deletion: a task began it, or ended it, and was lost with its worker. That deletion
 * goes on from there, and the command can be asked about again. @returns false when that is not why it failed.
 */
export async function catchUpWithDeletion(life: Life, error: unknown): Promise<boolean> {
  const { deletion, record } = life.state;
  if (errorOf(error)?.code !== 'artifact_deleted' || deletion !== null || record.status === 'DELETED') return false;
  const row = await findRow(record.id);
  if (row === null || row.deletionReason === null) return false;
  await followDeletion(life, { ...row, deletionReason: row.deletionReason });
  return true;
}

/** Goes on with a deletion that the row tells of. */
export async function followDeletion(
  life: Life,
  row: ArtifactRecord & { deletionReason: DeletionReason },
): Promise<void> {
  life.decideDeletion(row.deletionReason, WORKER);
  if (row.status === 'DELETED') await erase(life);
  else if (life.state.deletion !== null) {
    // The attempt of the lost task may still run.
    const triedAtMs = Date.now();
    life.state = { ...withRow(life.state, completeRecord(row)), deletion: { ...life.state.deletion, triedAtMs } };
  }
}

export async function sweep(life: Life): Promise<void> {
  try {
    await sweepArtifact(life.state.record);
    life.state = { ...life.state, sweepAtMs: null, problem: null };
  } catch (error) {
    life.noteProblem(error);
    life.state = { ...life.state, sweepAtMs: Date.now() + RETRY_MAX_MS };
  }
}

/** For good and at once, whether it is deleted already or not. */
export async function purgeArtifact(life: Life, actor: string): Promise<void> {
  if (life.state.record.status !== 'DELETED') return life.decideDeletion('requested', actor, { forGood: true });
  await removeForGood(life, actor);
}

/** The window is over: the bytes go, which is proven. */
export async function removeForGood(life: Life, actor: string): Promise<void> {
  const purge = purgeVersions({
    ...{ record: life.state.record, atMs: Date.now() },
    ...byOf({ actor, requestId: life.requestId }),
  });
  const record = completeRecord(
    await purge.catch((error: unknown) => {
      life.state = { ...life.state, purgeTriedAtMs: Date.now() };
      throw error;
    }),
  );
  const { sweepAtMs } = life.state;
  const isSwept = sweepAtMs === null || sweepAtMs <= Date.now();
  life.state = { ...life.state, record, sweepAtMs: isSwept ? null : sweepAtMs, ...NOTHING_WAITS };
}

/** Within its window, or before its deletion was proven. */
export async function undeleteArtifact(life: Life, actor: string): Promise<void> {
  if (life.state.record.status !== 'DELETED') return keepForAnotherWhile(life, actor);
  const { record, purgeTriedAtMs } = life.state;
  await outlastAttempt(purgeTriedAtMs);
  const stored = await bringBack(record);
  const retention = retentionOnceBack(record, Date.now());
  await keepingTagTrue(life, { ...record, retention }, () =>
    life.write(undeleted(record, retention, stored, actor), { sweepAtMs: null, ...NOTHING_WAITS }),
  );
}
