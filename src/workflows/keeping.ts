import { condition } from '@temporalio/workflow';
import { completeRecord, type ArtifactRecord } from '../domain/artifact-record.js';
import {
  deletionRevoked,
  expiryWarned,
  holdAdded,
  holdEnded,
  retentionChanged,
  retentionOnceBack,
} from '../domain/changes.js';
import type { AddHold, EndHold, InheritRetention, KeepForever, SetRetention } from '../domain/commands.js';
import { ownRetention, type Retention } from '../domain/retention.js';
import { retentionTag } from '../domain/stored-object.js';
import { SECOND_MS } from '../domain/units.js';
import { findUnharmed, tagObject } from './activity-proxies.js';
import { orWarn, withRow, WORKER, type Life } from './life.js';

/**
 * An attempt to delete that was given up is over after this. It sends nothing once its time is up or its worker is told, and a worker
 * that cannot be told gives up by its own clock within it; what it sent before, the store has carried out by then or never will.
 */
const LATE_ATTEMPT_MS = 30 * SECOND_MS;

export async function keepForever(life: Life, { reason, actor }: KeepForever): Promise<void> {
  if (life.state.record.retention.rule !== 'permanent')
    await changeRetention(life, { rule: 'permanent', by: actor, reason, atMs: Date.now() }, actor);
  life.overrule('keepForever');
}

export async function setRetention(life: Life, message: SetRetention): Promise<void> {
  const retention = ownRetention(message);
  if (!isSame(life.state.record.retention, retention)) await changeRetention(life, retention, message.actor);
  life.overrule('setRetention');
}

export async function inheritRetention(life: Life, { days, actor }: InheritRetention): Promise<void> {
  const { retention } = life.state.record;
  if (retention.rule !== 'execution' || retention.days !== days)
    await changeRetention(life, { rule: 'execution', days }, actor);
  life.overrule('inheritRetention');
}

const isSame = (a: Retention, b: Retention): boolean =>
  (a.rule === 'artifact' && b.rule === 'artifact' && a.days === b.days) ||
  (a.rule === 'date' && b.rule === 'date' && a.expiresAtMs === b.expiresAtMs);

async function changeRetention(life: Life, retention: Retention, actor: string): Promise<void> {
  await revokeDeletion(life, actor);
  const before = life.state.record;
  await keepingTagTrue(life, { ...before, retention }, () => life.write(retentionChanged(before, retention, actor)));
  if (before.status !== 'UPLOADING' || life.state.record.status === 'UPLOADING') return;
  // The upload was complete already and nobody had heard of it: now the change has a deadline to move, and an object to tag.
  life.state = { ...life.state, record: { ...life.state.record, retention: before.retention } };
  await changeRetention(life, retention, actor);
}

export async function addHold(life: Life, { hold, actor }: AddHold): Promise<void> {
  await revokeDeletion(life, actor);
  const added = { ...hold, by: actor, atMs: Date.now() };
  const { record } = life.state;
  await keepingTagTrue(life, { ...record, holds: [...record.holds, added] }, () =>
    life.write(holdAdded(record, added)),
  );
}

/** One that was never there, or has ended, is no fault: the message may come twice. One that waits is not placed any more. */
export async function endHold(life: Life, { holdId, actor }: EndHold): Promise<void> {
  const { record } = life.state;
  life.drop(({ verb, message }) => verb === 'addHold' && message.hold.id === holdId);
  const hold = record.holds.find(({ id }) => id === holdId);
  if (hold === undefined) return;
  const holds = record.holds.filter(({ id }) => id !== holdId);
  await keepingTagTrue(life, { ...record, holds }, () => life.write(holdEnded(record, hold, actor)));
}

/** Holds whose time is up. */
export async function endDueHolds(life: Life): Promise<void> {
  const due = life.state.record.holds.filter(({ untilMs }) => untilMs !== null && untilMs <= Date.now());
  for (const { id } of due) await endHold(life, { holdId: id, actor: WORKER });
}

export const warn = (life: Life): Promise<void> => life.write(expiryWarned(life.state.record, Date.now()));

/**
 * The object's tag first when the bucket's own expiry rule matched it until now, last otherwise: at no moment may that rule match an
 * object that is to be kept. A tag that goes on protecting it does no harm, so that one is not insisted on.
 */
export async function keepingTagTrue(life: Life, after: ArtifactRecord, write: () => Promise<void>): Promise<void> {
  const before = life.state.record;
  const tag = retentionTag(before);
  const changesTag = before.status !== 'UPLOADING' && tag !== retentionTag(after);
  if (changesTag && tag === 'expiring') await tagObject(after);
  await write();
  const { expiresAtMs, path, holds } = life.state.record;
  const isDue = expiresAtMs !== null && expiresAtMs <= Date.now() && holds.length === 0;
  if (changesTag && tag !== 'expiring' && !isDue)
    await orWarn(tagObject(life.state.record), `${path} goes on being tagged as ${tag}`);
}

/**
 * Whoever keeps an artifact before its bytes go, wins, also when its deletion was decided already. What was tried is waited for, and
 * the bytes are looked at: they may have gone although nobody could say so. Does nothing when no deletion waits.
 * @param beforehand what else must be written before the deletion is off.
 * @throws `artifact_deleted` when they have gone.
 */
export async function revokeDeletion(
  life: Life,
  actor: string,
  beforehand: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { deletion, record } = life.state;
  if (deletion === null) return;
  await outlastAttempt(deletion.triedAtMs);
  const row = completeRecord(await findUnharmed(record));
  life.state = { ...withRow(life.state, row), nextRestorePollMs: row.restoreState === null ? null : Date.now() };
  await beforehand();
  if (row.deletionReason !== null) await life.write(deletionRevoked(row, actor, deletion.executionDeletionId));
  life.state = { ...life.state, deletion: null };
  life.clearProblem();
}

/** Waits until an attempt to delete that was given up cannot do any harm any more. */
export async function outlastAttempt(triedAtMs = 0): Promise<void> {
  const lateUntilMs = triedAtMs + LATE_ATTEMPT_MS;
  if (lateUntilMs > Date.now())
    await condition(() => false, lateUntilMs - Date.now(), { summary: 'an attempt to delete may still run' });
}

/** The same for somebody who only wants it back: what had expired is kept for another while, or it would expire again at once. */
export function keepForAnotherWhile(life: Life, actor: string): Promise<void> {
  return revokeDeletion(life, actor, async () => {
    const { record } = life.state;
    const retention = retentionOnceBack(record, Date.now());
    if (retention !== record.retention)
      await keepingTagTrue(life, { ...record, retention }, () =>
        life.write(retentionChanged(record, retention, actor)),
      );
  });
}
