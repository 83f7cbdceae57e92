import type { WebhookMessage } from '../../src/domain/announcements.js';
import type { SignableMessage, WebhookAnswer, WebhookSender } from '../../src/webhooks/webhook-sender.js';

/** Receivers that answer what a test says, and remember what they accepted. */
export class FakeWebhookSender implements WebhookSender {
  readonly receivers: readonly string[];
  /** Every attempt, in order: `receiver id`. */
  readonly attempts: string[] = [];
  /** What was accepted, per receiver. */
  readonly accepted = new Map<string, WebhookMessage[]>();
  /** What a receiver answers with; may throw. */
  answer: (receiver: string, message: SignableMessage) => Partial<WebhookAnswer> | Promise<Partial<WebhookAnswer>> =
    () => ({});

  constructor(receivers: readonly string[] = ['a', 'b']) {
    this.receivers = receivers;
  }

  async send(receiver: string, message: SignableMessage): Promise<WebhookAnswer> {
    this.attempts.push(`${receiver} ${message.id}`);
    const answer = { status: 200, retryAfterMs: null, ...(await this.answer(receiver, message)) };
    if (answer.status === 200)
      this.accepted.set(receiver, [...this.to(receiver), JSON.parse(message.body) as WebhookMessage]);
    return answer;
  }

  /** What a receiver accepted. */
  to(receiver: string): WebhookMessage[] {
    return this.accepted.get(receiver) ?? [];
  }

  /** Numbers of the changes that a receiver accepted, in the order in which they came. */
  changesTo(receiver: string): number[] {
    return this.to(receiver).map(({ data }) => data.changeNumber);
  }
}
