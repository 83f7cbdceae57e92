import * as wf from '@temporalio/workflow';
import { byOf } from '../domain/commands.js';
import type { DeletionCounts } from '../domain/execution-deletion.js';
import { SECOND_MS } from '../domain/units.js';
import {
  beginExecutionDeletion,
  countDeletion,
  findOrphaned,
  finishExecutionDeletions,
  tellToDelete,
} from './activity-proxies.js';
import { errorOf, failureOf } from './failures.js';
import { lookAgainMs } from './pace.js';
import { deleteExecutionArtifacts, type DeleteExecutionArtifacts } from './messages.js';

/** What is asked for, or what an earlier run hands over. */
export type ExecutionDeletionInput = { executionId: string } & (
  { request: DeleteExecutionArtifacts } | { state: DeletionState }
);

/** What is carried from run to run, plain JSON. */
export interface DeletionState {
  /** Under which its artifacts are deleted and counted; every request that comes meanwhile joins it. */
  runId: string;
  /** Who asked last, and by which request. */
  actor: string;
  requestId?: string;
  /** Artifacts that were registered later do not belong to any request. */
  lastOrdinal: number;
  /** Ids of the requests that were accepted; of so many of them all artifacts were told. */
  accepted: string[];
  told: number;
  /** Of those told, how many have no workflow that could follow. */
  orphaned: number;
  /** How many were left at the last look; null before the first. */
  left: number | null;
  /** Looks in a row at which there were no fewer. */
  quietLooks: number;
}

const FIRST_LOOK_MS = SECOND_MS / 4;
const LAST_LOOK_MS = 10 * SECOND_MS;
/** More than a minute, in which an artifact has tried more than once. Looks and not time: nothing moves without workers. */
const QUIET_LOOKS = 12;

/**
 * Deletes all artifacts that an execution has, however many there are and whoever dies meanwhile: tells each one's own workflow,
 * then looks at the rows until all are DELETED, held or without a workflow. One whose deletion goes on failing is not waited for:
 * its workflow goes on, and the answer says so. An upload that begins later is not touched.
 */
export async function executionDeletion(input: ExecutionDeletionInput): Promise<DeletionCounts> {
  const { executionId } = input;
  const state = 'state' in input ? { ...input.state } : newState(input.request);
  const begun = new Map<string, Promise<void>>();
  let lastBegun = Promise.resolve();
  wf.setHandler(deleteExecutionArtifacts, async (request) => {
    try {
      await beginOnce(request);
    } catch (error) {
      const known = errorOf(error);
      throw known === null ? error : failureOf(known);
    }
  });
  // It comes with the start as well, so that it is not lost with whoever asked; he is told by his own message when it fails.
  if ('request' in input) await beginOnce(input.request).catch(rethrowBugs);
  await wf.condition(wf.allHandlersFinished);

  let counts: DeletionCounts = { deleted: 0, held: 0, underWay: 0, orphaned: 0 };
  for (let finished = 0; finished < state.accepted.length;) {
    counts = await deleteAll(executionId, state);
    finished = state.accepted.length;
    const { lastOrdinal, orphaned } = state;
    await finishExecutionDeletions({ executionId, lastOrdinal, orphaned, atMs: Date.now() });
    await wf.condition(wf.allHandlersFinished);
  }
  return counts;

  /** One after the other; a request that failed may be sent again. */
  function beginOnce(request: DeleteExecutionArtifacts): Promise<void> {
    const { deletionId } = request;
    const known = state.accepted.includes(deletionId) ? Promise.resolve() : begun.get(deletionId);
    if (known !== undefined) return known;
    const beginning = lastBegun.then(() => begin(executionId, state, request));
    begun.set(deletionId, beginning);
    lastBegun = beginning.catch(() => {
      begun.delete(deletionId);
    });
    return beginning;
  }
}

const newState = ({ deletionId, ...by }: DeleteExecutionArtifacts): DeletionState => ({
  runId: deletionId,
  ...byOf(by),
  lastOrdinal: 0,
  accepted: [],
  told: 0,
  orphaned: 0,
  left: null,
  quietLooks: 0,
});

/** Accepted is what is written down. A request that is older than this run, whose own run was ended from outside, keeps its number. */
async function begin(
  executionId: string,
  state: DeletionState,
  { deletionId: id, ...by }: DeleteExecutionArtifacts,
): Promise<void> {
  const { runId } = state;
  const scope = await beginExecutionDeletion({ executionId, id, runId, actor: by.actor, atMs: Date.now() });
  if (id === runId) state.runId = scope.runId;
  state.lastOrdinal = Math.max(state.lastOrdinal, scope.lastOrdinal);
  delete state.requestId;
  Object.assign(state, byOf(by));
  state.accepted.push(id);
}

async function deleteAll(executionId: string, state: DeletionState): Promise<DeletionCounts> {
  for (;;) {
    if (hasUntold(state)) await tellAll(executionId, state);
    const { runId, lastOrdinal } = state;
    const scope = { executionId, runId, lastOrdinal };
    const isQuiet = state.quietLooks >= QUIET_LOOKS;
    if (isQuiet) state.orphaned = (await findOrphaned(scope)).orphaned;
    const counts = await countDeletion(scope);
    const left = Math.max(counts.underWay - state.orphaned, 0);
    const now = { ...counts, underWay: left, orphaned: state.orphaned };
    show(now);
    if ((left === 0 || isQuiet) && !hasUntold(state)) return now;
    note(state, left);
    if (wf.workflowInfo().continueAsNewSuggested && wf.allHandlersFinished())
      await wf.continueAsNew<typeof executionDeletion>({ executionId, state });
    await wf.condition(() => hasUntold(state), pauseMs(state), { summary: `${left} are left, look again` });
  }
}

const hasUntold = ({ accepted, told }: DeletionState): boolean => told < accepted.length;

async function tellAll(executionId: string, state: DeletionState): Promise<void> {
  const { runId, lastOrdinal } = state;
  const told = state.accepted.length;
  const { orphaned } = await tellToDelete({ executionId, runId, lastOrdinal, ...byOf(state) });
  state.told = told;
  state.orphaned = orphaned;
  state.left = null;
}

function note(state: DeletionState, left: number): void {
  const isQuiet = state.left !== null && left >= state.left;
  state.quietLooks = isQuiet ? state.quietLooks + 1 : 0;
  state.left = left;
}

/** Longer each time nothing has moved. */
const pauseMs = ({ left, quietLooks }: DeletionState): number =>
  lookAgainMs(left ?? 0, { leastMs: FIRST_LOOK_MS * 2 ** quietLooks, mostMs: LAST_LOOK_MS });

function show({ deleted, held, underWay, orphaned }: DeletionCounts): void {
  wf.setCurrentDetails(
    [
      `- deleted: ${deleted}`,
      `- under way: ${underWay}`,
      `- held, so they stay: ${held}`,
      `- without a workflow, so nothing goes on: ${orphaned}`,
    ].join('\n'),
  );
}

function rethrowBugs(error: unknown): void {
  if (errorOf(error) === null) throw error;
}
