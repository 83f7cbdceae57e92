import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { defaultFailureConverter, defaultPayloadConverter, TypedSearchAttributes } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { createActivities, type ActivityDeps } from '../../../src/activities/index.js';
import type { coresdk as Core, temporal } from '@temporalio/proto';

/*
 * Runs a workflow in the real sandbox of the real SDK, on a clock of its own and without a server: 375 days in milliseconds.
 * It speaks to the sandbox what the SDK's core speaks (activations in, commands out), through internal paths of the worker
 * package, which is why that is pinned to an exact version. Not covered: core state machines, retries, real history.
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
    create(bundle: unknown, timeoutMs: number, activityNames: Set<string>): Promise<SandboxCreator>;
  };
};
const { createUnsafeRandomSource } = require('@temporalio/workflow/lib/random-helpers') as {
  createUnsafeRandomSource: (random: () => number) => unknown;
};

const workflowsPath = fileURLToPath(new URL('../../../src/workflows/index.ts', import.meta.url));
const toPayload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const fromPayload = (payload: Payload | null | undefined): unknown =>
  payload === null || payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);

/** Carries an activity out; what it throws fails the activity, as after its last retry. */
export type RunActivity = (name: string, args: unknown[]) => Promise<unknown>;

export interface UpdateOutcome {
  rejected?: Error;
  completed?: unknown;
  failed?: Error;
}

/** The sandbox refuses local activities that its worker does not have; this worker claims to have them all. */
const ACTIVITY_NAMES = new Set(Object.keys(createActivities({} as ActivityDeps)));

/** The sandbox, bundled once per test file. Closing it ends the runs that were started in it. */
export class Sandbox {
  readonly #creator: SandboxCreator;
  readonly #workflows: SandboxWorkflow[] = [];

  private constructor(creator: SandboxCreator) {
    this.#creator = creator;
  }

  static async open(): Promise<Sandbox> {
    const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
    return new Sandbox(await ReusableVMWorkflowCreator.create(parseWorkflowCode(code), 10_000, ACTIVITY_NAMES));
  }

  async createWorkflow(options: object): Promise<SandboxWorkflow> {
    const workflow = await this.#creator.createWorkflow(options);
    this.#workflows.push(workflow);
    return workflow;
  }

  async close(): Promise<void> {
    for (const workflow of this.#workflows) await workflow.dispose();
    await this.#creator.destroy();
  }
}

export interface VirtualRunOptions {
  sandbox: Sandbox;
  workflowType: string;
  input: unknown;
  startMs: number;
  runActivity: RunActivity;
  /** Claims in every activation that the history is long enough for continue-as-new. */
  continueAsNewSuggested?: () => boolean;
}

export class VirtualRun {
  nowMs: number;
  /** How the run ended. */
  ending: { completed: unknown } | { failed: Error } | { continuedAsNew: unknown } | null = null;
  /** Search attributes as last written. */
  readonly searchAttributes = new Map<string, unknown>();
  /** Names of the activities in the order they were asked for. */
  readonly activities: string[] = [];
  #workflow: SandboxWorkflow | null = null;
  readonly #options: VirtualRunOptions;
  readonly #timers = new Map<number, number>();
  readonly #updates = new Map<string, UpdateOutcome>();
  readonly #queries = new Map<string, unknown>();
  #sequence = 0;
  #historyLength = 3;

  private constructor(options: VirtualRunOptions) {
    this.#options = options;
    this.nowMs = options.startMs;
  }

  static async start(options: VirtualRunOptions): Promise<VirtualRun> {
    const run = new VirtualRun(options);
    await run.#open();
    return run;
  }

