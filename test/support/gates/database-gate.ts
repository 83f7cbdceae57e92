import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '../../../src/dev/servers/ports.js';
import { HeldCalls } from './held-calls.js';

/** A statement with its parameters, as text. */
export interface DatabaseCall {
  sql: string;
  values: (string | null)[];
}

/** Stands between the worker and Postgres, and reads along. */
export interface DatabaseGate {
  /** Connection string by way of the gate. */
  url: string;
  held: HeldCalls<DatabaseCall>;
  close(): Promise<void>;
}

export async function openDatabaseGate(databaseUrl: string): Promise<DatabaseGate> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      // Answers are many small messages: each would wait 40 ms for the one before to be acknowledged.
      socket.setNoDelay(true);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    relay(gate, client, upstream);
  });
  const port = await freePort();
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  const gate: DatabaseGate = {
    url: url.href,
    held: new HeldCalls(),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return gate;
}

/*
 * The protocol (Postgres manual, "Message Formats"): the first message of a client is its length and what it says; every other message of
 * either side is a letter, a length, and what it says. A statement with parameters is sent as Parse, Bind, …, Sync, and is carried out
 * when the server answers ReadyForQuery.
 */
const PARSE = 'P';
const BIND = 'B';
const SYNC = 'S';
const READY_FOR_QUERY = 'Z';

interface Message {
  letter: string;
  body: Buffer;
  raw: Buffer;
}

function relay({ held }: DatabaseGate, client: Socket, upstream: Socket): void {
  /** Told at the server's next ReadyForQuery, whose answer is then kept back. */
  let afterwards: (() => Promise<never>) | null = null;
  let statement: Message[] = [];

  const fromClient = messages({ startup: true }, (message) => {
    statement.push(message);
    // Only a whole statement is passed on, so that it can be held as a whole.
    if (![SYNC, 'Q', 'X', 'p', ''].includes(message.letter)) return;
    const whole = Buffer.concat(statement.map(({ raw }) => raw));
    const rule = held.ruleOn(toCall(statement));
    statement = [];
    if (rule?.when === 'before') {
      void rule.wait();
      return;
    }
    afterwards = rule?.wait ?? null;
    upstream.write(whole);
  });
  const fromServer = messages({ startup: false }, ({ letter, raw }) => {
    if (afterwards === null) client.write(raw);
    else if (letter === READY_FOR_QUERY) void afterwards();
  });
  client.on('data', fromClient);
  upstream.on('data', fromServer);
}

/** Cuts a stream into messages. */
function messages({ startup }: { startup: boolean }, onMessage: (message: Message) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isFirst = startup;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const prefix = isFirst ? 0 : 1;
      if (rest.length < prefix + 4) return;
      const end = prefix + rest.readInt32BE(prefix);
      if (rest.length < end) return;
      const raw = rest.subarray(0, end);
      rest = rest.subarray(end);
      const letter = isFirst ? '' : raw.toString('latin1', 0, 1);
      isFirst = false;
      onMessage({ letter, body: raw.subarray(prefix + 4), raw });
    }
  };
}

function toCall(statement: Message[]): DatabaseCall {
  const parse = statement.find(({ letter }) => letter === PARSE)?.body;
  const bind = statement.find(({ letter }) => letter === BIND)?.body;
  return {
    sql: parse === undefined ? '' : cString(parse, parse.indexOf(0) + 1),
    values: bind === undefined ? [] : parametersOf(bind),
  };
}

const cString = (bytes: Buffer, start: number): string => bytes.toString('utf8', start, bytes.indexOf(0, start));

/** Of a Bind: portal, statement, formats, then every parameter with its length, -1 for null. */
function parametersOf(bind: Buffer): (string | null)[] {
  let at = bind.indexOf(0, bind.indexOf(0) + 1) + 1;
  at += 2 + 2 * bind.readInt16BE(at);
  const values: (string | null)[] = [];
  const count = bind.readInt16BE(at);
  at += 2;
  for (let index = 0; index < count; index++) {
    const length = bind.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : bind.toString('utf8', at, at + length));
    at += Math.max(0, length);
  }
  return values;
}
