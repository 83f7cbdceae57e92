import * as wf from '@temporalio/workflow';
import { MANIFEST_QUIET_MS } from '../domain/manifest.js';
import { SECOND_MS } from '../domain/units.js';
import { writeManifest } from './activity-proxies.js';
import { errorOf } from './failures.js';
import { retryDelayMs } from './life.js';
import { executionChanged } from './messages.js';
import { ARTIFACT_PROBLEM } from './search-attributes.js';

/** No change waits for longer than this, even when the burst goes on. */
const MAX_WAIT_MS = 30 * SECOND_MS;

export interface ExecutionManifestInput {
  executionId: string;
  /** Handed over by continue-as-new. Without it the start itself stands for a change. */
  pending?: Pending;
}

/** What is still to be written, as plain JSON. */
interface Pending {
  /** The first and the last change that no write has begun after; null when there is none. */
  unwritten: { firstMs: number; lastMs: number } | null;
  /** Writes in a row that failed. */
  failures: number;
  /** Not before this, after a failure. */
  retryAtMs: number;
}

/**
 * Keeps the manifest of an execution true: after every change of its rows it is written from the rows as they are then, once for many
 * changes that come together. The only writer of it. Ends when there is nothing left to write; the next change starts it again.
 *
 * Nothing is lost between its last look and its end: a signal that comes then makes the server refuse the completion (so it does with
 * continue-as-new), and the task is done again with the signal in it; one that comes later starts a new run.
 */
export async function executionManifest({ executionId, pending }: ExecutionManifestInput): Promise<void> {
  const state = pending ?? { unwritten: null, failures: 0, retryAtMs: 0 };
  const noteChange = (): void => {
    const nowMs = Date.now();
    state.unwritten = { firstMs: state.unwritten?.firstMs ?? nowMs, lastMs: nowMs };
  };
  wf.setHandler(executionChanged, noteChange, { description: 'Rows of the execution have changed' });
  if (pending === undefined) noteChange();

  while (hasUnwritten(state)) {
    await untilDue(state);
    if (wf.workflowInfo().continueAsNewSuggested)
      await wf.continueAsNew<typeof executionManifest>({ executionId, pending: state });
    // What comes from here on may come too late for the write.
    state.unwritten = unsaidAfter(state.unwritten);
    try {
      await writeManifest(executionId);
      noteSuccess(state);
    } catch (error) {
      noteFailure(state, error);
      noteChange();
    }
  }
}

/**
 * Whoever was heard stands for what changes within the quiet time after it too (`MANIFEST_QUIET_MS`). A write that does not wait for the end
 * of that time, because the burst is long, is followed by one that does.
 */
function unsaidAfter(written: Pending['unwritten']): Pending['unwritten'] {
  const nowMs = Date.now();
  if (written === null || nowMs >= written.lastMs + MANIFEST_QUIET_MS) return null;
  return { firstMs: nowMs, lastMs: written.lastMs };
}

const hasUnwritten = ({ unwritten }: Pending): boolean => unwritten !== null;

function dueMs({ unwritten, retryAtMs }: Pending): number {
  if (unwritten === null) return Infinity;
  return Math.max(retryAtMs, Math.min(unwritten.lastMs + MANIFEST_QUIET_MS, unwritten.firstMs + MAX_WAIT_MS));
}

/** Changes do not wake it, as most would only make it sleep again: when the time is up, it looks whether there were more. */
async function untilDue(state: Pending): Promise<void> {
  for (let delayMs = dueMs(state) - Date.now(); delayMs > 0; delayMs = dueMs(state) - Date.now()) {
    const summary = state.failures === 0 ? 'until the burst is over' : `until the next try (${state.failures} failed)`;
    if (await wf.condition(() => wf.workflowInfo().continueAsNewSuggested, delayMs, { summary })) return;
  }
}

function noteSuccess(state: Pending): void {
  if (state.failures === 0) return;
  state.failures = 0;
  state.retryAtMs = 0;
  wf.upsertSearchAttributes([{ key: ARTIFACT_PROBLEM, value: null }]);
  wf.setCurrentDetails('');
}

/** What the outside does is shown and tried again later. A bug of ours must fail the workflow task. */
function noteFailure(state: Pending, error: unknown): void {
  const known = errorOf(error);
  if (known === null) throw error;
  state.failures += 1;
  state.retryAtMs = Date.now() + retryDelayMs(state.failures);
  wf.log.warn(`the manifest could not be written: ${known.message}`, { code: known.code, failures: state.failures });
  wf.upsertSearchAttributes([{ key: ARTIFACT_PROBLEM, value: known.code }]);
  wf.setCurrentDetails(`**problem**: ${known.code}: ${known.message.slice(0, 500)}`);
}
