import { ArtifactError } from '../domain/errors.js';
import { MINUTE_MS } from '../domain/units.js';
import { abortedError, throwIfAborted } from '../transfer/aborted.js';
import { DEFAULT_RETRY, withRetry } from '../transfer/retry.js';
import type { RetryPolicy } from '../transfer/retry.js';
import { errorOfAnswer, notTheApi } from './problems.js';

/** A bearer token, or a function that is asked before every request (so that it may be renewed). */
export type TokenSource = string | (() => string | Promise<string>);

export interface ApiOptions {
  /** Address of the API, such as `http://127.0.0.1:8080`; a path prefix is kept. */
  baseUrl: string;
  token: TokenSource;
  /** Default: the global one. Only for calls to the API; bytes go to the store over node:http. */
  fetch?: typeof globalThis.fetch;
  /** One request without an answer is given up (and maybe tried again) after this. Default 60,000. */
  requestTimeoutMs?: number;
  /** Default: 5 tries within 30 s. */
  retry?: RetryPolicy;
}

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Begins with `/v1/`. */
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  retry?: RetryPolicy;
  /** Told why, before each new try. */
  onRetry?: (error: ArtifactError) => void;
}

/**
 * JSON over HTTP with bearer token, timeout and retries. Every verb of the API may be repeated without harm, so all are.
 * @throws `ArtifactError` with the problem's code; `api_unreachable` when nothing answers; `not_the_api` when something else does;
 * `aborted`.
 */
export class Api {
  readonly #base: string;
  readonly #token: TokenSource;
  readonly #fetch: typeof globalThis.fetch;
  readonly #timeoutMs: number;
  readonly #retry: RetryPolicy;

  constructor(options: ApiOptions) {
    this.#base = baseOf(options.baseUrl);
    this.#token = options.token;
    this.#fetch = options.fetch ?? globalThis.fetch;
    this.#timeoutMs = options.requestTimeoutMs ?? MINUTE_MS;
    this.#retry = options.retry ?? DEFAULT_RETRY;
  }

  /** Sends a request and answers with the JSON of its 2xx answer. */
  async call<T>(request: ApiRequest): Promise<T> {
    return withRetry(
      () =>
        this.#inTime(async (timer) => {
          const response = await this.#authorized(request, request.headers ?? {}, timer);
          // The shape is the contract's; a test holds these types against the API's schemas.
          return (await this.#read(response, request)) as T;
        }),
      { policy: request.retry ?? this.#retry, signal: request.signal, onRetry: request.onRetry },
    );
  }

  /** Opens the answer of a GET without reading its body. The timeout covers the head of the answer only. */
  async open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    return withRetry(() => this.#inTime((timer) => this.#authorized({ method: 'GET', path, signal }, headers, timer)), {
      policy: this.#retry,
      signal,
    });
  }

  /** With a timer of its own, not AbortSignal.timeout: that one would go on living after the answer, and end its body. */
  async #inTime<T>(work: (timer: AbortSignal) => Promise<T>): Promise<T> {
    const timer = new AbortController();
    const timeout = setTimeout(() => timer.abort(), this.#timeoutMs);
    try {
      return await work(timer.signal);
    } finally {
      clearTimeout(timeout);
    }
  }

  async #authorized(request: ApiRequest, headers: Record<string, string>, timer: AbortSignal): Promise<Response> {
    const response = await this.#send(request, headers, timer);
    // A renewable token may have expired on the way: ask for it once more.
    if (response.status !== 401 || typeof this.#token === 'string') return failIfNot2xx(this.#base, response);
    await response.body?.cancel();
    return failIfNot2xx(this.#base, await this.#send(request, headers, timer));
  }

  async #send(request: ApiRequest, headers: Record<string, string>, timer: AbortSignal): Promise<Response> {
    throwIfAborted(request.signal);
    const signals = request.signal === undefined ? [timer] : [request.signal, timer];
    const token = typeof this.#token === 'string' ? this.#token : await this.#token();
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    try {
      return await this.#fetch(`${this.#base}${request.path}`, {
        method: request.method,
        headers: {
          accept: 'application/json, application/problem+json, */*;q=0.1',
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        signal: AbortSignal.any(signals),
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      throw networkError(this.#base, error, request.signal);
    }
  }

  async #read(response: Response, request: ApiRequest): Promise<unknown> {
    let text: string;
    try {
      text = await response.text();
    } catch (error) {
      throw networkError(this.#base, error, request.signal);
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw notTheApi(this.#base, `an answer ${response.status} that is not JSON`, error);
    }
  }
}

function baseOf(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ArtifactError('invalid_request', `"${url}" is not an http(s) address`);
  return url.replace(/\/+$/, '');
}

/** `aborted` when the caller's own signal fired, else `api_unreachable` with the reason Node hides in `cause`. */
export function networkError(base: string, error: unknown, signal: AbortSignal | undefined): ArtifactError {
  if (signal?.aborted === true) return abortedError(signal);
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const timedOut = error instanceof Error && error.name === 'AbortError';
  const reason = timedOut ? 'no answer in time' : inner instanceof Error ? inner.message || inner.name : String(inner);
  return new ArtifactError('api_unreachable', `${base}: ${reason}`, { details: { url: base }, cause: error });
}

async function failIfNot2xx(base: string, response: Response): Promise<Response> {
  if (response.ok) return response;
  const error = errorOfAnswer(base, response.status, await response.text().catch(() => ''));
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  if (!Number.isFinite(retryAfter)) throw error;
  throw new ArtifactError(error.code, error.message, {
    details: { ...error.details, retryAfterSeconds: retryAfter },
    cause: error,
  });
}
