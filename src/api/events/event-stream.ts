import type { ArtifactStatus } from '../../domain/artifact.js';
import { SECOND_MS } from '../../domain/units.js';
import { encodeArtifact } from '../encode.js';
import type { UploadEvent } from '../schemas/uploads.js';
import type { Feed, Seen } from './feeds.js';

/** A comment goes out when there is nothing to tell for so long: proxies and clients then know that somebody is there. */
const KEEP_ALIVE_MS = 15 * SECOND_MS;
/** What a client should wait before it comes again. */
const RETRY_MS = 2 * SECOND_MS;

/** Why a stream ends: it is over, or a client should come again: with a new token, or to another process. */
type Ending = 'done' | 'token_expired' | 'stopping';

export interface Listener {
  feed: Feed;
  /** `Last-Event-ID`: what the client has seen already. */
  lastEventId: string | null;
  /** When the token of the listener is over. */
  expiresAtMs: number;
  nowMs: () => number;
  /** Fires when the listener is gone. */
  signal: AbortSignal;
}

/**
 * Server-sent events (HTML standard): `progress` while it uploads, `state` when anything about the artifact has changed, `end` with the
 * reason. Whoever reads slowly misses looks in between, never the last one.
 */
export async function* eventStream({
  feed,
  lastEventId,
  expiresAtMs,
  nowMs,
  signal,
}: Listener): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n\n`;
  let told = lastEventId;
  let revision: number | null = null;
  for (let looks = -1; !signal.aborted;) {
    const seen = feed.latest();
    const id = seen === null ? null : eventId(seen);
    const isFirst = looks === -1;
    const isNew = feed.looks() !== looks;
    looks = feed.looks();
    if (seen !== null && isNew && (id !== told || !isFinal(seen))) {
      const event = seen.record.revision === revision ? 'progress' : 'state';
      yield `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(dataOf(seen))}\n\n`;
      revision = seen.record.revision;
      told = id;
    } else if (!isFirst) yield ':\n\n';
    const ending = endingOf(feed, seen, nowMs() >= expiresAtMs);
    if (ending !== null) {
      yield `event: end\ndata: {"reason":"${ending}"}\n\n`;
      return;
    }
    await feed.next(Math.max(1, Math.min(KEEP_ALIVE_MS, expiresAtMs - nowMs())), signal);
  }
}

function endingOf(feed: Feed, seen: Seen | null, isExpired: boolean): Ending | null {
  if (seen === null ? feed.hasEnded() && feed.looks() > 0 : isFinal(seen)) return 'done';
  if (feed.hasEnded()) return 'stopping';
  return isExpired ? 'token_expired' : null;
}

const OVER: readonly ArtifactStatus[] = ['ACTIVE', 'ARCHIVED', 'DELETED'];
/** Its upload is over; what comes later is for webhooks. */
export const isFinal = ({ record }: Pick<Seen, 'record'>): boolean => OVER.includes(record.status);

/** The same on every replica, so that a client may go on at another one. */
export const eventId = ({ record, progress }: Seen): string => `${record.revision}-${progress.receivedBytes}`;

const dataOf = ({ record, progress }: Seen): UploadEvent => ({ artifact: encodeArtifact(record), ...progress });
