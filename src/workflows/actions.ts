import { restored } from '../domain/changes.js';
import type { NextAction } from '../domain/lifecycle.js';
import { HOUR_MS, MINUTE_MS } from '../domain/units.js';
import { eraseArtifact, pollRestore, sweepArtifact } from './activity-proxies.js';
import type { Life } from './life.js';

/** Who acts when nobody asked. */
const WORKER = 'worker';

const RETRY_MIN_MS = MINUTE_MS;
const RETRY_MAX_MS = HOUR_MS;

/** 1, 2, 4, … minutes, at most an hour. */
const retryDelayMs = (failures: number): number => Math.min(RETRY_MIN_MS * 2 ** (failures - 1), RETRY_MAX_MS);

/** Does what is due. Never throws for what the outside does: a problem is noted, shown, and tried again later. */
export async function act(life: Life, next: NextAction): Promise<void> {
  switch (next.kind) {
    case 'none':
      return;
    case 'abandonUpload':
      return life.decideDeletion('upload_abandoned', WORKER);
    case 'expire':
      return life.decideDeletion('expired', WORKER);
    case 'delete':
      return erase(life);
    case 'sweep':
      return sweep(life);
    case 'pollRestore':
      return lookAtRestore(life);
  }
}

async function erase(life: Life): Promise<void> {
  const { deletion, record, changes } = life.state;
  if (deletion === null) return;
  const { reason, actor } = deletion;
  try {
    const erased = await eraseArtifact({
      artifactId: record.id,
      reason,
      actor,
      changeNumber: changes + 1,
      atMs: Date.now(),
    });
    const urlsDeadMs = (life.state.uploadEndedMs ?? Date.now()) + life.state.putUrlMs;
    life.state = {
      ...life.state,
      record: erased ?? { ...record, status: 'DELETED', deletionReason: reason },
      changes: changes + 2,
      deletion: null,
      problem: null,
      sweepAtMs: erased !== null && urlsDeadMs > Date.now() ? urlsDeadMs : null,
    };
  } catch (error) {
    life.noteProblem(error);
    const failures = deletion.failures + 1;
    life.state = { ...life.state, deletion: { ...deletion, failures, nextTryMs: Date.now() + retryDelayMs(failures) } };
  }
}

async function sweep(life: Life): Promise<void> {
  try {
    await sweepArtifact(life.state.record);
    life.state = { ...life.state, sweepAtMs: null, problem: null };
  } catch (error) {
    life.noteProblem(error);
    life.state = { ...life.state, sweepAtMs: Date.now() + RETRY_MAX_MS };
  }
}

async function lookAtRestore(life: Life): Promise<void> {
  try {
    const progress = await pollRestore(life.state.record);
    if (progress.done) await life.write(restored(progress.stored, WORKER), { nextRestorePollMs: null, problem: null });
    else life.state = { ...life.state, nextRestorePollMs: Date.now() + progress.pollAgainMs, problem: null };
  } catch (error) {
    life.noteProblem(error);
    life.state = { ...life.state, nextRestorePollMs: Date.now() + RETRY_MAX_MS };
  }
}
