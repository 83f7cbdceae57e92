import * as wf from '@temporalio/workflow';
import {
  nextFor,
  noDeliveries,
  receiversIn,
  withAccepted,
  withAnnouncement,
  withGivenUp,
  type DeliveryState,
  type WaitingAnnouncement,
} from '../domain/announcements.js';
import { deliverWebhook } from './activity-proxies.js';
import { errorOf } from './failures.js';
import { announceSignal, type WebhookDeliveryInput } from './messages.js';

export interface WebhookDeliveryResult {
  artifactId: string;
  /** Numbers of the changes that were announced to this run, and accepted by every receiver. */
  changes: number[];
}

/** Shown to operators; the rest is in the result. */
const SHOWN = 5;

/**
 * Delivers the announcements of one artifact: to every receiver in the order of the changes, each receiver by itself. Ends when
 * nothing waits; the next announcement starts a new run. A run in which something was given up fails, and says what.
 */
export async function webhookDelivery(input: WebhookDeliveryInput): Promise<WebhookDeliveryResult> {
  const deliveries = new Deliveries('state' in input ? input.state : noDeliveries(input.artifactId));
  wf.setHandler(announceSignal, (announcement) => {
    deliveries.set(withAnnouncement(deliveries.state, announcement, Date.now()));
  });
  await wf.condition(() => deliveries.state.known.length > 0);
  await deliveries.run();

  const { state } = deliveries;
  if (state.waiting.length > 0) await wf.continueAsNew<typeof webhookDelivery>({ state });
  const { artifactId, known: changes, givenUp, givenUpCount } = state;
  if (givenUpCount === 0) return { artifactId, changes };
  const reasons = givenUp
    .slice(0, SHOWN)
    .map((one) => `change ${one.changeNumber} for ${one.receiver}: ${one.message}`);
  throw wf.ApplicationFailure.nonRetryable(`${givenUpCount} given up; ${reasons.join('; ')}`, 'WebhookGivenUp', {
    artifactId,
    givenUpCount,
    givenUp,
  });
}

/** The deliveries of one run: at most one per receiver at a time. */
class Deliveries {
  state: DeliveryState;
  readonly #attempts = new wf.CancellationScope();
  readonly #busy = new Set<string>();
  #isHandingOver = false;
  #bug: { error: unknown } | null = null;

  constructor(state: DeliveryState) {
    this.state = state;
  }

  set(state: DeliveryState): void {
    this.state = state;
    wf.setCurrentDetails(detailsOf(state));
  }

  /** Until nothing waits, or until it is time to go on in a new run: then what waits is in the state. */
  async run(): Promise<void> {
    while (!isLong()) {
      for (const receiver of this.#idle()) void this.#attempts.run(() => this.#deliverAll(receiver));
      if (this.#busy.size === 0) return;
      await wf.condition(() => this.#bug !== null || isLong() || this.#idle().length > 0 || this.#busy.size === 0);
      if (this.#bug !== null) throw this.#bug.error;
    }
    // Attempts that run right now are waited for; those that wait to be tried again go on in the new run.
    this.#isHandingOver = true;
    this.#attempts.cancel();
    await wf.condition(() => this.#busy.size === 0);
  }

  /** Whoever has something to receive and is not being sent anything. */
  #idle(): string[] {
    return receiversIn(this.state).filter((receiver) => !this.#busy.has(receiver));
  }

  async #deliverAll(receiver: string): Promise<void> {
    this.#busy.add(receiver);
    try {
      for (;;) {
        const next = nextFor(receiver, this.state);
        if (next === undefined || this.#isHandingOver) return;
        await this.#deliver(receiver, next);
      }
    } catch (error) {
      this.#bug = { error };
    } finally {
      this.#busy.delete(receiver);
    }
  }

  async #deliver(receiver: string, { receivers: _, ...announcement }: WaitingAnnouncement): Promise<void> {
    const { changeNumber, message } = announcement;
    try {
      const summary = `${changeNumber} ${message.type} to ${receiver}`;
      await deliverWebhook.executeWithOptions({ summary }, [{ receiver, announcement }]);
      this.set(withAccepted(this.state, receiver, changeNumber));
    } catch (error) {
      if (this.#isHandingOver) return;
      const known = errorOf(error);
      if (known === null || wf.isCancellation(error)) throw error;
      wf.log.warn(`webhook given up: ${known.message}`, { receiver, changeNumber, code: known.code });
      this.set(withGivenUp(this.state, { receiver, changeNumber }, known));
    }
  }
}

const isLong = (): boolean => wf.workflowInfo().continueAsNewSuggested;

function detailsOf({ waiting, givenUp, givenUpCount }: DeliveryState): string {
  const wait = waiting.map(
    ({ changeNumber, message, receivers }) => `- ${changeNumber} ${message.type}: ${receivers.join(', ')}`,
  );
  const gaveUp = givenUp.map(({ changeNumber, receiver, message }) => `- ${changeNumber} ${receiver}: ${message}`);
  return [
    `${waiting.length} wait`,
    '',
    ...wait.slice(0, SHOWN),
    '',
    `${givenUpCount} given up`,
    '',
    ...gaveUp.slice(0, SHOWN),
  ].join('\n');
}