  async #open(): Promise<void> {
    const { sandbox, workflowType, input, startMs } = this.#options;
    const startTime = new Date(startMs);
    const info = {
      workflowType,
      runId: 'run',
      workflowId: 'artifact/virtual',
      namespace: 'default',
      firstExecutionRunId: 'run',
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
      randomnessSeed: [1, 2, 3],
      now: startMs,
      showStackTraceSources: false,
    });
    await this.#activate([
      { initializeWorkflow: { workflowType, workflowId: info.workflowId, arguments: [toPayload(input)] } },
    ]);
  }

  /** Sends an update and lets everything it causes happen. */
  async update(name: string, argument?: unknown): Promise<UpdateOutcome> {
    const id = `update-${this.#sequence++}`;
    const input = argument === undefined ? [] : [toPayload(argument)];
    await this.#activate([
      { doUpdate: { id, protocolInstanceId: id, name, input, runValidator: true, meta: { updateId: id } } },
    ]);
    return this.#updates.get(id) ?? {};
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

  async query<T>(name: string): Promise<T> {
    const queryId = `query-${this.#sequence++}`;
    await this.#activate([{ queryWorkflow: { queryId, queryType: name, arguments: [] } }]);
    return this.#queries.get(queryId) as T;
  }

  /** Lets time pass, firing what becomes due on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (
      let timer = this.#nextTimer(endMs);
      timer !== undefined && this.ending === null;
      timer = this.#nextTimer(endMs)
    ) {
      const [seq, atMs] = timer;
      this.nowMs = atMs;
      this.#timers.delete(seq);
      await this.#activate([{ fireTimer: { seq } }]);
    }
    this.nowMs = endMs;
  }

  #nextTimer(endMs: number): [number, number] | undefined {
    return [...this.#timers].filter(([, atMs]) => atMs <= endMs).sort((a, b) => a[1] - b[1])[0];
  }

  async #activate(jobs: Job[]): Promise<void> {
    const queue: Job[][] = [jobs];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const command of await this.#step(next)) {
        const result = await this.#apply(command);
        if (result !== null) queue.push([result]);
      }
    }
  }

  async #step(jobs: Job[]): Promise<Command[]> {
    if (this.#workflow === null) throw new Error('the run was not started');
    const activation = coresdk.workflow_activation.WorkflowActivation.fromObject({
      runId: 'run',
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

  /** Does what a command asks for; the job that answers it, if it needs an answer. */
  async #apply(command: Command): Promise<Job | null> {
    const { startTimer, cancelTimer, updateResponse, respondToQuery, upsertWorkflowSearchAttributes } = command;
    if (startTimer) {
      const { seconds, nanos } = startTimer.startToFireTimeout ?? {};
      this.#timers.set(startTimer.seq ?? 0, this.nowMs + Number(seconds ?? 0) * 1000 + (nanos ?? 0) / 1e6);
    }
    if (cancelTimer) this.#timers.delete(cancelTimer.seq ?? 0);
    const activity = command.scheduleActivity ?? command.scheduleLocalActivity;
    if (activity) return this.#runActivity(activity, Boolean(command.scheduleLocalActivity));
    if (updateResponse) this.#updates.set(updateResponse.protocolInstanceId ?? '', outcomeOf(updateResponse));
    if (respondToQuery)
      this.#queries.set(respondToQuery.queryId ?? '', fromPayload(respondToQuery.succeeded?.response));
    const indexed = upsertWorkflowSearchAttributes?.searchAttributes?.indexedFields ?? {};
    for (const [name, value] of Object.entries(indexed)) this.searchAttributes.set(name, fromPayload(value));
    if (command.completeWorkflowExecution)
      this.ending = { completed: fromPayload(command.completeWorkflowExecution.result) };
    if (command.failWorkflowExecution) this.ending = { failed: toError(command.failWorkflowExecution.failure) };
    const handedOver = command.continueAsNewWorkflowExecution;
    if (handedOver) this.ending = { continuedAsNew: fromPayload(handedOver.arguments?.[0]) };
    return null;
  }

  async #runActivity(
    activity: { seq?: number | null; activityType?: string | null; arguments?: Payload[] | null },
    isLocal: boolean,
  ): Promise<Job> {
    const seq = activity.seq ?? 0;
    const name = activity.activityType ?? '';
    this.activities.push(name);
    try {
      const result = await this.#options.runActivity(name, (activity.arguments ?? []).map(fromPayload));
      return { resolveActivity: { seq, isLocal, result: { completed: { result: toPayload(result) } } } };
    } catch (error) {
      const cause = defaultFailureConverter.errorToFailure(error, defaultPayloadConverter);
      const failure = { message: 'Activity task failed', cause, activityFailureInfo: { activityType: { name } } };
      return { resolveActivity: { seq, isLocal, result: { failed: { failure } } } };
    }
  }
}

function outcomeOf(response: Core.workflow_commands.IUpdateResponse): UpdateOutcome {
  if (response.rejected) return { rejected: toError(response.rejected) };
  if (response.completed) return { completed: fromPayload(response.completed) };
  return {};
}

const toError = (failure: temporal.api.failure.v1.IFailure | null | undefined): Error =>
  defaultFailureConverter.failureToError(failure as never, defaultPayloadConverter);
