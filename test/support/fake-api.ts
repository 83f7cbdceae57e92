import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorKind } from '../../src/domain/errors.js';
import type { ErrorCode } from '../../src/domain/errors.js';
import { isUuid } from '../../src/domain/ids.js';
import { Refusal } from './fake-api/answers.js';
import { FakeArtifacts } from './fake-api/artifacts.js';
import { FakeStore } from './fake-api/store.js';

export const FAKE_TOKEN = 'fake-token';

/** What the API does instead of answering. */
export interface ApiFault {
  /** The nth matching request (from 1) and only that. */
  nth: number;
  method: string;
  /** Matched against the path. */
  path: RegExp;
  /** A problem, or a connection that is cut: before anything is done, or (`lost`) instead of the answer. */
  answer: { code: ErrorCode; status?: number; retryAfterSeconds?: number } | 'reset' | 'lost';
}

/**
 * The HTTP contract of the API and a store that checks checksums, in memory, on one real port: for faults that the real ones do
 * not have on demand.
 */
export class FakeApi {
  readonly artifacts: FakeArtifacts;
  readonly store: FakeStore;
  readonly faults: ApiFault[] = [];
  /** `METHOD /path` of every request to the API, in order. */
  readonly requests: string[] = [];
  /** How long the answer to a begin takes, after it has begun. */
  beginDelayMs = 0;
  /** The same for the signing of parts. */
  signDelayMs = 0;
  readonly sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #seen = new Map<ApiFault, number>();
  #url = '';

  constructor() {
    this.store = new FakeStore();
    this.artifacts = new FakeArtifacts(this.store, () => this.#url);
  }

  static async start(): Promise<FakeApi> {
    const fake = new FakeApi();
    fake.#server.on('connection', (socket) => {
      fake.sockets.add(socket);
      socket.on('close', () => fake.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    const { port } = fake.#server.address() as AddressInfo;
    fake.#url = `http://127.0.0.1:${port}`;
    return fake;
  }

  get url(): string {
    return this.#url;
  }

  /** Requests of one kind so far. */
  count(pattern: RegExp): number {
    return this.requests.filter((line) => pattern.test(line)).length;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.#url);
    if (url.pathname.startsWith('/store/')) {
      await this.store.serve(request, response, url);
      return;
    }
    const method = request.method ?? 'GET';
    this.requests.push(`${method} ${url.pathname}`);
    const key = request.headers['idempotency-key'];
    // Carried as a parameter, so that the rules need not see the request.
    if (typeof key === 'string') url.searchParams.set('idempotencyKey', key);
    const body = await bodyOf(request);
    const fault = this.#fault(method, url.pathname);
    if (fault === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    try {
      if (fault !== undefined && fault !== 'lost') throw new Refusal(fault.code, 'on purpose', fault);
      if (request.headers.authorization !== `Bearer ${FAKE_TOKEN}`) throw new Refusal('unauthenticated', 'no token');
      this.#route(method, url, body, fault === 'lost' ? cut(response) : response);
    } catch (error) {
      sendProblem(response, error instanceof Refusal ? error : new Refusal('internal', String(error)));
    }
  }

  #fault(method: string, path: string): ApiFault['answer'] | undefined {
    let answer: ApiFault['answer'] | undefined;
    for (const fault of this.faults) {
      if (fault.method !== method || !fault.path.test(path)) continue;
      const seen = (this.#seen.get(fault) ?? 0) + 1;
      this.#seen.set(fault, seen);
      if (seen === fault.nth) answer = fault.answer;
    }
    return answer;
  }

  #route(method: string, url: URL, body: string, response: ServerResponse): void {
    const [, , kind, id = '', ...rest] = url.pathname.split('/');
    if (!isUuid(id)) throw new Refusal('invalid_id', `"${id}" is not a UUID`);
    const verb = `${method} ${rest.join('/')}`;
    if (kind === 'artifacts' && verb === 'GET content') {
      this.artifacts.content(id, response);
      return;
    }
    const json: unknown = body === '' ? {} : JSON.parse(body);
    const answer =
      kind === 'executions'
        ? this.artifacts.ofExecution(verb, id, url.searchParams, json)
        : this.artifacts.ofArtifact(verb, id, { query: url.searchParams, body: json });
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    const send = (): void => void response.end(JSON.stringify(answer.body));
    const delayMs = verb === 'POST artifacts' ? this.beginDelayMs : verb === 'POST upload/parts' ? this.signDelayMs : 0;
    if (delayMs > 0) setTimeout(send, delayMs);
    else send();
  }
}

/** An answer that never arrives. */
function cut(response: ServerResponse): ServerResponse {
  response.end = () => {
    response.socket?.resetAndDestroy();
    return response;
  };
  return response;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (chunk instanceof Buffer) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function sendProblem(response: ServerResponse, refusal: Refusal): void {
  const { code, message, options } = refusal;
  const kind = errorKind(code);
  response.writeHead(options.status ?? kind.status, {
    'content-type': 'application/problem+json',
    ...(options.retryAfterSeconds === undefined ? {} : { 'retry-after': String(options.retryAfterSeconds) }),
  });
  response.end(
    JSON.stringify({
      title: kind.title,
      status: kind.status,
      detail: message,
      code,
      remedy: kind.remedy,
      details: options.details ?? {},
    }),
  );
}
