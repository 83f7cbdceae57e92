import { condition, log } from '@temporalio/workflow';
import { completeRecord, type ArtifactRecord } from '../domain/artifact-record.js';
import type { DeletionReason } from '../domain/artifact.js';
import { byRequest, type Change } from '../domain/changes.js';
import { isKeeping, overrules, type Command } from '../domain/commands.js';
import { ArtifactError } from '../domain/errors.js';
import { nextAction, type LifecycleState, type PendingDeletion, type Retries } from '../domain/lifecycle.js';
import type { Repair } from '../domain/repair.js';
import { isSameTags } from '../domain/tags.js';
import { HOUR_MS, MINUTE_MS } from '../domain/units.js';
import { recordChange, recordChangeAtLast } from './activity-proxies.js';
import { errorOf, failureOf } from './failures.js';
import type { Verification } from './verifying.js';
import { showOperators } from './operator-view.js';

/** Who acts when nobody asked. */
export const WORKER = 'worker';

const RETRY_MIN_MS = MINUTE_MS;
export const RETRY_MAX_MS = HOUR_MS;

/** 1, 2, 4, … minutes, at most an hour. */
export const retryDelayMs = (failures: number): number => Math.min(RETRY_MIN_MS * 2 ** (failures - 1), RETRY_MAX_MS);

/** Whoever asks for one of these waits until it is proven, or until its first try has failed. */
const DELETING_VERBS: readonly Command['verb'][] = ['deleteArtifact', 'purgeArtifact', 'abortUpload'];

