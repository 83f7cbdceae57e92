import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { ArtifactError } from '../domain/errors.js';
import { KIB_BYTES, MINUTE_MS } from '../domain/units.js';
import { abortedError, throwIfAborted } from './aborted.js';
import type { SignedPut } from './part.js';

/** Bytes go to the socket in slices of this size, so that progress is fine-grained and an early refusal stops the rest. */
const SLICE_BYTES = 256 * KIB_BYTES;
/** A store's error document is small; more than this is not read. */
const MAX_ANSWER_BYTES = 16 * KIB_BYTES;

/** Keep-alive connections to the store. Idle ones do not keep the process alive; `close` frees them at once. */
export class StoreConnections {
  readonly #http: http.Agent;
  readonly #https: https.Agent;
  /** A connection on which nothing moves for this long is given up. */
  readonly idleTimeoutMs: number;

  constructor(options: { idleTimeoutMs?: number } = {}) {
    this.idleTimeoutMs = options.idleTimeoutMs ?? MINUTE_MS;
    this.#http = new http.Agent({ keepAlive: true, scheduling: 'lifo' });
    this.#https = new https.Agent({ keepAlive: true, scheduling: 'lifo' });
  }

  request(url: URL, options: http.RequestOptions): http.ClientRequest {
    return url.protocol === 'https:'
      ? https.request(url, { ...options, agent: this.#https })
      : http.request(url, { ...options, agent: this.#http });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

export interface PutOptions {
  connections: StoreConnections;
  signal: AbortSignal;
  /** Called with the bytes handed to the socket so far. */
  onSent: (sentBytes: number) => void;
}

/**
 * Sends a buffer with a signed PUT: exactly its headers, and Content-Length. Over node:http rather than fetch, which copies
 * bodies and cannot say how far it is.
 * @throws `aborted`, `storage_unavailable` (network, time-out, 5xx, 429), or what {@link errorOfStore} says.
 */
export async function putBytes(target: SignedPut, body: Buffer, options: PutOptions): Promise<void> {
  throwIfAborted(options.signal);
  const request = options.connections.request(new URL(target.url), {
    method: target.method,
    headers: { ...target.headers, 'content-length': body.length },
    timeout: options.connections.idleTimeoutMs,
    signal: options.signal,
  });
  request.on('timeout', () => request.destroy(new Error('the connection stalled')));
  const answer = readAnswer(request);
  // Whoever fails first wins; the other must not become an unhandled rejection.
  answer.catch(() => undefined);
  try {
    await Promise.race([writeSlices(request, body, options.onSent), answer]);
    const { status, text } = await answer;
    if (status < 200 || status > 299) throw errorOfStore(status, text);
  } catch (error) {
    if (options.signal.aborted) throw abortedError(options.signal);
    if (error instanceof ArtifactError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ArtifactError('storage_unavailable', `The object store did not take the bytes: ${reason}`, {
      cause: error,
    });
  } finally {
    // An answer before the end of the body leaves a connection that nobody can use again.
    if (!request.writableFinished) request.destroy();
  }
}

async function writeSlices(
  request: http.ClientRequest,
  body: Buffer,
  onSent: (sentBytes: number) => void,
): Promise<void> {
  for (let start = 0; start < body.length && !request.destroyed; start += SLICE_BYTES) {
    const slice = body.subarray(start, start + SLICE_BYTES);
    if (!request.write(slice)) await once(request, 'drain');
    onSent(start + slice.length);
  }
  request.end();
}

async function readAnswer(request: http.ClientRequest): Promise<{ status: number; text: string }> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    // Stays subscribed: a reset after the answer must not crash the process.
    request.on('error', reject);
    request.on('close', () => reject(new Error('the connection was closed')));
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.length;
    if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

/**
 * What the store's refusal means (S3 API reference, "error responses"). An expired or foreign signature is
 * `storage_rejected` with `details.status` 403, which callers answer with a new signature.
 */
function errorOfStore(status: number, text: string): ArtifactError {
  const storeCode = /<Code>([A-Za-z0-9]+)<\/Code>/.exec(text)?.[1] ?? '';
  const details = { status, storeCode };
  const what = `The object store answered ${status} ${storeCode}`.trim();
  if (status >= 500 || status === 429 || status === 408 || storeCode === 'RequestTimeout')
    return new ArtifactError('storage_unavailable', what, { details });
  if (storeCode === 'NoSuchUpload')
    return new ArtifactError('not_uploading', `${what}: the upload is over`, { details });
  if (['BadDigest', 'InvalidDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch'].includes(storeCode))
    return new ArtifactError('checksum_mismatch', what, { details });
  return new ArtifactError('storage_rejected', what, { details });
}
