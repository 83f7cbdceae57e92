import type { DeletionCounts } from '../domain/execution-deletion.js';

/*
 * The deletion of all artifacts of an execution, and how it is counted. A number that is right whoever died and whatever answer was
 * lost cannot come from messages, so it comes from what is written once:
 * - What belongs to it is what is registered when it begins. Registrations are numbered in their order (`ordinal`), and its begin
 *   waits for those that run, so one number says it for ever: an upload that begins later has a higher one.
 * - What it has deleted is what says so in the audit: its id travels with the message to each artifact's workflow and is written in
 *   the transaction that makes the row DELETED. An artifact that somebody else deleted first does not bear it.
 * A deletion that is asked for while another one runs joins it: its artifacts are deleted by the same run, under the same id, so both
 * are answered with the same number.
 */

/** The artifacts that belong to a deletion, and the id under which they are deleted. */
export interface DeletionScope {
  executionId: string;
  /** The deletion that it joined; its own id when it joined none. */
  runId: string;
  /** Artifacts that were registered later do not belong to it. */
  lastOrdinal: number;
}

/** A deletion that was accepted. */
export interface ExecutionDeletion extends DeletionScope {
  /** UUID of the caller's choice: asked for again under the same one, it is the same deletion. */
  id: string;
  begunAtMs: number;
  /** Null while it runs. */
  finishedAtMs: number | null;
  /** As of its end; while it runs, as of now. */
  counts: DeletionCounts;
}

export interface NewExecutionDeletion {
  executionId: string;
  id: string;
  /** The deletion whose run it joins, or its own id. */
  runId: string;
  actor: string;
  atMs: number;
}

export interface UndeletedQuery extends DeletionScope {
  /** The last one of the page before; 0 for the first page. */
  afterOrdinal: number;
  limit: number;
}

export interface FinishedRun {
  executionId: string;
  lastOrdinal: number;
  /** How many artifacts were found without a workflow. */
  orphaned: number;
  atMs: number;
}

export interface ExecutionDeletionReads {
  getExecutionDeletion(executionId: string, id: string): Promise<ExecutionDeletion | null>;
}

export interface ExecutionDeletions extends ExecutionDeletionReads {
  /**
   * Accepts a deletion: what is registered now belongs to it. Waits for registrations that run. Safe to repeat: an id that is there
   * already answers with the scope it began with.
   * @throws `execution_not_found`.
   */
  beginExecutionDeletion(deletion: NewExecutionDeletion): Promise<DeletionScope>;
  /** Artifacts that are still to be deleted, in the order of their registration. Neither held ones, nor what was brought back. */
  listUndeleted(query: UndeletedQuery): Promise<{ id: string; ordinal: number }[]>;
  /** As of now; `orphaned` is 0, as rows cannot know it. */
  countDeletion(scope: DeletionScope): Promise<DeletionCounts>;
  /** Writes down how the deletions ended that this run has covered. Safe to repeat: the first word counts. */
  finishExecutionDeletions(run: FinishedRun): Promise<void>;
}
