import { restored } from '../domain/changes.js';
import type { NextAction } from '../domain/lifecycle.js';
import { HOUR_MS, MINUTE_MS } from '../domain/units.js';
import { eraseArtifact, pollRestore, sweepArtifact } from './activity-proxies.js';
import { performCommand, tidy } from './commands.js';
import { errorOf } from './failures.js';
import { retryDelayMs, type Life } from './life.js';

/** Who acts when nobody asked. */
const WORKER = 'worker';

const RETRY_MAX_MS = HOUR_MS;
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
    const erased = await eraseArtifact({ record, reason, actor, atMs: Date.now() });
    if (erased === null && !deletion.rowMissing) {
      life.state = {
        ...life.state,
        deletion: { ...deletion, rowMissing: true, nextTryMs: Date.now() + SECOND_LOOK_MS },
      };
      return;
    }
    const urlsDeadMs = (life.state.uploadEndedMs ?? Date.now()) + life.state.putUrlMs;
    life.state = {
      ...life.state,
      record: erased ?? { ...record, status: 'DELETED', deletionReason: reason },
      deletion: null,
      problem: null,
      sweepAtMs: erased !== null && urlsDeadMs > Date.now() ? urlsDeadMs + SWEEP_SLACK_MS : null,
    };
  } catch (error) {
    life.noteProblem(error);
    const failures = deletion.failures + 1;
    life.state = { ...life.state, deletion: { ...deletion, failures, nextTryMs: Date.now() + retryDelayMs(failures) } };
  }
}

/** A message that was accepted and could not be carried out then. */
async function finishCommand(life: Life): Promise<void> {
  const [first, ...others] = life.state.unfinished;
  if (first === undefined) return;
  life.state = { ...life.state, unfinished: others };
  try {
    await performCommand(life, first.command);
    life.state = { ...life.state, problem: null };
  } catch (error) {
    const known = errorOf(error);
    if (known === null) throw error;
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
    } else life.state = { ...life.state, nextRestorePollMs: Date.now() + progress.pollAgainMs, problem: null };
  } catch (error) {
    life.noteProblem(error);
    life.state = { ...life.state, nextRestorePollMs: Date.now() + RETRY_MAX_MS };
  }
}
