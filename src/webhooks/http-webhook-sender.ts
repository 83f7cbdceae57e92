import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ArtifactError } from '../domain/errors.js';
import { KIB_BYTES, SECOND_MS } from '../domain/units.js';
import { publicLookup, requirePublicLiteral, type Resolve } from './guarded-lookup.js';
import { signedHeaders } from './signature.js';
import type { SignableMessage, WebhookAnswer, WebhookSender } from './webhook-sender.js';

/** From the look-up of the name to the status of the answer. */
const TIMEOUT_MS = 10 * SECOND_MS;
/** An answer that goes on is cut off. */
const MAX_ANSWER_BYTES = 4 * KIB_BYTES;

export interface WebhookSenderOptions {
  urls: readonly string[];
  /** A message carries one signature per key. */
  keys: readonly Buffer[];
  /** Call receivers with any address: for receivers in a network of one's own. */
  allowPrivate: boolean;
  timeoutMs?: number;
  /** Instead of the system's, for tests. */
  resolve?: Resolve;
}

/** A {@link WebhookSender} over HTTP. Every message has a connection of its own, to an address that was looked up for it. */
export function createWebhookSender({
  urls,
  keys,
  allowPrivate,
  timeoutMs = TIMEOUT_MS,
  resolve,
}: WebhookSenderOptions): WebhookSender {
  const byName = new Map(urls.map((url) => [receiverName(url), new URL(url)]));
  const guard: RequestOptions = allowPrivate ? {} : { lookup: publicLookup(resolve) };
  return {
    receivers: [...byName.keys()],
    async send(receiver, { id, body }, { signal } = {}) {
      const url = byName.get(receiver);
      if (url === undefined) throw new ArtifactError('webhook_not_accepted', `${receiver} is not configured`);
      if (!allowPrivate) requirePublicLiteral(url);
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        return await post(url, body, {
          ...guard,
          headers: headersOf({ id, body }, keys),
          signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
        });
      } catch (cause) {
        if (cause instanceof ArtifactError) throw cause;
        const reason = deadline.aborted ? `no answer within ${timeoutMs / SECOND_MS} s` : reasonOf(cause);
        throw new ArtifactError('webhook_not_accepted', `${receiver}: ${reason}`, { cause });
      }
    },
  };
}

/** Tells URLs apart and operators which one it is, without what a path or a query may hold. */
function receiverName(url: string): string {
  const hash = createHash('sha256').update(url).digest('hex').slice(0, 8);
  return `${new URL(url).host}#${hash}`;
}

const headersOf = (message: SignableMessage, keys: readonly Buffer[]): Record<string, string | number> => ({
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(message.body),
  'user-agent': 'durable-artifacts',
  ...signedHeaders(keys, { ...message, sentAtMs: Date.now() }),
});

function post(url: URL, body: string, options: RequestOptions): Promise<WebhookAnswer> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, { ...options, method: 'POST', agent: false }, (answer) => {
      resolve({ status: answer.statusCode ?? 0, retryAfterMs: retryAfterMs(answer) });
      drop(answer);
    })
      .on('error', reject)
      .end(body);
  });
}

/** Lets a short answer end in peace. */
function drop(answer: IncomingMessage): void {
  let leftBytes = MAX_ANSWER_BYTES;
  answer
    .on('data', (chunk: Buffer) => {
      leftBytes -= chunk.length;
      if (leftBytes < 0) answer.destroy();
    })
    // Cut off in the middle, by either side: its status was all that counted.
    .on('error', () => undefined);
}

/** Seconds, or a date (RFC 9110). */
function retryAfterMs({ headers: { 'retry-after': value } }: IncomingMessage): number | null {
  if (value === undefined) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * SECOND_MS : Date.parse(value) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

/** Of a failed connection; with several addresses the error of each is inside of one without a message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return error.message === '' ? (code ?? error.name) : error.message;
}