interface Ticket {
  command: Command;
  /** Somebody waits for the answer. */
  awaited: boolean;
  done: boolean;
  /** The row after it. */
  record?: ArtifactRecord;
  /** What came of it, if it was to repair. */
  repair?: Repair;
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
  /** The bytes are being read back, or have been and nobody has written yet what came of it. */
  verification: Verification | null = null;
  /** What came of the last repair. */
  repair: Repair | undefined;
  /** Of the command that is being carried out. */
  requestId: string | undefined;
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
    const ticket = this.#queue(command, true);
    await condition(() => ticket.done);
    if (ticket.error !== undefined) throw asFailure(ticket.error);
    if (!DELETING_VERBS.includes(command.verb)) return ticket.record ?? this.state.record;
    await condition(() => !this.isDeleting);
    const { deletion, problem, record } = this.state;
    if (deletion !== null && problem !== null) throw failureOf(new ArtifactError(problem.code, problem.message));
    return record;
  }

  /** The same of a repair, which says itself what came of it. */
  async askToRepair(command: Command): Promise<Repair> {
    const ticket = this.#queue(command, true);
    await condition(() => ticket.done);
    if (ticket.repair === undefined) throw asFailure(ticket.error);
    return ticket.repair;
  }

  /** A deletion was decided and has not been tried to its end yet: whoever asked for it waits. */
  get isDeleting(): boolean {
    return this.state.deletion?.failures === 0;
  }

  /** Queues a command that nobody waits for; what cannot be done at once is done later. */
  tell(command: Command): void {
    this.#queue(command, false);
  }

  #queue(command: Command, awaited: boolean): Ticket {
    const ticket: Ticket = { command, awaited, done: false };
    this.inbox.push(ticket);
    return ticket;
  }

  /** Writes a change to the row and the audit, however long that takes, and only then believes it. */
  async write(change: Change, rest: Partial<LifecycleState> = {}): Promise<void> {
    const changeNumber = this.state.record.revision + 1;
    const write = {
      artifactId: this.state.record.id,
      changeNumber,
      atMs: Date.now(),
      // A row of an older backup must not be believed in what this change says nothing about.
      known: this.state.record,
      ...byRequest(change, this.requestId),
    };
    const record = await recordChange(write)
      .catch((error: unknown) => {
        if (errorOf(error)?.retryable !== true) throw error;
        return this.#writeAtLast(write, error);
      })
      .catch((error: unknown) => {
        // The row went with its execution. What happens by itself goes on without it, so that the bytes go in the end.
        if (change.event.actor !== WORKER || errorOf(error)?.code !== 'artifact_not_found') throw error;
        return { ...this.state.record, ...change.patch };
      });
    this.state = { ...this.state, ...rest };
    this.adoptRecord(completeRecord(record));
  }

  /** Believes what the row says. */
  adoptRecord(record: ArtifactRecord): void {
    const ended = record.status === 'UPLOADING' ? null : Date.now();
    this.state = { ...withRow(this.state, record), uploadEndedMs: this.state.uploadEndedMs ?? ended };
  }

  async #writeAtLast(write: Parameters<typeof recordChangeAtLast>[0], error: unknown): Promise<ArtifactRecord> {
    const before = this.state.problem;
    this.noteProblem(error);
    this.show();
    try {
      return await recordChangeAtLast(write);
    } finally {
      this.state = { ...this.state, problem: before };
    }
  }

  /** Brings what operators see up to date. */
  show(next = nextAction(this.state, Date.now())): void {
    showOperators(this.state, next);
  }

  /**
   * Decides a deletion; the main loop carries it out, for as long as it takes. The first decision stands; asked for again, it is
   * tried again at once. @param executionDeletionId the last one counts it.
   */
  decideDeletion(
    reason: DeletionReason,
    actor: string,
    { executionDeletionId, forGood }: Pick<PendingDeletion, 'executionDeletionId' | 'forGood'> = {},
  ): void {
    if (this.state.record.status === 'DELETED') return;
    const first = this.state.deletion ?? {
      ...{ reason, actor, rowMissing: false, nextTryMs: Date.now() },
      ...(this.requestId === undefined ? {} : { requestId: this.requestId }),
    };
    // The second look for a row comes late on purpose.
    const nextTryMs = first.rowMissing ? first.nextTryMs : Date.now();
    this.state = {
      ...this.state,
      nextRestorePollMs: null,
      unfinished: [],
      deletion: {
        ...first,
        failures: 0,
        nextTryMs,
        ...(forGood === true ? { forGood } : {}),
        ...(executionDeletionId === undefined ? {} : { executionDeletionId }),
      },
    };
  }

  /** A command that nobody waits for could not be carried out: later, unless it never can be. */
  postpone(command: Command, error: ArtifactError, failures = 1): void {
    log.warn(`${command.verb} failed: ${error.message}`, { code: error.code, failures });
    if (!error.retryable) return;
    this.noteProblem(error);
    if (failures === 1) this.overrule(command.verb);
    const later = { command, failures, nextTryMs: Date.now() + retryDelayMs(failures) };
    this.state = { ...this.state, unfinished: [...this.state.unfinished, later] };
  }

  /** A later word overrules those about the same that still wait. */
  overrule(verb: Command['verb']): void {
    this.drop((waiting) => overrules(verb, waiting.verb));
  }

  /** Forgets accepted commands that still wait. */
  drop(isMeant: (waiting: Command) => boolean): void {
    const left = this.state.unfinished.filter(({ command }) => !isMeant(command));
    if (left.length === this.state.unfinished.length) return;
    this.state = { ...this.state, unfinished: left };
    this.clearProblem();
  }

  /** What may have failed by itself before is done. */
  succeeded(kind: keyof Retries): void {
    const { [kind]: _done, ...others } = this.state.retriesMs;
    this.state = { ...this.state, retriesMs: others };
    this.clearProblem();
  }

  /** What stood in the way is gone, unless something else still waits to be tried again. */
  clearProblem(): void {
    const { unfinished, retriesMs, untagged } = this.state;
    if (untagged === undefined && unfinished.length === 0 && Object.keys(retriesMs).length === 0)
      this.state = { ...this.state, problem: null };
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

/** The state with the row as it is now: tags that nobody knew of may not have reached the object. */
export const withRow = (state: LifecycleState, record: ArtifactRecord): LifecycleState => ({
  ...state,
  record,
  ...(isSameTags(state.record.tags, record.tags) ? {} : { untagged: { failures: 0, nextTryMs: Date.now() } }),
});

/** For work that may be left undone. */
export async function orWarn(work: Promise<void>, consequence: string): Promise<void> {
  try {
    await work;
  } catch (error) {
    const known = errorOf(error);
    if (known === null) throw error;
    log.warn(`${consequence}: ${known.message}`, { code: known.code });
  }
}

/**
 * Whether a command that failed is tried again by itself: nobody waits for it, or it keeps what would go. The latter's caller is told
 * that it goes on.
 */
export const goesOn = (command: Command, awaited: boolean, { retryable }: ArtifactError): boolean =>
  retryable && (!awaited || isKeeping(command));

/** Ours cross Temporal by their code; anything else is a bug and must fail the workflow task, not the caller's update. */
export function asFailure(error: unknown): unknown {
  const known = errorOf(error);
  return known === null ? error : failureOf(known);
}
