import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '../../../src/dev/servers/ports.js';

/** A request as it passes: the sizes are those of HTTP/1.1 with Content-Length, which is all that S3 clients send here. */
export interface PassingRequest {
  method: string;
  /** Path and query, as sent. */
  target: string;
  /** How often this method and path (for a part: with its number) came, this time included. */
  attempt: number;
  bodyBytes: number;
}

export interface PassedRequest extends PassingRequest {
  /** How much of its body the store was given. */
  passedBytes: number;
  /** What the store said; null before. */
  status: number | null;
}

/** What happens to a request on its way. */
export type TcpFault =
  /** The connection is cut when so many bytes of the body have passed; both sides see a reset. */
  | { kind: 'reset'; atByte: number }
  /** From that byte on nothing moves any more, in either direction, and nobody is told. */
  | { kind: 'stall'; atByte: number }
  /** The store does it, but only the first bytes of its answer come through before the connection ends. */
  | { kind: 'truncate'; answerBytes: number }
  /** The store never hears of it: the body is read and an answer of S3's is given instead. */
  | { kind: 'refuse'; status: number; storeCode: string }
  /** Everything passes, so much later. */
  | { kind: 'delay'; delayMs: number }
  /** Everything passes, once this resolves. */
  | { kind: 'hold'; until: Promise<void> };

/** A TCP proxy in front of a store that understands just enough to know where a request begins, and that breaks connections as networks do. */
export interface TcpGate {
  url: string;
  /** Asked once for each request. */
  fault: (request: PassingRequest) => TcpFault | null;
  /** Every request, in order. */
  readonly requests: PassedRequest[];
  close(): Promise<void>;
}

export async function openTcpGate(target: string): Promise<TcpGate> {
  const { hostname, port: storePort } = new URL(target);
  const port = await freePort();
  const sockets = new Set<Socket>();
  const gate: TcpGate = {
    url: `http://127.0.0.1:${port}`,
    fault: () => null,
    requests: [],
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((client) => {
    const store = connect(Number(storePort), hostname);
    for (const socket of [client, store]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    new Passage(gate, client, store).open();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return gate;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** A request whose body is passing. */
interface Current {
  seen: PassedRequest;
  leftBytes: number;
  fault: TcpFault | null;
}

/** One connection from a client, and its own to the store. */
class Passage {
  readonly #gate: TcpGate;
  readonly #client: Socket;
  readonly #store: Socket;
  #head = Buffer.alloc(0);
  /** Null between two requests. */
  #current: Current | null = null;
  /** Whose answer comes next. */
  #asked: PassedRequest | null = null;
  /** How much of the answer still passes; null: all of it. */
  #answerBytes: number | null = null;

  constructor(gate: TcpGate, client: Socket, store: Socket) {
    this.#gate = gate;
    this.#client = client;
    this.#store = store;
  }

  open(): void {
    this.#client.on('data', (chunk: Buffer) => {
      this.#client.pause();
      void this.#fromClient(chunk).then((goesOn) => {
        if (goesOn) this.#client.resume();
      });
    });
    this.#store.on('data', (chunk: Buffer) => this.#fromStore(chunk));
    this.#client.on('close', () => this.#store.destroy());
    this.#store.on('close', () => this.#client.destroy());
  }

  /** @returns false when nothing more is to be read. */
  async #fromClient(chunk: Buffer): Promise<boolean> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#current === null) {
        this.#head = Buffer.concat([this.#head, rest]);
        const end = this.#head.indexOf(HEAD_END);
        if (end < 0) return true;
        const bodyAt = end + HEAD_END.length;
        const head = this.#head.subarray(0, bodyAt);
        rest = this.#head.subarray(bodyAt);
        this.#head = Buffer.alloc(0);
        this.#current = await this.#begin(head);
      }
      const body = rest.subarray(0, this.#current.leftBytes);
      rest = rest.subarray(body.length);
      if (!(await this.#pass(this.#current, body))) return false;
      if (this.#current.leftBytes === 0) this.#current = null;
    }
    return !this.#client.destroyed;
  }

  async #begin(head: Buffer): Promise<Current> {
    const text = head.toString('latin1');
    const [method = '', target = ''] = text.split(' ', 2);
    const bodyBytes = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0);
    const attempt =
      1 + this.#gate.requests.filter((one) => one.method === method && sameThing(one.target, target)).length;
    const seen = { method, target, attempt, bodyBytes, passedBytes: 0, status: null };
    this.#gate.requests.push(seen);
    this.#asked = seen;
    const fault = this.#gate.fault(seen);
    this.#answerBytes = fault?.kind === 'truncate' ? fault.answerBytes : null;
    if (fault?.kind === 'hold') await fault.until;
    if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.delayMs).unref());
    if (fault?.kind !== 'refuse') await write(this.#store, head);
    return { seen, leftBytes: bodyBytes, fault };
  }

  async #pass(current: Current, body: Buffer): Promise<boolean> {
    const { seen, fault } = current;
    let passing = body;
    if (fault?.kind === 'reset' || fault?.kind === 'stall') {
      passing = body.subarray(0, Math.max(0, fault.atByte - seen.passedBytes));
      const isThere = passing.length < body.length || seen.passedBytes + passing.length === seen.bodyBytes;
      await write(this.#store, passing);
      seen.passedBytes += passing.length;
      if (isThere) return this.#break(fault.kind);
    } else if (fault?.kind !== 'refuse') {
      await write(this.#store, passing);
      seen.passedBytes += passing.length;
    }
    current.leftBytes -= body.length;
    if (current.leftBytes === 0 && fault?.kind === 'refuse') await write(this.#client, answerOf(fault));
    return true;
  }

  #break(how: 'reset' | 'stall'): boolean {
    if (how === 'reset') {
      this.#client.resetAndDestroy();
      this.#store.resetAndDestroy();
    } else this.#store.pause();
    return false;
  }

  #fromStore(chunk: Buffer): void {
    if (this.#asked !== null) this.#asked.status ??= statusOf(chunk);
    if (this.#answerBytes === null) {
      this.#client.write(chunk);
      return;
    }
    const passing = chunk.subarray(0, this.#answerBytes);
    this.#answerBytes -= passing.length;
    this.#client.write(passing);
    if (this.#answerBytes === 0) this.#client.end(() => this.#store.destroy());
  }
}

/** Of an answer that begins here. */
const statusOf = (chunk: Buffer): number =>
  Number(/^HTTP\/1\.1 (\d{3})/.exec(chunk.toString('latin1', 0, 20))?.[1] ?? 0);

/** Signatures differ from try to try, the path and the number of the part do not. */
const sameThing = (one: string, other: string): boolean => identityOf(one) === identityOf(other);

function identityOf(target: string): string {
  const { pathname, searchParams } = new URL(target, 'http://store');
  return `${pathname}#${searchParams.get('partNumber') ?? ''}`;
}

async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (bytes.length === 0 || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    // Also called, with an error, when the socket is closed first.
    socket.write(bytes, () => resolve());
  });
}

function answerOf({ status, storeCode }: { status: number; storeCode: string }): Buffer {
  const body = `<?xml version="1.0"?><Error><Code>${storeCode}</Code><Message>on purpose</Message></Error>`;
  return Buffer.from(
    `HTTP/1.1 ${status} No\r\ncontent-type: application/xml\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
}
