import { condition } from '@temporalio/workflow';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { DeletionReason } from '../domain/artifact.js';
import type { Change } from '../domain/changes.js';
import { ArtifactError } from '../domain/errors.js';
import type { LifecycleState } from '../domain/lifecycle.js';
import { recordChange, recordChangeAtLast } from './activity-proxies.js';
import { errorOf, failureOf } from './failures.js';
import type { ByActor, CompleteUpload, KeepForever, RestoreArtifact, SetRetention } from './messages.js';

/** A verb with its message, as it waits for its turn. */
export type Command =
  | { verb: 'completeUpload'; message: CompleteUpload }
  | { verb: 'abortUpload'; message: ByActor }
  | { verb: 'setRetention'; message: SetRetention }
  | { verb: 'keepForever'; message: KeepForever }
  | { verb: 'deleteArtifact'; message: ByActor }
  | { verb: 'archiveArtifact'; message: ByActor }
  | { verb: 'restoreArtifact'; message: RestoreArtifact };

interface Ticket {
  command: Command;
  done: boolean;
  /** Why it could not be carried out. */
  error?: unknown;
}

/**
 * One artifact's life while a workflow run lives: its state, and the commands that wait. Handlers only queue; the main loop
 * alone acts, one thing after the other, so there is never more than one writer.
 */
export class Life {
  state: LifecycleState;
  readonly inbox: Ticket[] = [];
  /** Of the row; a run that took over from another one is registered from the start. */
  registration: 'pending' | 'done' | { error: unknown } = 'pending';

  constructor(state: LifecycleState) {
    this.state = state;
  }

  /**
   * Queues a command, waits until it was carried out, and answers with the row. A deletion is answered when it is proven, or
   * with the problem when its first try failed (it goes on).
   */
  async ask(command: Command): Promise<ArtifactRecord> {
    const ticket = this.tell(command);
    await condition(() => ticket.done);
    if (ticket.error !== undefined) throw asFailure(ticket.error);
    await condition(() => !this.isDeleting);
    const { deletion, problem, record } = this.state;
    if (deletion !== null && problem !== null) throw failureOf(new ArtifactError(problem.code, problem.message));
    return record;
  }

  /** A deletion was decided and has not been tried to its end yet: whoever asked for it waits. */
  get isDeleting(): boolean {
    return this.state.deletion?.failures === 0;
  }

  /** Queues a command. */
  tell(command: Command): Ticket {
    const ticket: Ticket = { command, done: false };
    this.inbox.push(ticket);
    return ticket;
  }

  /** Writes a change to the row and the audit, however long that takes, and only then believes it. */
  async write(change: Change, rest: Partial<LifecycleState> = {}): Promise<void> {
    const changeNumber = this.state.changes + 1;
    const write = { artifactId: this.state.record.id, changeNumber, atMs: Date.now(), ...change };
    const record = await recordChange(write).catch((error: unknown) => {
      if (errorOf(error)?.retryable !== true) throw error;
      return recordChangeAtLast(write);
    });
    this.state = { ...this.state, ...rest, record, changes: changeNumber };
  }

  /** Decides a deletion; the main loop carries it out, for as long as it takes. The first decision stands. */
  decideDeletion(reason: DeletionReason, actor: string): void {
    if (this.state.record.status === 'DELETED' || this.state.deletion !== null) return;
    this.state = {
      ...this.state,
      nextRestorePollMs: null,
      deletion: { reason, actor, failures: 0, nextTryMs: Date.now() },
    };
  }

  /** Remembers what stands in the way, since when. A bug of ours is thrown on: it must fail the workflow task, not be retried. */
  noteProblem(error: unknown): void {
    const known = errorOf(error);
    if (known === null) throw error;
    const { code, message } = known;
    const sinceMs = this.state.problem?.code === code ? this.state.problem.sinceMs : Date.now();
    this.state = { ...this.state, problem: { code, message: message.slice(0, 500), sinceMs } };
  }
}

/** Ours cross Temporal by their code; anything else is a bug and must fail the workflow task, not the caller's update. */
export function asFailure(error: unknown): unknown {
  const known = errorOf(error);
  return known === null ? error : failureOf(known);
}
