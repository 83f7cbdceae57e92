import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import * as wf from '@temporalio/workflow';
import { NOTHING_INSPECTED } from '../domain/drift.js';
import {
  addInspected,
  RECONCILIATION_STAGES,
  RECONCILIATION_WORKFLOW_ID,
  type ReconciliationMode,
  type ReconciliationProgress,
  type ReconciliationStage,
} from '../domain/reconcile.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import {
  beginReconciliation,
  finishReconciliation,
  inspectBucket,
  inspectLives,
  inspectManifests,
  inspectUploads,
  settleFindings,
  weighRepair,
} from './activity-proxies.js';
import { errorOf, failureOf } from './failures.js';
import { reconciliationProgress } from './messages.js';

export interface ReconcileInput {
  mode: ReconciliationMode;
  /** Handed over by continue-as-new. */
  state?: ReconcileState;
}

/** What is carried from run to run, plain JSON. */
export interface ReconcileState extends ReconciliationProgress {
  stage: ReconciliationStage;
  /** Of the stage: the next slice begins there; null at its beginning. */
  cursor: string | null;
  /** The last finding that was settled. */
  settledNumber: number;
  /** Why nothing is lost for good by this repair; null: nothing stands in the way. Not weighed yet: absent. */
  brake?: string | null;
}

const INSPECTIONS: Record<Exclude<ReconciliationStage, 'findings'>, typeof inspectBucket> = {
  bucket: inspectBucket,
  lives: inspectLives,
  uploads: inspectUploads,
  manifests: inspectManifests,
};

/**
 * Compares bucket, rows and workflows, slice by slice, writes down where they differ, and heals that by the workflow of each artifact when it
 * is to repair. Goes on where it was whoever dies meanwhile; an outage is waited for. One at a time: under any other workflow id, as a
 * schedule gives them, it only starts the one, unless that runs already.
 */
export async function reconcile({ mode, state: handedOver }: ReconcileInput): Promise<void> {
  if (wf.workflowInfo().workflowId !== RECONCILIATION_WORKFLOW_ID) return runTheOne(mode);
  const state = handedOver ?? newState(mode);
  wf.setHandler(reconciliationProgress, () => progressOf(state));
  const { runId, startedAtMs } = state;
  try {
    if (handedOver === undefined) await beginReconciliation({ id: runId, mode, startedAtMs });
    await inspect(state);
    await settle(state);
    await finish(state, null);
  } catch (error) {
    if (error instanceof wf.ContinueAsNew) throw error;
    const known = errorOf(error);
    const isCancelled = wf.isCancellation(error);
    if (known === null && !isCancelled) throw error;
    const failure = isCancelled ? 'it was cancelled' : `${known?.code}: ${known?.message}`;
    await wf.CancellationScope.nonCancellable(() => finish(state, failure));
    throw known === null || isCancelled ? error : failureOf(known);
  }
}

async function runTheOne(mode: ReconciliationMode): Promise<void> {
  try {
    await wf.executeChild(reconcile, {
      workflowId: RECONCILIATION_WORKFLOW_ID,
      args: [{ mode }],
      // A cancellation is passed on, and its report is written.
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      parentClosePolicy: 'REQUEST_CANCEL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: summaryOf(mode),
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      wf.log.info('a reconciliation runs already');
      return;
    }
    throw error;
  }
}

const summaryOf = (mode: ReconciliationMode): string =>
  mode === 'repair' ? 'finds and heals drift' : 'finds drift (dry run)';

function newState(mode: ReconciliationMode): ReconcileState {
  const nowMs = Date.now();
  return {
    runId: wf.workflowInfo().firstExecutionRunId,
    ...{ mode, startedAtMs: nowMs, stage: RECONCILIATION_STAGES[0], stageStartedAtMs: nowMs, cursor: null },
    ...{ inspected: NOTHING_INSPECTED, settled: {}, settledNumber: 0 },
  };
}

const progressOf = ({
  runId,
  mode,
  startedAtMs,
  stage,
  stageStartedAtMs,
  inspected,
  settled,
}: ReconcileState): ReconciliationProgress => ({
  ...{ runId, mode, startedAtMs, stage, stageStartedAtMs, inspected, settled },
});

async function inspect(state: ReconcileState): Promise<void> {
  while (state.stage !== 'findings') {
    show(state);
    const { cursor, inspected } = await INSPECTIONS[state.stage]({ runId: state.runId, cursor: state.cursor });
    state.inspected = addInspected(state.inspected, inspected);
    state.cursor = cursor;
    if (cursor === null) nextStage(state);
    await continueIfLong(state);
  }
}

function nextStage(state: ReconcileState): void {
  state.stage = RECONCILIATION_STAGES[RECONCILIATION_STAGES.indexOf(state.stage) + 1] ?? 'findings';
  state.stageStartedAtMs = Date.now();
}

/** A dry run only says what is in quarantine already. */
async function settle(state: ReconcileState): Promise<void> {
  const { runId, mode, startedAtMs, inspected } = state;
  if (mode === 'repair' && state.brake === undefined)
    state.brake = await weighRepair({ runId, startedAtMs, inspected });
  for (;;) {
    show(state);
    const { settledNumber: afterNumber, brake = null } = state;
    const slice = await settleFindings({ runId, mode, startedAtMs, afterNumber, brake });
    for (const [outcome, count] of Object.entries(slice.settled)) {
      const key = outcome as keyof typeof slice.settled;
      state.settled[key] = (state.settled[key] ?? 0) + count;
    }
    if (slice.afterNumber === null) return;
    state.settledNumber = slice.afterNumber;
    await continueIfLong(state);
  }
}

async function continueIfLong(state: ReconcileState): Promise<void> {
  if (wf.workflowInfo().continueAsNewSuggested) await wf.continueAsNew<typeof reconcile>({ mode: state.mode, state });
}

async function finish({ runId, mode, startedAtMs, inspected }: ReconcileState, failure: string | null): Promise<void> {
  await finishReconciliation({ runId, mode, startedAtMs, finishedAtMs: Date.now(), inspected, failure });
}

/** For the Temporal UI. */
function show({ mode, stage, stageStartedAtMs, startedAtMs, inspected, settled, brake }: ReconcileState): void {
  const minutes = ((Date.now() - startedAtMs) / MINUTE_MS).toFixed(1);
  const seconds = Math.max(1, (Date.now() - stageStartedAtMs) / SECOND_MS);
  const count: Record<ReconciliationStage, number> = {
    bucket: inspected.objects + inspected.rows,
    lives: inspected.lives,
    uploads: inspected.uploads,
    manifests: inspected.manifests,
    findings: Object.values(settled).reduce((sum, one) => sum + one, 0),
  };
  wf.setCurrentDetails(
    [
      `**${summaryOf(mode)}**, ${minutes} minutes so far; now: ${stage}, ${Math.round(count[stage] / seconds)} per second`,
      `- rows: ${inspected.rows}, objects: ${inspected.objects}, ${inspected.bytes} bytes`,
      `- workflows: ${inspected.lives}, uploads: ${inspected.uploads}, manifests: ${inspected.manifests}`,
      ...Object.entries(settled).map(([outcome, findings]) => `- findings ${outcome}: ${findings}`),
      ...(brake === undefined || brake === null ? [] : [`- ${brake}`]),
    ].join('\n'),
  );
}
