import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  ApplicationFailure,
  defaultFailureConverter,
  defaultPayloadConverter,
  TimeoutFailure,
  TypedSearchAttributes,
} from '@temporalio/common';
import { inject } from 'vitest';
import { createActivities, type ActivityDeps } from '../../../src/activities/index.js';
import type { coresdk as Core, temporal } from '@temporalio/proto';

/*
 * Runs a workflow in the real sandbox of the real SDK, on a clock of its own and without a server: 375 days in milliseconds.
 * It speaks to the sandbox what the SDK's core speaks (activations in, commands out), through internal paths of the worker
 * package, which is why that is pinned to an exact version. Not covered: core state machines, real history, and of retries only
 * those without an end: any other activity that fails has failed for the last time.
 */

type Job = Core.workflow_activation.IWorkflowActivationJob;
type Command = Core.workflow_commands.IWorkflowCommand;
type Payload = temporal.api.common.v1.IPayload;

interface SandboxWorkflow {
  activate(
    activation: unknown,
  ): Promise<{ failed?: { failure?: { message?: string } }; successful?: { commands?: Command[] } }>;
  dispose(): Promise<void>;
}
/** google.protobuf.Duration */
interface Duration {
  seconds?: unknown;
  nanos?: number | null;
}
interface RetryPolicy {
  initialInterval?: Duration | null;
  backoffCoefficient?: number | null;
  maximumInterval?: Duration | null;
  maximumAttempts?: number | null;
}
type ActivityTask = Pick<Core.workflow_commands.IScheduleActivity, 'seq' | 'activityType' | 'arguments'> & {
  retryPolicy?: RetryPolicy | null;
  isLocal: boolean;
};

interface SandboxCreator {
  createWorkflow(options: object): Promise<SandboxWorkflow>;
  destroy(): Promise<void>;
}

const require = createRequire(import.meta.url);
const { coresdk } = require('@temporalio/proto') as { coresdk: typeof Core };
const { parseWorkflowCode } = require('@temporalio/worker/lib/worker') as {
  parseWorkflowCode: (code: string) => unknown;
};
const { ReusableVMWorkflowCreator } = require('@temporalio/worker/lib/workflow/reusable-vm') as {
  ReusableVMWorkflowCreator: {
    create(bundle: unknown, timeoutMs: number | undefined, activityNames: Set<string>): Promise<SandboxCreator>;
  };
};
const { globalHandlers } = require('@temporalio/worker/lib/workflow/vm-shared') as {
  globalHandlers: { stopPromiseHook(): void };
};
const { createUnsafeRandomSource } = require('@temporalio/workflow/lib/random-helpers') as {
  createUnsafeRandomSource: (random: () => number) => unknown;
};

const toPayload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const fromPayload = (payload: Payload | null | undefined): unknown =>
  payload === null || payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);

/** Which try of an activity it is, on the virtual clock. */
export interface Attempt {
  number: number;
  scheduledAtMs: number;
}

/** Carries an activity out; what it throws fails the activity, as after its last retry. */
export type RunActivity = (name: string, args: unknown[], attempt: Attempt) => Promise<unknown>;

/** Empty while there is no answer. */
export interface UpdateOutcome {
  /** By its validator: it left no trace. */
  rejected?: Error;
  completed?: unknown;
  failed?: Error;
}

/** The sandbox refuses local activities that its worker does not have; this worker claims to have them all. */
const ACTIVITY_NAMES = new Set(Object.keys(createActivities({} as ActivityDeps)));

/** The sandbox, opened once per test file. Closing it ends the runs that were started in it. */
export class Sandbox {
  /** Told the time of the run that is about to do something. */
  readonly setTime: (nowMs: number) => void;
  readonly #creator: SandboxCreator;
  readonly #workflows = new Set<SandboxWorkflow>();

  private constructor(creator: SandboxCreator, setTime: (nowMs: number) => void) {
    this.#creator = creator;
    this.setTime = setTime;
  }

  static async open(setTime: (nowMs: number) => void = () => undefined): Promise<Sandbox> {
    const code = readFileSync(inject('workflowBundle'), 'utf8');
    // Without a limit per activation and without the stack traces of waiting promises, which together take 4/5 of the time.
    const creator = await ReusableVMWorkflowCreator.create(parseWorkflowCode(code), undefined, ACTIVITY_NAMES);
    globalHandlers.stopPromiseHook();
    return new Sandbox(creator, setTime);
  }

  async createWorkflow(options: object): Promise<SandboxWorkflow> {
    const workflow = await this.#creator.createWorkflow(options);
    this.#workflows.add(workflow);
    return workflow;
  }

