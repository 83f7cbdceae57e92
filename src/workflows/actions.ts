import { inTurn, nextAction, type NextAction, type Retries } from '../domain/lifecycle.js';
import { performCommand } from './commands.js';
import { erase, removeForGood, sweep } from './deleting.js';
import { errorOf } from './failures.js';
import { endDueHolds, warn } from './keeping.js';
import { RETRY_MAX_MS, WORKER, type Life } from './life.js';
import { beginVerification, concludeVerification, stopVerification } from './verifying.js';
import { changeTier, lookAtRestore } from './moving.js';
import { followTags } from './tagging.js';

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
    case 'tagObject':
      return followTags(life);
    case 'verify':
      return beginVerification(life);
    case 'warn':
      return orLater(life, next.kind, () => warn(life));
    case 'endHold':
      return orLater(life, next.kind, () => endDueHolds(life));
    case 'changeTier':
      return orLater(life, next.kind, () => changeTier(life, next.rule));
    case 'purge':
      return orLater(life, next.kind, () => removeForGood(life, WORKER));
  }
}

/** Of bytes that were read back, when that has ended. */
export async function conclude(life: Life): Promise<void> {
  if (life.state.deletion !== null) return stopVerification(life);
  const next = nextAction(life.state, Date.now());
  if (next.kind === 'expire' && next.atMs <= Date.now()) return;
  if (life.verification?.found) await orLater(life, 'verify', () => concludeVerification(life));
}

/** What fails is noted and tried again in an hour. */
async function orLater(life: Life, kind: keyof Retries, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    life.succeeded(kind);
  } catch (error) {
    life.noteProblem(error);
    life.state = { ...life.state, retriesMs: { ...life.state.retriesMs, [kind]: Date.now() + RETRY_MAX_MS } };
  }
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
