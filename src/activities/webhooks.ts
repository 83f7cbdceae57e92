import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { announcementId, type WaitingAnnouncement } from '../domain/announcements.js';
import { ArtifactError, type ErrorDetails } from '../domain/errors.js';
import { HOUR_MS, SECOND_MS } from '../domain/units.js';
import type { WebhookSender } from '../webhooks/webhook-sender.js';
import { toFailure } from './boundary.js';
import type { ActivityDeps } from './deps.js';

/** Sent at the same time to one receiver; one that hangs must not take the places of the others. */
export const SENDS_PER_RECEIVER = 50;
/** A receiver that only some workers know is one that was just added, or just removed. */
const UNKNOWN_RECEIVER_MS = HOUR_MS;
/** What a receiver may ask for by `Retry-After`. */
const MIN_RETRY_AFTER_MS = 30 * SECOND_MS;
const MAX_RETRY_AFTER_MS = HOUR_MS;

const GONE = 410;

export interface WebhookDelivery {
  receiver: string;
  announcement: Omit<WaitingAnnouncement, 'receivers'>;
}

export function webhookActivities({ webhooks }: Pick<ActivityDeps, 'webhooks'>) {
  const sending = new Map<string, number>();
  return {
    /**
     * Sends an announcement to one receiver, once per attempt; whoever gets it twice knows it by its id. The first attempt after the time to
     * give up is the last.
     * @throws `webhook_not_accepted`, to be tried again; `webhook_given_up`, `webhook_gone`, `webhook_address_refused`, which are final.
     */
    async deliverWebhook({ receiver, announcement }: WebhookDelivery): Promise<void> {
      const isKnown = webhooks?.sender.receivers.includes(receiver) === true;
      const giveUpAtMs = announcement.announcedAtMs + (isKnown ? webhooks.giveUpMs : UNKNOWN_RECEIVER_MS);
      try {
        if (!isKnown) throw notAccepted(`${receiver} is not in the configuration`);
        await inItsPlace(receiver, () => send(webhooks.sender, receiver, announcement));
      } catch (error) {
        const isFinal = error instanceof ArtifactError && !error.retryable;
        const isLast = activityInfo().currentAttemptScheduledTimestampMs >= giveUpAtMs;
        if (isLast && !isFinal) throw givenUp(error, announcement);
        throw toFailure(error, { nextRetryDelayMs: nextRetryDelayMs(error) });
      }
    },
  };

  async function inItsPlace(receiver: string, run: () => Promise<void>): Promise<void> {
    const others = sending.get(receiver) ?? 0;
    if (others >= SENDS_PER_RECEIVER) throw notAccepted(`${others} others are being sent to ${receiver}`);
    sending.set(receiver, others + 1);
    try {
      await run();
    } finally {
      sending.set(receiver, (sending.get(receiver) ?? 1) - 1);
    }
  }
}

async function send(
  sender: WebhookSender,
  receiver: string,
  announcement: WebhookDelivery['announcement'],
): Promise<void> {
  const message = { id: announcementId(announcement), body: JSON.stringify(announcement.message) };
  const { status, retryAfterMs } = await sender.send(receiver, message, { signal: cancellationSignal() });
  if (status >= 200 && status < 300) return;
  if (status === GONE) throw new ArtifactError('webhook_gone', `${receiver} answered ${status}`);
  throw notAccepted(`${receiver} answered ${status}`, { status, retryAfterMs });
}

const notAccepted = (message: string, details: ErrorDetails = {}): ArtifactError =>
  new ArtifactError('webhook_not_accepted', message, { details });

function givenUp(error: unknown, { announcedAtMs }: WebhookDelivery['announcement']): ArtifactError {
  const since = new Date(announcedAtMs).toISOString();
  const reason = error instanceof Error ? error.message : String(error);
  return new ArtifactError('webhook_given_up', `not accepted since ${since}; at last: ${reason}`, { cause: error });
}

function nextRetryDelayMs(error: unknown): number | null {
  const asked = error instanceof ArtifactError ? error.details['retryAfterMs'] : null;
  return typeof asked === 'number' ? Math.min(Math.max(asked, MIN_RETRY_AFTER_MS), MAX_RETRY_AFTER_MS) : null;
}