  /** Frees what a run that is over holds. */
  async dispose(workflow: SandboxWorkflow): Promise<void> {
    if (this.#workflows.delete(workflow)) await workflow.dispose();
  }

  async close(): Promise<void> {
    for (const workflow of this.#workflows) await workflow.dispose();
    await this.#creator.destroy();
  }
}

export interface VirtualRunOptions {
  sandbox: Sandbox;
  workflowType: string;
  /** Default: that of some artifact. */
  workflowId?: string;
  input: unknown;
  startMs: number;
  runActivity: RunActivity;
  /** Claims in every activation that the history is long enough for continue-as-new. */
  continueAsNewSuggested?: () => boolean;
  /** When a run continues as new, the next one is started at the same moment, and this object goes on with it. */
  followsRuns?: boolean;
  /** What becomes of the input on the way to the next run. */
  handedOver?: (input: unknown) => unknown;
  /** How long the answer of an activity takes, in milliseconds; its work is done at once. Default 0. */
  activityMs?: (name: string, isLocal: boolean) => number;
  /** Of what is random in it: two runs of the same seed make the same ids. */
  seed?: number;
  /** Comes with the start, as by signal-with-start. */
  firstSignal?: { name: string; argument: unknown };
}

/** How long it waits after the n-th try, in milliseconds: what the failure asks for, else by the retry policy. */
function backoffMs(error: unknown, { retryPolicy }: ActivityTask, tries: number): number {
  const asked: unknown = error instanceof ApplicationFailure ? error.nextRetryDelay : undefined;
  if (typeof asked === 'number') return asked;
  const { initialInterval, backoffCoefficient, maximumInterval } = retryPolicy ?? {};
  return Math.min(toMs(initialInterval) * (backoffCoefficient ?? 2) ** (tries - 1), toMs(maximumInterval));
}

const toMs = (duration: Duration | null | undefined): number =>
  Number(duration?.seconds ?? 0) * 1_000 + (duration?.nanos ?? 0) / 1e6;

export class VirtualRun {
  nowMs: number;
  /** How the run ended. */
  ending: { completed: unknown } | { failed: Error } | { cancelled: true } | { continuedAsNew: unknown } | null = null;
  /** How many runs there were, counting this one. */
  runs = 1;
  /** Activations so far: what a worker calls workflow tasks. */
  activations = 0;
  /** Search attributes as last written. */
  readonly searchAttributes = new Map<string, unknown>();
  /** Names of the activities in the order they were asked for. */
  readonly activities: string[] = [];
  timersStarted = 0;
  #workflow: SandboxWorkflow | null = null;
  readonly #options: VirtualRunOptions;
  /** What happens at a time: timers, answers of slow activities, retries. Null: nothing came of it yet. */
  readonly #coming = new Map<string, { atMs: number; happen: () => Promise<Job | null> }>();
  /** Activities that were asked to be cancelled. */
  readonly #unwanted = new Set<number>();
  readonly #updates = new Map<string, UpdateOutcome>();
  readonly #queries = new Map<string, unknown>();
  /** Search attributes as the server keeps them. */
  readonly #indexedFields = new Map<string, Payload>();
  #sequence = 0;
  #historyLength = 3;

  private constructor(options: VirtualRunOptions) {
    this.#options = options;
    this.nowMs = options.startMs;
  }

  static async start(options: VirtualRunOptions): Promise<VirtualRun> {
    const run = new VirtualRun(options);
    await run.#open(options.input);
    return run;
  }

  async #open(input: unknown): Promise<void> {
    const { sandbox, workflowType } = this.#options;
    const startTime = new Date(this.nowMs);
    const runId = `run-${this.runs}`;
    const info = {
      workflowType,
      runId,
      workflowId: this.#options.workflowId ?? 'artifact/virtual',
      namespace: 'default',
      firstExecutionRunId: 'run-1',
      attempt: 1,
      taskTimeoutMs: 10_000,
      taskQueue: 'virtual',
      searchAttributes: {},
      typedSearchAttributes: new TypedSearchAttributes(),
      historyLength: 3,
      historySize: 300,
      continueAsNewSuggested: false,
      targetWorkerDeploymentVersionChanged: false,
      unsafe: {
        isReplaying: false,
        isReplayingHistoryEvents: false,
        now: Date.now,
        random: createUnsafeRandomSource(Math.random),
      },
      startTime,
      runStartTime: startTime,
    };
    this.#workflow = await sandbox.createWorkflow({
      info,
      randomnessSeed: [1, this.#options.seed ?? 2, this.runs],
      now: this.nowMs,
      showStackTraceSources: false,
    });
    const { firstSignal: first } = this.#options;
    // A run that continues another one begins with its search attributes.
    const searchAttributes = { indexedFields: Object.fromEntries(this.#indexedFields) };
    const begin = { workflowType, workflowId: info.workflowId, arguments: [toPayload(input)], searchAttributes };
    await this.#activate([
      { initializeWorkflow: begin },
      ...(first === undefined || this.runs > 1
        ? []
        : [{ signalWorkflow: { signalName: first.name, input: [toPayload(first.argument)] } }]),
    ]);
  }

