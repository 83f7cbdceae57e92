import { completeRecord } from '../domain/artifact-record.js';
import type { Joined } from '../activities/upload.js';
import { archived, uploadCompleted, type VerifiedBy } from '../domain/changes.js';
import type { Command, CompleteUpload } from '../domain/commands.js';
import { held, requireHold } from '../domain/holds.js';
import type { LifecycleState } from '../domain/lifecycle.js';
import { requireRetentionDays } from '../domain/retention.js';
import { tagsAfter } from '../domain/tags.js';
import {
  requireClaimKept,
  requireFutureExpiry,
  requireRoomForHold,
  requireSameContent,
  ruleOn,
  type Ruling,
} from '../domain/verbs.js';
import { activateUpload, joinMultipart, joinSinglePut, verifyBytes } from './activity-proxies.js';
import { catchUpWithDeletion, purgeArtifact, undeleteArtifact } from './deleting.js';
import { errorOf } from './failures.js';
import { addHold, endHold, inheritRetention, keepForever, setRetention } from './keeping.js';
import type { Life } from './life.js';
import { hastenRestore, moveToTier, restoreArtifact } from './moving.js';
import { repairArtifact } from './repairing.js';
import { setTags } from './tagging.js';

/**
 * Refuses a command that cannot be carried out as things stand: synchronous and without side effects, so updates are refused
 * before they enter the history. Asked again when the command's turn comes. @throws ArtifactError
 */
export function checkCommand(life: Life, command: Command): Ruling {
  const { state } = life;
  const ruling = ruleOn(command.verb, state);
  if (command.verb === 'completeUpload')
    (ruling === 'done' ? requireSameContent : requireClaimKept)(state.record, command.message);
  if (command.verb === 'deleteArtifact' || command.verb === 'purgeArtifact') requireNoHoldWaiting(state);
  if (command.verb === 'inheritRetention') return whetherInherited(state, ruling, command.message.days);
  if (command.verb === 'setRetention') requireFutureExpiry(state.record, command.message, Date.now());
  if (command.verb === 'setTags') tagsAfter(state.record.tags, command.message);
  if (command.verb === 'addHold') {
    requireHold(command.message.hold, Date.now());
    return requireRoomForHold(state.record, command.message.hold);
  }
  return ruling;
}

/** A word of its own that was accepted counts already. @throws `invalid_retention`. */
function whetherInherited({ unfinished }: LifecycleState, ruling: Ruling, days: number): Ruling {
  requireRetentionDays(days);
  const hasOwn = unfinished.some(({ command: { verb } }) => verb === 'keepForever' || verb === 'setRetention');
  return hasOwn ? 'done' : ruling;
}

/** One that was accepted and could not be placed yet counts as well. @throws `held`. */
function requireNoHoldWaiting({ record, unfinished }: LifecycleState): void {
  const waiting = unfinished.flatMap(({ command }) =>
    command.verb === 'addHold' ? [{ ...command.message.hold, by: command.message.actor, atMs: 0 }] : [],
  );
  if (waiting.length > 0) throw held({ ...record, holds: waiting });
}

/** Carries one command out. When it throws, nothing has changed that a repetition would not do again. */
export async function performCommand(life: Life, command: Command): Promise<void> {
  life.requestId = command.message.requestId;
  try {
    await perform(life, command);
  } catch (error) {
    if (!(await catchUpWithDeletion(life, error))) throw error;
    await perform(life, command);
  } finally {
    life.requestId = undefined;
  }
}

async function perform(life: Life, command: Command): Promise<void> {
  if (checkCommand(life, command) === 'done') {
    if (command.verb === 'restoreArtifact') hastenRestore(life);
    return;
  }
  const { actor } = command.message;
  switch (command.verb) {
    case 'completeUpload':
      return completeUpload(life, command.message);
    case 'abortUpload':
      return life.decideDeletion('upload_aborted', actor);
    case 'deleteArtifact':
      return life.decideDeletion('requested', actor, command.message);
    case 'purgeArtifact':
      return purgeArtifact(life, actor);
    case 'undeleteArtifact':
      return undeleteArtifact(life, actor);
    case 'setRetention':
      return setRetention(life, command.message);
    case 'inheritRetention':
      return inheritRetention(life, command.message);
    case 'keepForever':
      return keepForever(life, command.message);
    case 'addHold':
      return addHold(life, command.message);
    case 'endHold':
      return endHold(life, command.message);
    case 'setTags':
      return setTags(life, command.message);
    case 'archiveArtifact':
      return moveToTier(life, 'COLD', (stored) => archived(stored, actor, Date.now()));
    case 'restoreArtifact':
      return restoreArtifact(life, command.message);
    case 'repairArtifact':
      return repairArtifact(life, command.message);
  }
}

/** Join, look, compare, read back where nobody has checked what was sent, and only then ACTIVE. */
async function completeUpload(life: Life, message: CompleteUpload): Promise<void> {
  try {
    await activate(life, message);
    life.state = { ...life.state, uploadEndedMs: Date.now() };
  } catch (error) {
    const code = errorOf(error)?.code;
    if (code === 'checksum_mismatch' || code === 'size_mismatch')
      life.decideDeletion('checksum_mismatch', message.actor);
    if (code === 'quota_exceeded') life.decideDeletion('upload_failed', message.actor);
    throw error;
  }
}

async function activate(life: Life, message: CompleteUpload): Promise<void> {
  const { record } = life.state;
  const { joined, active } = await join(life, message);
  if (active !== null) {
    life.state = { ...life.state, record: completeRecord(active) };
    return;
  }
  const verifiedBy = proofOf(joined);
  if (verifiedBy === 'read_back') await verifyBytes(record, message, joined.stored);
  await life.write(uploadCompleted(record, message, { ...joined.stored, verifiedBy }));
}

/**
 * What shows that the bytes have the claimed hash. Null: nothing yet, but what was sent is there, so reading it back can wait. Where the
 * store has checked nothing, it cannot: the uploader is still there to be told.
 */
function proofOf({ verifiedByStore, partsEnforced }: Joined): VerifiedBy | null {
  if (verifiedByStore) return 'store';
  return partsEnforced === true ? null : 'read_back';
}

/** `active` is the row when it could be written in the same step. */
async function join(life: Life, message: CompleteUpload): ReturnType<typeof activateUpload> {
  const { record } = life.state;
  if (record.partSizeBytes !== null) return { joined: await joinMultipart(record, message), active: null };
  if (record.policy.none) return { joined: await joinSinglePut(record, message), active: null };
  return activateUpload({ record, claim: message, atMs: Date.now() });
}
