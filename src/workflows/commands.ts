import { log } from '@temporalio/workflow';
import { archived, restored, restoreRequested, retentionChanged, uploadCompleted } from '../domain/changes.js';
import type { Command, CompleteUpload, InheritRetention, RestoreArtifact, SetRetention } from '../domain/commands.js';
import type { Retention } from '../domain/retention.js';
import { requireClaimKept, requireFutureExpiry, requireSameContent, ruleOn } from '../domain/verbs.js';
import {
  ensureTier,
  joinMultipart,
  joinSinglePut,
  removeOtherVersions,
  requestRestore,
  tagObject,
  verifyBytes,
} from './activity-proxies.js';
import { errorOf } from './failures.js';
import type { Life } from './life.js';

/**
 * Refuses a command that cannot be carried out as things stand: synchronous and without side effects, so updates are refused
 * before they enter the history. Asked again when the command's turn comes. @throws ArtifactError
 */
export function checkCommand(life: Life, command: Command): 'perform' | 'done' {
  const { state } = life;
  const ruling = ruleOn(command.verb, state);
  if (command.verb === 'completeUpload')
    (ruling === 'done' ? requireSameContent : requireClaimKept)(state.record, command.message);
  if (command.verb === 'setRetention') requireFutureExpiry(state.record, command.message, Date.now());
  return ruling;
}

/** Carries one command out. When it throws, nothing has changed that a repetition would not do again. */
export async function performCommand(life: Life, command: Command): Promise<void> {
  if (checkCommand(life, command) === 'done') return;
  const { actor } = command.message;
  switch (command.verb) {
    case 'completeUpload':
      return completeUpload(life, command.message);
    case 'abortUpload':
      return life.decideDeletion('upload_aborted', actor);
    case 'deleteArtifact':
      return life.decideDeletion('requested', actor);
    case 'setRetention':
      return setRetention(life, command.message);
    case 'inheritRetention':
      return inheritRetention(life, command.message);
    case 'keepForever': {
      const { retention } = life.state.record;
      if (retention.rule === 'permanent') return;
      return changeRetention(
        life,
        { rule: 'permanent', by: actor, reason: command.message.reason, atMs: Date.now() },
        actor,
      );
    }
    case 'archiveArtifact':
      await life.write(archived(await ensureTier(life.state.record, 'COLD'), actor, Date.now()));
      return tidy(life);
    case 'restoreArtifact':
      return restoreArtifact(life, command.message);
  }
}

/** Join, look, compare, read back where nobody else has checked the bytes, and only then ACTIVE. */
async function completeUpload(life: Life, message: CompleteUpload): Promise<void> {
  const { record } = life.state;
  try {
    const join = record.partSizeBytes === null ? joinSinglePut : joinMultipart;
    const { stored, verifiedByStore } = await join(record, message);
    if (!verifiedByStore) await verifyBytes(record, message, stored);
    const verifiedBy = verifiedByStore ? 'store' : 'read_back';
    await life.write(uploadCompleted(record, message, { ...stored, verifiedBy }));
    life.state = { ...life.state, uploadEndedMs: Date.now() };
  } catch (error) {
    const code = errorOf(error)?.code;
    if (code === 'checksum_mismatch' || code === 'size_mismatch')
      life.decideDeletion('checksum_mismatch', message.actor);
    throw error;
  }
}

async function setRetention(life: Life, { days, actor }: SetRetention): Promise<void> {
  const { retention } = life.state.record;
  if (retention.rule === 'artifact' && retention.days === days) return;
  await changeRetention(life, { rule: 'artifact', days }, actor);
}

async function inheritRetention(life: Life, { days, actor }: InheritRetention): Promise<void> {
  const { retention } = life.state.record;
  if (retention.rule === 'execution' && retention.days === days) return;
  await changeRetention(life, { rule: 'execution', days }, actor);
}

/**
 * The object's tag first when it becomes permanent, last when it stops being so: at no moment may the bucket's own expiry rule
 * match an object that is to be kept. A tag that goes on saying permanent does no harm, so that one is not insisted on.
 */
async function changeRetention(life: Life, retention: Retention, actor: string): Promise<void> {
  const { record } = life.state;
  const hasObject = record.status !== 'UPLOADING';
  const changesTag = hasObject && (retention.rule === 'permanent') !== (record.retention.rule === 'permanent');
  if (changesTag && retention.rule === 'permanent') await tagObject({ ...record, retention });
  await life.write(retentionChanged(record, retention, actor));
  life.dropUnfinishedRetention();
  const { expiresAtMs } = life.state.record;
  const isDue = expiresAtMs !== null && expiresAtMs <= Date.now();
  if (changesTag && retention.rule !== 'permanent' && !isDue)
    await orWarn(tagObject(life.state.record), `${record.path} goes on being tagged as permanent`);
}

async function restoreArtifact(life: Life, { tier, actor }: RestoreArtifact): Promise<void> {
  const progress = await requestRestore(life.state.record, tier);
  if (progress.done) return life.write(restored(progress.stored, actor));
  await life.write(restoreRequested(tier, actor), { nextRestorePollMs: Date.now() + progress.pollAgainMs });
}

/** Removes what a copy left behind, now that the row names the copy. What stays is removed with the artifact. */
export async function tidy(life: Life): Promise<void> {
  if (life.state.record.versionId === null) return;
  await orWarn(removeOtherVersions(life.state.record), `older versions of ${life.state.record.path} stay for now`);
}

/** For work that may be left undone. */
async function orWarn(work: Promise<void>, consequence: string): Promise<void> {
  try {
    await work;
  } catch (error) {
    const known = errorOf(error);
    if (known === null) throw error;
    log.warn(`${consequence}: ${known.message}`, { code: known.code });
  }
}