  /** Sends an update and lets everything it causes at this moment happen. */
  async update(name: string, argument?: unknown): Promise<UpdateOutcome> {
    return this.outcomeOf(await this.send(name, argument));
  }

  /** Sends an update whose answer may come later; answers with its id. */
  async send(name: string, argument?: unknown): Promise<string> {
    const id = `update-${this.#sequence++}`;
    const input = argument === undefined ? [] : [toPayload(argument)];
    await this.#activate([
      { doUpdate: { id, protocolInstanceId: id, name, input, runValidator: true, meta: { updateId: id } } },
    ]);
    return id;
  }

  /** Empty while there is no answer. */
  outcomeOf(updateId: string): UpdateOutcome {
    return this.#updates.get(updateId) ?? {};
  }

  /** An update that has to succeed. */
  async mustUpdate<T>(name: string, argument?: unknown): Promise<T> {
    const outcome = await this.update(name, argument);
    const error = outcome.rejected ?? outcome.failed;
    if (error !== undefined) throw error;
    return outcome.completed as T;
  }

  async signal(name: string, argument?: unknown): Promise<void> {
    const input = argument === undefined ? [] : [toPayload(argument)];
    await this.#activate([{ signalWorkflow: { signalName: name, input } }]);
  }

  /** As by `handle.cancel()`. */
  async cancel(): Promise<void> {
    await this.#activate([{ cancelWorkflow: { reason: 'asked for' } }]);
  }

  async query<T>(name: string): Promise<T> {
    const queryId = `query-${this.#sequence++}`;
    await this.#activate([{ queryWorkflow: { queryId, queryType: name, arguments: [] } }]);
    return this.#queries.get(queryId) as T;
  }

  /** Lets time pass, and everything that comes due on the way happen. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (let next = this.#next(endMs); next !== undefined && this.ending === null; next = this.#next(endMs)) {
      const [key, { atMs, happen }] = next;
      this.nowMs = atMs;
      this.#options.sandbox.setTime(atMs);
      this.#coming.delete(key);
      const job = await happen();
      if (job !== null) await this.#activate([job]);
    }
    this.nowMs = endMs;
    this.#options.sandbox.setTime(endMs);
  }

  /** Frees what the run holds; nothing can be asked of it afterwards. */
  async dispose(): Promise<void> {
    if (this.#workflow !== null) await this.#options.sandbox.dispose(this.#workflow);
    this.#workflow = null;
  }

  #next(endMs: number) {
    return [...this.#coming].filter(([, { atMs }]) => atMs <= endMs).sort(([, a], [, b]) => a.atMs - b.atMs)[0];
  }

  async #activate(jobs: Job[]): Promise<void> {
    const queue: Job[][] = [jobs];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const command of await this.#step(next)) {
        const result = await this.#apply(command);
        if (result !== null) queue.push([result]);
      }
    }
    if (this.#options.followsRuns !== true || this.ending === null || !('continuedAsNew' in this.ending)) return;
    const { continuedAsNew } = this.ending;
    const input = this.#options.handedOver?.(continuedAsNew) ?? continuedAsNew;
    await this.dispose();
    this.ending = null;
    this.runs += 1;
    this.#coming.clear();
    this.#unwanted.clear();
    await this.#open(input);
  }

  async #step(jobs: Job[]): Promise<Command[]> {
    if (this.#workflow === null) throw new Error('the run was not started, or is over');
    this.#options.sandbox.setTime(this.nowMs);
    this.activations += 1;
    const activation = coresdk.workflow_activation.WorkflowActivation.fromObject({
      runId: `run-${this.runs}`,
      timestamp: { seconds: Math.floor(this.nowMs / 1000), nanos: Math.round((this.nowMs % 1000) * 1e6) },
      isReplaying: false,
      historyLength: (this.#historyLength += 3),
      continueAsNewSuggested: this.#options.continueAsNewSuggested?.() ?? false,
      jobs,
    });
    const completion = await this.#workflow.activate(activation);
    if (completion.failed) throw new Error(`workflow task failed: ${completion.failed.failure?.message ?? ''}`);
    return completion.successful?.commands ?? [];
  }

  /** Does what a command asks for; the job that answers it, if it is answered at once. */
  async #apply(command: Command): Promise<Job | null> {
    const { startTimer, cancelTimer, updateResponse, respondToQuery, upsertWorkflowSearchAttributes } = command;
    if (startTimer) {
      this.timersStarted += 1;
      const seq = startTimer.seq ?? 0;
      const afterMs = toMs(startTimer.startToFireTimeout);
      this.#later(`timer-${seq}`, afterMs, () => Promise.resolve({ fireTimer: { seq } }));
    }
    if (cancelTimer) this.#coming.delete(`timer-${cancelTimer.seq ?? 0}`);
    if (updateResponse) this.#answered(updateResponse);
    if (respondToQuery)
      this.#queries.set(respondToQuery.queryId ?? '', fromPayload(respondToQuery.succeeded?.response));
    const indexed = upsertWorkflowSearchAttributes?.searchAttributes?.indexedFields ?? {};
    for (const [name, payload] of Object.entries(indexed)) this.#index(name, payload);
    if (command.completeWorkflowExecution)
      this.ending = { completed: fromPayload(command.completeWorkflowExecution.result) };
    if (command.cancelWorkflowExecution) this.ending = { cancelled: true };
    if (command.failWorkflowExecution) this.ending = { failed: toError(command.failWorkflowExecution.failure) };
    const handedOver = command.continueAsNewWorkflowExecution;
    if (handedOver) this.ending = { continuedAsNew: fromPayload(handedOver.arguments?.[0]) };
    const { scheduleActivity, scheduleLocalActivity, requestCancelActivity } = command;
    if (requestCancelActivity) return this.#cancelActivity(requestCancelActivity.seq ?? 0);
    if (scheduleActivity) return this.#begin({ ...scheduleActivity, isLocal: false });
    return scheduleLocalActivity ? this.#begin({ ...scheduleLocalActivity, isLocal: true }) : null;
  }

  /** An update is rejected before it is accepted, or fails after. */
  #answered({ protocolInstanceId, accepted, rejected, completed }: Core.workflow_commands.IUpdateResponse): void {
    const id = protocolInstanceId ?? '';
    if (accepted) this.#updates.set(id, {});
    if (completed) this.#updates.set(id, { completed: fromPayload(completed) });
    if (rejected) this.#updates.set(id, { [this.#updates.has(id) ? 'failed' : 'rejected']: toError(rejected) });
  }

  #index(name: string, payload: Payload): void {
    const value = fromPayload(payload);
    this.searchAttributes.set(name, value);
    if (value === null) this.#indexedFields.delete(name);
    else this.#indexedFields.set(name, payload);
  }

  #later(key: string, afterMs: number, happen: () => Promise<Job | null>): void {
    this.#coming.set(key, { atMs: this.nowMs + afterMs, happen });
  }

  async #begin(task: ActivityTask): Promise<Job | null> {
    const name = task.activityType ?? '';
    this.activities.push(name);
    const job = await this.#try(task, 1);
    const takesMs = this.#options.activityMs?.(name, task.isLocal) ?? 0;
    if (job === null || takesMs === 0) return job;
    this.#later(`activity-${task.seq}`, takesMs, () => Promise.resolve(job));
    return null;
  }

  /** Null when it is tried again later. */
  async #try(task: ActivityTask, tries: number): Promise<Job | null> {
    const { isLocal } = task;
    const seq = task.seq ?? 0;
    try {
      const args = (task.arguments ?? []).map(fromPayload);
      const attempt = { number: tries, scheduledAtMs: this.nowMs };
      const result = await this.#options.runActivity(task.activityType ?? '', args, attempt);
      return { resolveActivity: { seq, isLocal, result: { completed: { result: toPayload(result) } } } };
    } catch (error) {
      const isRetried =
        !(error instanceof TimeoutFailure) &&
        !isLocal &&
        (task.retryPolicy?.maximumAttempts ?? 0) === 0 &&
        !this.#unwanted.has(seq);
      if (isRetried && !(error instanceof ApplicationFailure && error.nonRetryable)) {
        this.#later(`activity-${seq}`, backoffMs(error, task, tries), () => this.#try(task, tries + 1));
        return null;
      }
      const cause = defaultFailureConverter.errorToFailure(error, defaultPayloadConverter);
      const activityType = { name: task.activityType ?? '' };
      const failure = { message: 'Activity task failed', cause, activityFailureInfo: { activityType } };
      return { resolveActivity: { seq, isLocal, result: { failed: { failure } } } };
    }
  }

  /** One that waits to be tried again is cancelled at once; one that runs is not tried again. */
  #cancelActivity(seq: number): Job | null {
    this.#unwanted.add(seq);
    if (!this.#coming.delete(`activity-${seq}`)) return null;
    const activityFailureInfo = { activityType: { name: 'cancelled' } };
    const failure = { message: 'Activity cancelled', cause: { canceledFailureInfo: {} }, activityFailureInfo };
    return { resolveActivity: { seq, result: { cancelled: { failure } } } };
  }
}

const toError = (failure: temporal.api.failure.v1.IFailure | null | undefined): Error =>
  defaultFailureConverter.failureToError(failure as never, defaultPayloadConverter);
