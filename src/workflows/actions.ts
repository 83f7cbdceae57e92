import { restored } from '../domain/changes.js';
import { inTurn, type NextAction } from '../domain/lifecycle.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { MINUTE_MS } from '../domain/units.js';
import { eraseArtifact, pollRestore, sweepArtifact } from './activity-proxies.js';
import { performCommand, tidy } from './commands.js';
import { errorOf } from './failures.js';
import { RETRY_MAX_MS, retryDelayMs, type Life } from './life.js';

/** Who acts when nobody asked. */
const WORKER = 'worker';

/** A registration that was given up is written within this, or never: statements end after a few seconds. */
const SECOND_LOOK_MS = MINUTE_MS;
/** A PUT may begin just before its URL dies, and clocks differ. */
const SWEEP_SLACK_MS = 15 * MINUTE_MS;

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
    case 'finishCommand':
      return finishCommand(life);
    case 'pollRestore':
      return lookAtRestore(life);
  }
}

async function erase(life: Life): Promise<void> {
  const { deletion, record } = life.state;
  if (deletion === null) return;
  const { reason, actor } = deletion;
  try {
    const erasure = await eraseArtifact({ record, reason, actor, atMs: Date.now() });
    if (erasure.outcome === 'rowAhead') return adopt(life, erasure.record);
    if (erasure.outcome === 'rowMissing' && !deletion.rowMissing) {
      const nextTryMs = Date.now() + SECOND_LOOK_MS;
      life.state = { ...life.state, deletion: { ...deletion, rowMissing: true, nextTryMs } };
      return;
    }
    const last = erasure.outcome === 'erased' ? erasure.record : record;
    const urlsDeadMs = (life.state.uploadEndedMs ?? Date.now()) + erasure.putUrlMs;
    const wasSigned = last.partSizeBytes === null && (erasure.outcome === 'erased' || life.registration === 'done');
    life.state = {
      ...life.state,
      record: { ...last, status: 'DELETED', deletionReason: last.deletionReason ?? reason },
      deletion: null,
      problem: null,
      sweepAtMs: wasSigned && urlsDeadMs > Date.now() ? urlsDeadMs + SWEEP_SLACK_MS : null,
    };
  } catch (error) {
    life.noteProblem(error);
    const failures = deletion.failures + 1;
    life.state = { ...life.state, deletion: { ...deletion, failures, nextTryMs: Date.now() + retryDelayMs(failures) } };
  }
}

/** The row was written by a task that was lost with its worker: what it says was promised, so the life goes on from there. */
function adopt(life: Life, record: ArtifactRecord): void {
  life.state = {
    ...life.state,
    record,
    deletion: null,
    problem: null,
    uploadEndedMs: life.state.uploadEndedMs ?? (record.status === 'UPLOADING' ? null : Date.now()),
    nextRestorePollMs: record.restoreState === null ? null : Date.now(),
  };
}

/** A message that was accepted and could not be carried out then. */
async function finishCommand(life: Life): Promise<void> {
  const [first, ...others] = inTurn(life.state.unfinished);
  if (first === undefined) return;
  life.state = { ...life.state, unfinished: others };
  try {
    await performCommand(life, first.command);
    life.clearProblem();
  } catch (error) {
    const known = errorOf(error);
    if (known === null) throw error;
    // The same problem goes on since when it began.
    if (!known.retryable) life.clearProblem();
    life.postpone(first.command, known, first.failures + 1);
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
    if (progress.done) {
      await life.write(restored(progress.stored, WORKER), { nextRestorePollMs: null });
      await tidy(life);
    } else life.state = { ...life.state, nextRestorePollMs: Date.now() + progress.pollAgainMs };
    life.clearProblem();
  } catch (error) {
    life.noteProblem(error);
    life.state = { ...life.state, nextRestorePollMs: Date.now() + RETRY_MAX_MS };
  }
}
