import { patched } from '@temporalio/workflow';
import { restored, restoreRequested, tierChanged, type Change, type StoredBytes } from '../domain/changes.js';
import type { RestoreArtifact } from '../domain/commands.js';
import { longestRestoreMs, tierOfClass, type StorageTier } from '../domain/tiers.js';
import { archived } from '../domain/changes.js';
import { completeRecord, type ArtifactRecord } from '../domain/artifact-record.js';
import { isCold, nextAction, type TierRule } from '../domain/lifecycle.js';
import { ensureTier, findRow, pollRestore, removeOtherVersions, requestRestore } from './activity-proxies.js';
import { errorOf } from './failures.js';
import { orWarn, RETRY_MAX_MS, WORKER, type Life } from './life.js';

/** Look, copy if the bucket did not, look again, and only then the row; then what the copy left behind goes. */
export async function moveToTier(
  life: Life,
  tier: StorageTier,
  change: (stored: StoredBytes | null) => Change,
): Promise<void> {
  await life.write(change(await storedInTier(life.state.record, tier)));
  life.succeeded('changeTier');
  await tidy(life);
}

/** Null where the tier is only a fact of the row: the store has no such class. */
export async function storedInTier(record: ArtifactRecord, tier: StorageTier): Promise<StoredBytes | null> {
  try {
    return await ensureTier(record, tier);
  } catch (error) {
    if (errorOf(error)?.code === 'not_supported' && !record.policy.none) return null;
    throw error;
  }
}

/** Age moves it, or that nobody has used it. COLD is ARCHIVED. */
export async function changeTier(life: Life, rule: TierRule): Promise<void> {
  if (life.state.record.policy.tierBy === 'last_access' && (await wasUsedSince(life))) return;
  return isCold(rule)
    ? moveToTier(life, 'COLD', (stored) => archived(stored, WORKER, Date.now()))
    : moveToTier(life, 'WARM', (stored) =>
        stored !== null && tierOfClass(stored.storageClass) === 'COLD'
          ? archived(stored, WORKER, Date.now())
          : tierChanged(life.state.record, 'WARM', stored),
      );
}

/** Downloads are told to nobody; they are asked for when a move is due, which is put off by those there were. */
async function wasUsedSince(life: Life): Promise<boolean> {
  const row = await findRow(life.state.record.id);
  if (row === null) return false;
  const { downloads, lastDownloadedAtMs } = completeRecord(row);
  life.state = { ...life.state, record: { ...life.state.record, downloads, lastDownloadedAtMs } };
  const next = nextAction(life.state, Date.now());
  return next.kind !== 'changeTier' || next.atMs > Date.now();
}

export async function restoreArtifact(life: Life, { tier, actor }: RestoreArtifact): Promise<void> {
  const progress = await requestRestore(life.state.record, tier);
  if (progress.done) return life.write(restored(progress.stored, actor, Date.now()));
  const etaMs = Date.now() + longestRestoreMs(tier);
  await life.write(restoreRequested(tier, etaMs, actor), { nextRestorePollMs: Date.now() + progress.pollAgainMs });
}

const HASTENS = 'asked-again-looks-at-restore';

/** Whoever asks again may have heard from S3 that a running restore is over, so it is looked at now. */
export function hastenRestore(life: Life): void {
  if (life.state.nextRestorePollMs !== null && patched(HASTENS))
    life.state = { ...life.state, nextRestorePollMs: Date.now() };
}

export async function lookAtRestore(life: Life): Promise<void> {
  try {
    const progress = await pollRestore(life.state.record);
    if (progress.done) {
      await life.write(restored(progress.stored, WORKER, Date.now()), { nextRestorePollMs: null });
      await tidy(life);
    } else life.state = { ...life.state, nextRestorePollMs: Date.now() + progress.pollAgainMs };
    life.clearProblem();
  } catch (error) {
    life.noteProblem(error);
    life.state = { ...life.state, nextRestorePollMs: Date.now() + RETRY_MAX_MS };
  }
}

/** Removes what a copy left behind, now that the row names the copy. What stays is removed with the artifact. */
export async function tidy(life: Life): Promise<void> {
  if (life.state.record.versionId === null) return;
  await orWarn(removeOtherVersions(life.state.record), `older versions of ${life.state.record.path} stay for now`);
}
